"""How long a poll may take: learnt from the polls before it."""

from collections import deque

FIRST = 2.0
SHORTEST = 1.0
LONGEST = 30.0
FACTOR = 2.0
MEMORY = 60
ENOUGH = 5


class Deadline:
    """2 s at first, then twice the 95th percentile of the recent polls, within 1 s and 30 s."""

    def __init__(self, fixed: float | None = None) -> None:
        self._fixed = fixed
        self._durations: deque[float] = deque(maxlen=MEMORY)
        self._seconds = FIRST

    @property
    def seconds(self) -> float:
        """The deadline of the next poll."""
        return self._fixed if self._fixed is not None else self._seconds

    def learn(self, duration: float) -> None:
        """Take in how long a poll took (one that ran into its deadline counts as that long)."""
        self._durations.append(duration)
        if len(self._durations) >= ENOUGH:
            p95 = sorted(self._durations)[int(0.95 * (len(self._durations) - 1))]
            self._seconds = min(LONGEST, max(SHORTEST, FACTOR * p95))
