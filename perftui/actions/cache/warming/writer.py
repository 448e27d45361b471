"""Writes what was pinned: batch by batch, as fast as the server stays quick for everybody else."""

import asyncio
import contextlib
import zlib
from dataclasses import dataclass
from typing import Any

from perftui.actions.cache.warming.packed import Batch
from perftui.actions.pace import Pacer
from perftui.actions.redis.link import RedisLink, number
from perftui.config.remedies import WarmRecipe
from perftui.core.clock import Clock
from perftui.core.errors import SourceError
from perftui.core.text import clean

LOOK_EVERY = 0.5
_ENDS = ("MISCONF", "MASTERDOWN", "NOREPLICAS", "CLUSTERDOWN", "UNKILLABLE")
"""Refusals that no later key would escape."""


@dataclass
class Tally:
    """What became of the keys; `in_doubt` were on their way when the connection was lost."""

    written: int = 0
    there: int = 0
    failed: int = 0
    in_doubt: int = 0
    first_failure: str = ""
    problem: str = ""
    complete: bool = True

    @property
    def done(self) -> int:
        """How many were answered for."""
        return self.written + self.there + self.failed


class Writer:
    """One run over the batches."""

    def __init__(self, link: RedisLink, recipe: WarmRecipe, pacer: Pacer, clock: Clock) -> None:
        self.tally = Tally()
        self._link = link
        self._recipe = recipe
        self._pacer = pacer
        self._clock = clock
        self._evicted = 0.0
        self._looked = 0.0

    async def run(self, batches: list[Batch], cancelled: asyncio.Event, report: Any) -> None:
        """Write them all, or stop: when cancelled, when it evicts, when it refuses writes, when it is gone."""
        total = sum(batch.number for batch in batches)
        try:
            await self._look(first=True)
            place = 0
            while place < len(batches) and not self.tally.problem:
                if cancelled.is_set():
                    self.tally.complete = False
                    return
                some = batches[place : place + self._at_once]
                place += len(some)
                pause = await self._round(some)
                report(min(0.99, self.tally.done / total), f"{self.tally.done:,} of {total:,} keys")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await cancelled.wait()
        except SourceError as error:
            self.tally.problem = f"broke off: {error}"
        if self.tally.problem:
            self.tally.complete = False

    @property
    def _at_once(self) -> int:
        """How many batches are under way at once: up to `concurrency`, fewer while the server is slow."""
        return max(1, min(self._recipe.concurrency, self._pacer.batch // self._recipe.batch))

    async def _round(self, some: list[Batch]) -> float:
        """Write some batches and return how long to wait (seconds)."""
        commands = b"".join([zlib.decompress(batch.packed) for batch in some])
        sent = sum(batch.number for batch in some)
        started = self._clock.monotonic()
        self.tally.in_doubt = sent
        replies = await self._link.send_packed(commands, sent)
        self.tally.in_doubt = 0
        work = self._clock.monotonic() - started
        self._count(replies)
        ping, _ = await self._link.timed("PING")
        if self._clock.monotonic() - self._looked >= LOOK_EVERY:
            await self._look()
        return self._pacer.pause(work, ping)

    def _count(self, replies: list[Any]) -> None:
        written, there = replies.count(b"OK"), replies.count(None)
        self.tally.written += written
        self.tally.there += there
        if written + there == len(replies):
            return
        errors = [reply for reply in replies if reply is not None and reply != b"OK"]
        self.tally.failed += len(errors)
        self.tally.first_failure = self.tally.first_failure or clean(str(errors[0]), 200)
        ending = next((error for error in errors if _ends(error)), None)
        if ending is not None or len(errors) == len(replies):
            self.tally.problem = f"it refuses writes: {clean(str(ending or errors[0]), 200)}"

    async def _look(self, *, first: bool = False) -> None:
        """See whether evictions have begun: then each key written pushes out another one."""
        evicted = number(await self._link.info(), "evicted_keys")
        self._looked = self._clock.monotonic()
        if not first and evicted > self._evicted:
            self.tally.problem = f"it began to evict ({evicted - self._evicted:,.0f} keys), so the rest was not written"
        self._evicted = evicted


def _ends(error: Any) -> bool:
    from redis.exceptions import MovedError, OutOfMemoryError, ReadOnlyError

    return isinstance(error, OutOfMemoryError | ReadOnlyError | MovedError) or str(error).startswith(_ENDS)
