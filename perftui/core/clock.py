"""The clock, passed in wherever time matters, so that tests and replays own it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two times: one for durations, one for display."""

    def monotonic(self) -> float:
        """Seconds that only go forward; for intervals, ages and deadlines."""

    def wall(self) -> float:
        """Seconds since the epoch; may jump; for display and records only."""


class SystemClock:
    """The clock of this machine."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)


class ManualClock:
    """A clock that moves only when it is told to: tests, rule tests and replays."""

    def __init__(self, monotonic: float = 1000.0, wall: float = 1_700_000_000.0) -> None:
        self._monotonic = monotonic
        self._wall = wall

    def monotonic(self) -> float:
        """Return the seconds it was last moved to."""
        return self._monotonic

    def wall(self) -> float:
        """Return the epoch seconds it was last moved to."""
        return self._wall

    def advance(self, seconds: float) -> None:
        """Let both times pass by `seconds`."""
        self._monotonic += seconds
        self._wall += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back."""
        self._wall += seconds
