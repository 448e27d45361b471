"""A circuit breaker: what fails again and again is asked less and less, and trusted again step by step."""

FAILURES_TO_OPEN = 5
SUCCESSES_TO_CLOSE = 3
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0


class Breaker:
    """Opens after 5 failures in a row; probes after 1, 2, 4 … 60 s; three successes in a row close it."""

    def __init__(self) -> None:
        self._failures = 0
        self._successes = 0
        self._wait = FIRST_WAIT
        self._probe_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether polls are held back until `probe_at`."""
        return self._probe_at is not None

    @property
    def probe_at(self) -> float | None:
        """When the next probe may go out (monotonic seconds), None while closed."""
        return self._probe_at

    def success(self) -> None:
        """A poll came back: probe at the normal pace, close after the third."""
        self._successes += 1
        if self._probe_at is not None:
            self._probe_at = 0.0
        if self._successes >= SUCCESSES_TO_CLOSE or self._failures < FAILURES_TO_OPEN:
            self._failures = 0
            self._wait = FIRST_WAIT
            self._probe_at = None

    def failure(self, now: float, *, refused: bool = False) -> None:
        """A poll failed: open at the fifth in a row, wait twice as long after each failed probe.

        `refused`: credentials or rights are missing, which no repetition mends: ask once a minute.
        """
        self._failures += 1
        self._successes = 0
        if refused:
            self._failures = max(self._failures, FAILURES_TO_OPEN)
            self._wait = LONGEST_WAIT
        if self._failures < FAILURES_TO_OPEN:
            return
        if self._failures > FAILURES_TO_OPEN:
            self._wait = min(self._wait * 2, LONGEST_WAIT)
        self._probe_at = now + self._wait
