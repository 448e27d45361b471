"""The slope of a depth, and when it will be empty."""

from perftui.collectors.queues.trend import Trend


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
