"""The last minutes or hours of one series, and what becomes of them: an average, a percentile, where a line leads.

Every window costs the same at each value, however long it is: what can be is kept up to date as values come and go.
"""

import math
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left, insort

from perftui.alerts.rules.rule import Aggregate

MOST_POINTS = 900
"""Longer windows are thinned: values that come within the same part of this fraction of the window become one."""
_COMPACT_AT = 64
_RESIDUE = 1e-6
"""So little may be what subtraction left of nothing, which a rule above 0 must not take for something."""
_SHARES = {Aggregate.P50: 0.5, Aggregate.P90: 0.9, Aggregate.P95: 0.95, Aggregate.P99: 0.99}


def window_for(aggregate: Aggregate, over: float, *, ahead: float = 0.0, of_rate: bool = False) -> "Window":
    """Return an empty window of `over` seconds; `ahead` (seconds) is for predict, `of_rate` for increase."""
    if aggregate in _SHARES:
        return Percentile(over, _SHARES[aggregate])
    match aggregate:
        case Aggregate.AVG:
            return Mean(over)
        case Aggregate.MIN | Aggregate.MAX:
            return Extreme(over, 1.0 if aggregate is Aggregate.MAX else -1.0)
        case Aggregate.PREDICT:
            return Line(over, ahead)
        case Aggregate.INCREASE if of_rate:
            return Integral(over)
    return Change(over, per_second=aggregate is Aggregate.RATE)


class Window(ABC):
    """Points (monotonic seconds, value), oldest first; of what is thinned into one point the newest value stays."""

    __slots__ = ("_gone", "_merged", "_opened", "_start", "_times", "_values", "_width", "over")

    def __init__(self, over: float) -> None:
        self.over = over
        self._times = array("d")
        self._values = array("d")
        self._start = 0
        self._width = over / MOST_POINTS
        self._opened = -math.inf
        self._merged = 1
        self._gone = 0

    def __len__(self) -> int:
        return len(self._times) - self._start

    def add(self, at: float, value: float, _patience: float = math.inf) -> None:
        """Take in a value and let go of what is too old now."""
        self._drop(at - self.over)
        if at - self._opened < self._width and len(self):
            before = self._values[-1]
            self._leave(self._times[-1], before)
            self._merged += 1
            value = self._merge(before, value)
            self._times[-1], self._values[-1] = at, value
        else:
            self._opened, self._merged = at, 1
            self._times.append(at)
            self._values.append(value)
        self._enter(at, value)

    def result(self) -> float | None:
        """Return what the window comes to; None until it spans half of itself."""
        if len(self) < 2 or self._times[-1] - self._times[self._start] < self.over / 2:
            return None
        result = self._result()
        return result if math.isfinite(result) else None

    def _drop(self, edge: float) -> None:
        times = self._times
        while self._start < len(times) and times[self._start] < edge:
            self._start += 1
            self._gone += 1
            self._leave(times[self._start - 1], self._values[self._start - 1])
        if self._start > _COMPACT_AT and 2 * self._start > len(times):
            del self._times[: self._start], self._values[: self._start]
            self._start = 0

    def _merge(self, _before: float, value: float) -> float:
        return value

    def _enter(self, at: float, value: float) -> None:  # noqa: B027 - most keep nothing of their own
        """Take note of a point that is there now."""

    def _leave(self, at: float, value: float) -> None:  # noqa: B027 - most keep nothing of their own
        """Take note of a point that is no longer there."""

    @abstractmethod
    def _result(self) -> float:
        """Return what the points come to; there are two at least."""

    def _is_due(self) -> bool:
        """Return, once in a turn of the whole window, that sums are to be made anew: they lose a little each time."""
        if self._gone < len(self):
            return False
        self._gone = 0
        return True


class Summing(Window):
    """A window that knows the sum of its values."""

    __slots__ = ("_total",)

    def __init__(self, over: float) -> None:
        super().__init__(over)
        self._total = 0.0

    def _enter(self, _at: float, value: float) -> None:
        self._total += value

    def _leave(self, _at: float, value: float) -> None:
        self._total -= value

    def _sum(self) -> float:
        return self._sum_anew() if self._is_due() or not math.isfinite(self._total) else self._total

    def _sum_anew(self) -> float:
        self._total = sum(self._values[self._start :])
        return self._total


class Mean(Summing):
    """The average of the values."""

    __slots__ = ()

    def _merge(self, before: float, value: float) -> float:
        return before + (value - before) / self._merged

    def _result(self) -> float:
        return self._sum() / len(self)


class Extreme(Window):
    """The highest value, or the lowest where `sign` is -1."""

    __slots__ = ("_best", "_sign")

    def __init__(self, over: float, sign: float) -> None:
        super().__init__(over)
        self._sign = sign
        self._best: float | None = None

    def _merge(self, before: float, value: float) -> float:
        return self._sign * max(self._sign * before, self._sign * value)

    def _enter(self, _at: float, value: float) -> None:
        if self._best is not None and self._sign * value > self._sign * self._best:
            self._best = value

    def _leave(self, _at: float, value: float) -> None:
        if value == self._best:
            self._best = None

    def _result(self) -> float:
        if self._best is None:
            self._best = (max if self._sign > 0 else min)(self._values[self._start :])
        return self._best


class Percentile(Window):
    """The value that a share of all values lies below, between two of them where need be."""

    __slots__ = ("_ordered", "_share")

    def __init__(self, over: float, share: float) -> None:
        super().__init__(over)
        self._share = share
        self._ordered: list[float] = []

    def _enter(self, _at: float, value: float) -> None:
        insort(self._ordered, value)

    def _leave(self, _at: float, value: float) -> None:
        del self._ordered[bisect_left(self._ordered, value)]

    def _result(self) -> float:
        place = self._share * (len(self._ordered) - 1)
        below = int(place)
        low, high = self._ordered[below], self._ordered[min(below + 1, len(self._ordered) - 1)]
        return low + (high - low) * (place - below)


class Change(Window):
    """From the first value to the last: how much, or how much a second."""

    __slots__ = ("_per_second",)

    def __init__(self, over: float, *, per_second: bool) -> None:
        super().__init__(over)
        self._per_second = per_second

    def _result(self) -> float:
        change = self._values[-1] - self._values[self._start]
        return change / (self._times[-1] - self._times[self._start]) if self._per_second else change


class Integral(Summing):
    """What a change per second adds up to; each value stands for the time since the one before."""

    __slots__ = ("_latest",)

    def __init__(self, over: float) -> None:
        super().__init__(over)
        self._latest = -math.inf

    def add(self, at: float, value: float, patience: float = math.inf) -> None:
        """Take in a value; after a gap longer than `patience` (seconds) nobody knows what time it stands for."""
        step = at - self._latest
        self._latest = at
        super().add(at, value * step if step <= patience and math.isfinite(step) else 0.0)

    def _merge(self, before: float, value: float) -> float:
        return before + value

    def _result(self) -> float:
        first = self._values[self._start]
        change = self._sum() - first
        return self._sum_anew() - first if 0 < abs(change) < _RESIDUE else change


class Line(Window):
    """Where the straight line that fits best will be `ahead` seconds after the last value."""

    __slots__ = ("_ahead", "_origin", "_product", "_square", "_time", "_total")

    def __init__(self, over: float, ahead: float) -> None:
        super().__init__(over)
        self._ahead = ahead
        self._origin = 0.0
        self._clear()

    def _clear(self) -> None:
        self._time = self._total = self._square = self._product = 0.0

    def _enter(self, at: float, value: float) -> None:
        if len(self) == 1:
            self._clear()
            self._origin = at
        self._count(at, value, 1.0)

    def _leave(self, at: float, value: float) -> None:
        self._count(at, value, -1.0)

    def _count(self, at: float, value: float, sign: float) -> None:
        time = at - self._origin
        self._time += sign * time
        self._total += sign * value
        self._square += sign * time * time
        self._product += sign * time * value

    def _result(self) -> float:
        if self._is_due() or not math.isfinite(self._product):
            self._recount()
        count = len(self)
        mean_time, mean = self._time / count, self._total / count
        spread = self._square - mean_time * self._time
        slope = (self._product - mean_time * self._total) / spread if spread > 0 else math.nan
        return mean + slope * (self._times[-1] - self._origin + self._ahead - mean_time)

    def _recount(self) -> None:
        """Sum up anew, with times that are small: their squares must not swallow the values."""
        self._clear()
        self._origin = self._times[self._start]
        for at, value in zip(self._times[self._start :], self._values[self._start :], strict=True):
            self._count(at, value, 1.0)
