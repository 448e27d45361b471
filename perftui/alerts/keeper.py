"""Keeps on disk what must outlive the agent, and goes on in memory where the disk does not do its part."""

import asyncio
from collections.abc import Sequence

import msgspec

from perftui.alerts.kept import Changes, Kept, Outage, Row
from perftui.core.clock import Clock
from perftui.core.errors import StateError
from perftui.core.moment import Moment, elapsed
from perftui.history.state_db import StateDb

PATIENCE = 1.0
"""Seconds that a write may hold up the next view; it goes on behind it."""
RETRY = 5.0
"""Seconds until a disk that failed is tried again."""
ALIVE: Row = ("meta", "alive")


class Keeper:
    """Hands what the parts change to the database, in one transaction, and gives it back after a restart."""

    def __init__(self, parts: Sequence[Kept], clock: Clock) -> None:
        self._parts = parts
        self._clock = clock
        self._db: StateDb | None = None
        self._unsaved: dict[Row, bytes | None] = {}
        self._writing: asyncio.Task[None] | None = None
        self._retry_at = 0.0
        self.problem = ""

    def attach(self, db: StateDb) -> None:
        """Take back what `db` holds, and keep everything there from now on; blocks while it reads."""
        rows = db.load()
        outage = self._outage(rows.get(ALIVE[0], {}).get(ALIVE[1]))
        for part in self._parts:
            part.restore(rows, outage)
        self._db = db

    def alive(self) -> None:
        """Note that somebody watches now: from here a restart counts for how long nobody did."""
        self._unsaved[ALIVE] = msgspec.msgpack.encode(Moment.now(self._clock))

    async def save(self) -> bool:
        """Bring to disk what changed until now, waiting a little for it; return whether it is there.

        A slow write goes on by itself; what changed meanwhile waits for its end.
        """
        if not await self._is_idle():
            return False
        self._collect()
        if self._db is None:
            self._unsaved.clear()
        elif self._unsaved and self._clock.monotonic() >= self._retry_at:
            self._writing = asyncio.create_task(self._write(self._db), name="state.db")
        return await self._is_idle() and not self._unsaved

    async def _is_idle(self) -> bool:
        """Wait a little for the write that is under way; return whether none is."""
        if self._writing is not None:
            await asyncio.wait({self._writing}, timeout=PATIENCE)
        return self._writing is None or self._writing.done()

    async def close(self) -> None:
        """Bring the last changes to disk and let go of it."""
        self._retry_at = 0.0
        self.alive()
        await self.save()
        if self._writing is not None:
            self._writing.cancel()
        if self._db is not None:
            await self._db.close()

    def _collect(self) -> None:
        changes: Changes = {}
        for part in self._parts:
            changes |= part.take_changes()
        if changes:
            self.alive()
        for row, kept in changes.items():
            self._unsaved[row] = None if kept is None else msgspec.msgpack.encode(kept)

    async def _write(self, db: StateDb) -> None:
        batch, self._unsaved = self._unsaved, {}
        try:
            await db.write(batch)
        except StateError as error:
            self._unsaved = batch | self._unsaved
            self._retry_at = self._clock.monotonic() + RETRY
            self.problem = f"{error}; alerts, acks and silences do not outlive this agent until it can be written"
        else:
            self.problem = ""

    def _outage(self, alive: bytes | None) -> Outage:
        if alive is None:
            return Outage()
        try:
            before = msgspec.msgpack.decode(alive, type=Moment)
        except msgspec.MsgspecError:
            return Outage()
        now = Moment.now(self._clock)
        seconds = elapsed(before, now)
        return Outage(shift=now.monotonic - seconds - before.monotonic, seconds=seconds)
