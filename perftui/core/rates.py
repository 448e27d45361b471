"""Counters become rates here and nowhere else: resets dropped, intervals measured, no traffic absent."""

from collections import deque
from collections.abc import Hashable
from typing import NamedTuple


class Delta(NamedTuple):
    """How much a counter grew, over how many seconds."""

    amount: float
    seconds: float

    @property
    def rate(self) -> float:
        """The growth per second."""
        return self.amount / self.seconds


FORGET_TURNS = 64
FORGET_SECONDS = 60.0


class Counters:
    """Remembers the last value of each counter of a source.

    A key that is no longer seen (a container that is gone) is forgotten after one to two generations, each of at least
    64 polls and a minute.
    """

    def __init__(self) -> None:
        self._last: dict[Hashable, tuple[float, float]] = {}
        self._older: dict[Hashable, tuple[float, float]] = {}
        self._turns = 0
        self._at = self._born = float("-inf")

    def __len__(self) -> int:
        return len(self._last.keys() | self._older.keys())

    def delta(self, key: Hashable, value: float | None, at: float) -> Delta | None:
        """Return the growth of `key` since it was last seen; None at first sight, after a reset or a gap.

        `value` None is a gap: the counter is forgotten, so that no rate spans what was not seen.
        """
        if at > self._at:
            self._turn(at)
        if value is None:
            self._last.pop(key, None)
            self._older.pop(key, None)
            return None
        previous = self._last.get(key) or self._older.get(key)
        if previous is not None and at <= previous[1]:
            return None
        self._last[key] = (value, at)
        if previous is None or value < previous[0]:
            return None
        return Delta(value - previous[0], at - previous[1])

    def rate(self, key: Hashable, value: float | None, at: float) -> float | None:
        """Return the growth of `key` per second, or None where `delta` has none."""
        delta = self.delta(key, value, at)
        return None if delta is None else delta.rate

    def reset(self) -> None:
        """Forget everything: the server restarted, or the connection is a new one."""
        self._last.clear()
        self._older.clear()

    def _turn(self, at: float) -> None:
        """Count a poll, and begin a new generation when it is time."""
        self._at = at
        self._turns += 1
        if self._turns == 1:
            self._born = at
        if self._turns > FORGET_TURNS and at - self._born >= FORGET_SECONDS:
            self._older, self._last = self._last, {}
            self._turns, self._born = 1, at


class Recent:
    """How much something grew over the last `seconds`: for what is rare and must not vanish with the next poll."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._grown: deque[tuple[float, float]] = deque()

    def total(self, delta: Delta | None, at: float) -> float | None:
        """Add the latest growth and return all of it within the window; None before the first one is known."""
        if delta is not None:
            self._grown.append((at, delta.amount))
        while self._grown and self._grown[0][0] <= at - self._seconds:
            self._grown.popleft()
        return sum(amount for _, amount in self._grown) if self._grown else None


def share(part: float | None, whole: float | None) -> float | None:
    """Return part / whole as 0..1; None when either is missing or nothing happened (whole is 0)."""
    if part is None or not whole or whole < 0:
        return None
    return min(1.0, max(0.0, part / whole))
