"""How fast an action may go: as fast as its target stays quick for everybody else."""

import asyncio
import contextlib
from collections import deque

LIMIT = 0.005
"""Seconds that one step may hold up the others, beyond the way there and back."""
SHORTEST_PAUSE = 0.002
LONGEST_PAUSE = 1.0
_SMALLEST = 50
_REMEMBERED = 1000


class Pacer:
    """Sets the size of the next batch and the pause before it from how long the last steps took.

    Between steps it waits at least as long as the step took, so that the server is at most half ours. A step above the
    limit halves the batch and doubles the pause; one below it lets both recover. `baseline` is the time of an idle
    round trip (seconds), `most` the largest batch, `first` the one to begin with (the largest, unless said).
    """

    def __init__(self, baseline: float, most: int, limit: float = LIMIT, first: int | None = None) -> None:
        self.batch = most if first is None else first
        self.baseline = baseline
        self._most = most
        self._limit = limit
        self._slow = 0.0
        self._taken: deque[float] = deque(maxlen=_REMEMBERED)

    def pause(self, work: float, ping: float) -> float:
        """Take in how long a batch and the PING behind it took, and return how long to wait now (all seconds)."""
        held = max(work, ping) - self.baseline
        self._taken.append(max(held, 0.0))
        if held > self._limit:
            self.batch = max(_SMALLEST, self.batch // 2)
            self._slow = min(LONGEST_PAUSE, max(SHORTEST_PAUSE, self._slow * 2))
        else:
            self.batch = min(self._most, self.batch + _SMALLEST)
            self._slow = 0.0 if self._slow <= SHORTEST_PAUSE else self._slow / 2
        return max(work, self._slow)

    @property
    def p99(self) -> float:
        """Return the time within which 99 of 100 of the last steps gave the server back (seconds)."""
        ordered = sorted(self._taken)
        return ordered[int(0.99 * (len(ordered) - 1))] if ordered else 0.0


async def rest(cancelled: asyncio.Event, pause: float) -> None:
    """Wait `pause` seconds between two steps, or until it is cancelled."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(pause):
            await cancelled.wait()
