"""How many jobs BullMQ completed, or failed for good, per second: from whatever trace it leaves.

1. Workers with the `metrics` option count each job in the hash `metrics:completed` (`metrics:failed`), field `count`.
2. Otherwise the sorted set of finished jobs, scored by the worker's clock in ms. BullMQ trims it from its old end
   (`removeOnComplete: {count}` or `{age}`), so a span of time is whole as long as something older is still there:
   two ZCOUNTs, up to the end of the last span and of this one, say how many fell between. Spans end 2 s ago,
   which is how far a worker's clock may be behind.
3. Where neither holds (`removeOnComplete: true` leaves nothing) the rate is unknown, and absent.
"""

from perftui.collectors.every import Every
from perftui.collectors.redis_session import Batch, Reply
from perftui.core.rates import Counters, Delta

LOOK_AGAIN = 30.0
SETTLED_MS = 2000


class Finished:
    """The rate of one outcome, `completed` or `failed`, of one queue; `prefix` is `bull:QUEUE:`."""

    def __init__(self, prefix: bytes, outcome: str) -> None:
        self._set = prefix + outcome.encode()
        self._hash = prefix + b"metrics:" + outcome.encode()
        self.forget()

    def forget(self) -> None:
        """Drop the past: it was not seen without a gap."""
        self.counted = False
        self._stale = False
        self._look = Every(LOOK_AGAIN)
        self._counters = Counters()
        self._kept = 0.0
        self._ended: int | None = None
        self._count: Reply | None = None
        self._size = Reply()
        self._within: tuple[Reply, Reply, float] | None = None

    def ask(self, batch: Batch, at: float, server_ms: float) -> Reply:
        """Ask for what may tell; returns the reply that will say how many jobs are kept."""
        look = not self._stale and (self.counted or self._look.due(at))
        self._count = batch.ask("HMGET", self._hash, "count") if look else None
        self._size = batch.ask("ZCARD", self._set)
        self._within = None
        if self.counted or not self._kept:
            self._ended = None
            return self._size
        start, end = self._ended, int(server_ms) - SETTLED_MS
        if start is not None and end > start:
            replies = [batch.ask("ZCOUNT", self._set, "-inf", score) for score in (start, end)]
            self._within = replies[0], replies[1], (end - start) / 1000
        self._ended = end
        return self._size

    def rate(self, at: float, *, counting: bool = False) -> float | None:
        """Return the jobs per second, None where it cannot be known.

        `counting` says that the workers count the other outcome: then one that was never counted never happened.
        """
        kept = self._size.number() or 0.0
        grew, self._kept = kept > self._kept, kept
        if self._count is not None:
            return self._from_hash(at, grew=grew, counting=counting)
        if counting and not self.counted and not kept:
            return 0.0
        return self._from_set()

    def _from_hash(self, at: float, *, grew: bool, counting: bool) -> float | None:
        """Return the growth of the workers' count; one that stands still while jobs finish is no longer kept up."""
        reply = self._count.value if self._count else None
        count = float(reply[0]) if reply and reply[0] is not None else None
        self.counted = count is not None
        if count is None and counting:
            return 0.0
        growth = self._counters.delta("count", count, at)
        if growth is not None and not growth.amount and grew:
            self._stale, self.counted = True, False
            return None
        return growth.rate if growth else None

    def _from_set(self) -> float | None:
        """Return the jobs within the last span, if something older shows that nothing in it was trimmed."""
        if self._within is None:
            return None
        before, after, seconds = self._within
        older, all_of_it = before.number(), after.number()
        if not older or all_of_it is None:
            return None
        return Delta(max(0.0, all_of_it - older), seconds).rate
