"""Windows: held against the plain definition of what they are, over values that come as they like."""

import math
import statistics
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perftui.alerts.evaluation.window import MOST_POINTS, Window, window_for
from perftui.alerts.rules.rule import Aggregate

Points = list[tuple[float, float]]
VALUES = st.floats(-1e6, 1e6, allow_nan=False)
STEPS = st.sampled_from([0.5, 1.0, 1.0, 1.0, 2.0, 7.0, 40.0])
POINTS = st.lists(st.tuples(STEPS, VALUES), min_size=1, max_size=120)


def filled(window: Window, points: Points) -> Window:
    for at, value in points:
        window.add(at, value)
    return window


def timed(steps: Points, start: float = 1e6) -> Points:
    at, points = start, []
    for step, value in steps:
        at += step
        points.append((at, value))
    return points


def percentile(values: list[float], share: float) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def line(points: Points, ahead: float) -> float:
    start = points[0][0]
    fit = statistics.linear_regression([at - start for at, _ in points], [value for _, value in points])
    return fit.intercept + fit.slope * (points[-1][0] - start + ahead)


PLAIN: dict[Aggregate, Callable[[Points], float]] = {
    Aggregate.AVG: lambda points: statistics.fmean(value for _, value in points),
    Aggregate.MIN: lambda points: min(value for _, value in points),
    Aggregate.MAX: lambda points: max(value for _, value in points),
    Aggregate.P50: lambda points: percentile([value for _, value in points], 0.5),
    Aggregate.P95: lambda points: percentile([value for _, value in points], 0.95),
    Aggregate.RATE: lambda points: (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0]),
    Aggregate.INCREASE: lambda points: points[-1][1] - points[0][1],
    Aggregate.PREDICT: lambda points: line(points, 60.0),
}


@pytest.mark.parametrize("aggregate", PLAIN)
@settings(deadline=None)
@given(steps=POINTS)
def test_it_is_what_it_is_defined_to_be(aggregate: Aggregate, steps: Points) -> None:
    window = window_for(aggregate, 30.0, ahead=60.0)
    points = timed(steps)
    for number, (at, value) in enumerate(points, 1):
        window.add(at, value)
        inside = [point for point in points[:number] if point[0] >= at - 30.0]
        result = window.result()
        if len(inside) < 2 or inside[-1][0] - inside[0][0] < 15.0:
            assert result is None
        else:
            assert result == pytest.approx(PLAIN[aggregate](inside), rel=1e-6, abs=1e-3)


@settings(deadline=None)
@given(steps=st.lists(st.tuples(st.floats(0.1, 3.0), st.floats(0.0, 1e3)), min_size=40, max_size=200))
def test_the_increase_of_a_rate_is_what_it_adds_up_to(steps: Points) -> None:
    window = filled(window_for(Aggregate.INCREASE, 30.0, of_rate=True), points := timed(steps))
    inside = [point for point in points if point[0] >= points[-1][0] - 30.0]
    assert window.result() is None or window.result() == pytest.approx(
        sum(value * (at - before) for (before, _), (at, value) in pairwise(inside)), rel=1e-6, abs=1e-3
    )


def test_the_time_of_a_gap_is_not_added_up() -> None:
    window = window_for(Aggregate.INCREASE, 300.0, of_rate=True)
    for at in (*range(100), *range(200, 260)):
        window.add(float(at), 2.0, 5.0)
    assert window.result() == 2.0 * (99 + 59)


@pytest.mark.parametrize("aggregate", PLAIN)
def test_a_long_window_is_thinned_and_still_tells_the_same(aggregate: Aggregate) -> None:
    window = window_for(aggregate, 86_400.0, ahead=60.0)
    points = [(float(at), 100 + at / 100 + 10 * math.sin(at / 50)) for at in range(0, 90_000, 4)]
    filled(window, points)
    assert len(window) <= MOST_POINTS + 1
    inside = [point for point in points if point[0] >= points[-1][0] - 86_400.0]
    assert window.result() == pytest.approx(PLAIN[aggregate](inside), rel=0.03)


def test_the_extremes_of_a_long_window_are_not_thinned_away() -> None:
    for aggregate, peak in ((Aggregate.MAX, 9.0), (Aggregate.MIN, -9.0)):
        window = window_for(aggregate, 9000.0)
        filled(window, [(float(at), peak if at == 4321 else 1.0) for at in range(8000)])
        assert window.result() == peak


def test_sums_do_not_drift() -> None:
    window = window_for(Aggregate.AVG, 60.0)
    filled(window, [(float(at), 1e12 if at % 500 == 0 else 0.1) for at in range(100_000)])
    filled(window, [(100_000.0 + at, 0.1) for at in range(200)])
    assert window.result() == pytest.approx(0.1, rel=1e-9)


def test_what_is_too_large_for_a_number_is_no_verdict_and_passes() -> None:
    window = filled(window_for(Aggregate.AVG, 10.0), [(float(at), 1.7e308) for at in range(10)])
    assert window.result() is None
    filled(window, [(float(at), 1.0) for at in range(10, 30)])
    assert window.result() == 1.0


def test_nothing_is_left_of_what_has_gone_out_of_the_window() -> None:
    window = window_for(Aggregate.INCREASE, 60.0, of_rate=True)
    for second in range(50):
        window.add(second, 1 / (second % 7 + 3))
    for second in range(50, 300):
        window.add(second, 0.0)
        assert second < 111 or window.result() == 0.0
