"""Which way a queue's depth goes: its slope over some seconds, and when it will be empty."""

from collections import deque

WINDOW = 10.0


class Steady:
    """The mean of a rate over the last 10 s: a queue of one job every two seconds has 0.5/s, not 1 and 0 in turn."""

    def __init__(self) -> None:
        self._rates: deque[tuple[float, float]] = deque()

    def forget(self) -> None:
        """Drop the past: it was not seen without a gap."""
        self._rates.clear()

    def mean(self, rate: float | None, at: float) -> float | None:
        """Add the latest rate (monotonic seconds `at`) and return the mean; None while the latest is not known."""
        if rate is None:
            self.forget()
            return None
        self._rates.append((at, rate))
        while self._rates[0][0] <= at - WINDOW:
            self._rates.popleft()
        return sum(each for _, each in self._rates) / len(self._rates)


class Trend:
    """The depths of the last 10 s. What enters and leaves shows in the depth itself, so no counter is needed."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque()

    def forget(self) -> None:
        """Drop the past: it was not seen without a gap."""
        self._points.clear()

    def add(self, at: float, depth: float) -> None:
        """Add the depth at a time (monotonic seconds)."""
        self._points.append((at, depth))
        while self._points[0][0] < at - WINDOW:
            self._points.popleft()

    @property
    def slope(self) -> float | None:
        """Jobs a second that the depth grew by (negative: shrank); None before two points."""
        if len(self._points) < 2:
            return None
        (first, before), (last, now) = self._points[0], self._points[-1]
        return (now - before) / (last - first) if last > first else None

    @property
    def drain_time(self) -> float | None:
        """Seconds until empty at this slope; 0 when empty, None while it does not shrink."""
        if not self._points:
            return None
        depth, slope = self._points[-1][1], self.slope
        if depth == 0:
            return 0.0
        return depth / -slope if slope is not None and slope < 0 else None
