"""The contract of every collector."""

from typing import Protocol

from perftui.core.metric import Metric
from perftui.core.reading import Reading


class Collector(Protocol):
    """Polls one source; made with `(name, options, clock)`. Holds its connections, never a schedule.

    `open` and `poll` raise SourceError (Unreachable, Denied, DeadlineExceeded, BadAnswer) with one line of plain
    words; the poller gives the deadline by cancelling. After a failed poll the poller calls `close` and `open` again.
    """

    async def open(self) -> None:
        """Connect; called before the first poll and after each failure."""

    async def poll(self) -> Reading:
        """Read the source once."""

    async def close(self) -> None:
        """Give back every connection and descriptor; never raises, may be called twice."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Metrics that the user declared for this source, beyond the catalogue."""
