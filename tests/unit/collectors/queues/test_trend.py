"""The slope of a depth, and when it will be empty."""

import pytest

from perftui.collectors.queues.trend import Steady, Trend


def test_draining_growing_and_empty() -> None:
    trend = Trend()
    assert trend.slope is None and trend.drain_time is None
    trend.add(0, 100)
    assert trend.drain_time is None
    trend.add(2, 90)
    assert trend.slope == -5 and trend.drain_time == 18
    trend.add(4, 120)
    assert trend.slope == 5 and trend.drain_time is None
    trend.add(5, 0)
    assert trend.drain_time == 0


def test_only_the_last_ten_seconds_count_and_nothing_before_a_gap() -> None:
    trend = Trend()
    for at, depth in ((0, 1000), (10, 100), (15, 90), (20, 80)):
        trend.add(at, depth)
    assert trend.slope == -2
    trend.forget()
    trend.add(21, 5)
    assert trend.slope is None


def test_a_slow_queue_has_a_steady_rate() -> None:
    steady = Steady()
    shown = [steady.mean(float(second % 2), second) for second in range(30)]
    assert shown[0] == 0
    assert all(rate == pytest.approx(0.5, abs=0.06) for rate in shown[9:])


def test_a_rate_that_is_not_known_is_absent_and_what_was_before_counts_no_more() -> None:
    steady = Steady()
    steady.mean(100.0, 1)
    assert steady.mean(None, 2) is None
    assert steady.mean(2.0, 3) == 2.0
