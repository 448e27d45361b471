"""The values of one series within a window, and what is made of them at each new one.

Each keeps what its answer needs up to date, so that a value costs about the same however long the window is.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable

from perftui.alerts.rule import Aggregate, Rule
from perftui.core.metric import Kind, Metric

MOST_POINTS = 360
"""Points of a window at most; a longer one is thinned into so many stretches of time."""
MOST_RANKED = 900
"""Percentiles need the values as they came: fifteen minutes of them at one a second."""

Point = tuple[float, float]


class Window(ABC):
    """The points (monotonic seconds, value) of the last `over` seconds; those of one stretch are merged into one."""

    points = MOST_POINTS

    def __init__(self, over: float) -> None:
        self._over = over
        self._stretch = over / self.points
        self._points: deque[Point] = deque()

    def add(self, at: float, value: float) -> float | None:
        """Take in a value; return the answer, None before the points span half the window."""
        points = self._points
        while points and points[0][0] < at - self._over:
            self._leave(points.popleft())
        if len(points) > 1 and at - points[-2][0] < self._stretch:
            last = points.pop()
            self._leave_last(last)
            value = self._merged(last[1], value)
        points.append((at, value))
        self._enter((at, value))
        if len(points) < 2 or at - points[0][0] < self._over / 2:
            return None
        return self._answer(at)

    def _merged(self, before: float, value: float) -> float:
        """Return what stands for two values of one stretch."""
        return value

    @abstractmethod
    def _enter(self, point: Point) -> None:
        """Take in the newest point."""

    @abstractmethod
    def _leave(self, point: Point) -> None:
        """Let go of the oldest point."""

    def _leave_last(self, point: Point) -> None:
        """Let go of the newest point, which is merged with another."""
        self._leave(point)

    @abstractmethod
    def _answer(self, now: float) -> float:
        """Return what the window is about."""


class Average(Window):
    """The mean."""

    def __init__(self, over: float) -> None:
        super().__init__(over)
        self._sum = 0.0

    def _merged(self, before: float, value: float) -> float:
        return (before + value) / 2

    def _enter(self, point: Point) -> None:
        self._sum += point[1]

    def _leave(self, point: Point) -> None:
        self._sum -= point[1]
        if len(self._points) <= 1:
            self._sum = sum(value for _, value in self._points)  # nothing adds up over the days

    def _answer(self, now: float) -> float:
        return self._sum / len(self._points)


class Extreme(Window):
    """The smallest or the largest: kept are only the points that can still become it."""

    def __init__(self, over: float, sign: int) -> None:
        super().__init__(over)
        self._sign = sign
        self._candidates: deque[Point] = deque()

    def _merged(self, before: float, value: float) -> float:
        return max(before, value) if self._sign > 0 else min(before, value)

    def _enter(self, point: Point) -> None:
        value, candidates = point[1] * self._sign, self._candidates
        while candidates and candidates[-1][1] * self._sign <= value:
            candidates.pop()
        candidates.append(point)

    def _leave(self, point: Point) -> None:
        if self._candidates and self._candidates[0] == point:
            self._candidates.popleft()

    def _leave_last(self, point: Point) -> None:
        if self._candidates and self._candidates[-1] == point:
            self._candidates.pop()

    def _answer(self, now: float) -> float:
        return self._candidates[0][1]


class Ranked(Window):
    """A percentile, by the nearest rank."""

    points = MOST_RANKED

    def __init__(self, over: float, share: float) -> None:
        super().__init__(over)
        self._share = share
        self._sorted: list[float] = []

    def _enter(self, point: Point) -> None:
        insort(self._sorted, point[1])

    def _leave(self, point: Point) -> None:
        del self._sorted[bisect_left(self._sorted, point[1])]

    def _answer(self, now: float) -> float:
        return self._sorted[min(len(self._sorted) - 1, int(self._share * len(self._sorted)))]


class Change(Window):
    """How much a level changed, over the window or for each second of it."""

    def __init__(self, over: float, *, per_second: bool) -> None:
        super().__init__(over)
        self._per_second = per_second

    def _enter(self, point: Point) -> None:
        """Nothing: the ends are enough."""

    def _leave(self, point: Point) -> None:
        """Nothing: the ends are enough."""

    def _answer(self, now: float) -> float:
        (began, first), (ended, last) = self._points[0], self._points[-1]
        return (last - first) / (ended - began) if self._per_second else last - first


class Integral(Window):
    """What a rate adds up to over the window: each value holds from the point before it."""

    def _merged(self, before: float, value: float) -> float:
        return (before + value) / 2

    def _enter(self, point: Point) -> None:
        """Nothing: an answer is asked for seldom enough to add up."""

    def _leave(self, point: Point) -> None:
        """Nothing: an answer is asked for seldom enough to add up."""

    def _answer(self, now: float) -> float:
        total, before = 0.0, self._points[0][0]
        for at, value in self._points:
            total += value * (at - before)
            before = at
        return total


class Line(Window):
    """Where a straight line through the window, by least squares, will be after `ahead` seconds."""

    def __init__(self, over: float, ahead: float) -> None:
        super().__init__(over)
        self._ahead = ahead

    def _merged(self, before: float, value: float) -> float:
        return (before + value) / 2

    def _enter(self, point: Point) -> None:
        """Nothing: sums of squares that are carried on for days lose their digits."""

    def _leave(self, point: Point) -> None:
        """Nothing: sums of squares that are carried on for days lose their digits."""

    def _answer(self, now: float) -> float:
        times = [at - now for at, _ in self._points]
        values = [value for _, value in self._points]
        middle, level = sum(times) / len(times), sum(values) / len(values)
        spread = sum((at - middle) ** 2 for at in times)
        slope = sum((at - middle) * (value - level) for at, value in zip(times, values, strict=True)) / spread
        return level + slope * (self._ahead - middle)


_SHARES = {Aggregate.P50: 0.50, Aggregate.P90: 0.90, Aggregate.P95: 0.95, Aggregate.P99: 0.99}


def window_of(rule: Rule, metric: Metric) -> Callable[[], Window] | None:
    """Return what makes the windows of a rule, one for each series; None for a rule that looks at the moment."""
    if rule.aggregate is None or rule.over is None:
        return None
    over, ahead = float(rule.over), float(rule.ahead or 0)
    match rule.aggregate:
        case Aggregate.AVG:
            return lambda: Average(over)
        case Aggregate.MIN:
            return lambda: Extreme(over, -1)
        case Aggregate.MAX:
            return lambda: Extreme(over, 1)
        case Aggregate.RATE:
            return lambda: Change(over, per_second=True)
        case Aggregate.INCREASE if metric.kind is Kind.RATE:
            return lambda: Integral(over)
        case Aggregate.INCREASE:
            return lambda: Change(over, per_second=False)
        case Aggregate.PREDICT:
            return lambda: Line(over, ahead)
    share = _SHARES[rule.aggregate]
    return lambda: Ranked(over, share)
