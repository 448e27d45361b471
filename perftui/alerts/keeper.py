"""Keeps on disk what must outlive the agent, and goes on in memory where the disk does not do its part."""

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import msgspec

from perftui.alerts.kept import Changes, Kept, Outage, Row, Rows
from perftui.core.aside import start_aside
from perftui.core.clock import Clock
from perftui.core.errors import StateError
from perftui.core.moment import Moment, elapsed
from perftui.history.state_db import StateDb

PATIENCE = 1.0
"""Seconds that a write may hold up the next view; it goes on behind it."""
RETRY = 5.0
"""Seconds until a disk that failed is tried again."""
UNKEPT = "alerts, acks and silences do not outlive this agent until it can be written"
ALIVE: Row = ("meta", "alive")
Opened = tuple[StateDb, Rows]


class Keeper:
    """Hands what the parts change to the database, in one transaction, and gives it back after a restart.

    A disk that fails or hangs costs only what it would have kept: `problem` says so, and it is tried again.
    """

    def __init__(self, parts: Sequence[Kept], clock: Clock, path: Path | None = None) -> None:
        """`path` is where the database is; without one all is kept in memory alone."""
        self.problem = ""
        self.notes: tuple[str, ...] = ()
        self._parts = parts
        self._clock = clock
        self._path = path
        self._db: StateDb | None = None
        self._opening: Future[Opened] | None = None
        self._unsaved: dict[Row, bytes | None] = {}
        self._writing: asyncio.Task[None] | None = None
        self._retry_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether what was kept is here: nothing is known of before until then."""
        return self._path is None or self._db is not None

    async def open(self, patience: float) -> None:
        """Open the database and take back what it holds; after `patience` seconds that goes on behind."""
        self._open()
        if self._opening is not None:
            with contextlib.suppress(TimeoutError, StateError):
                async with asyncio.timeout(patience):
                    await asyncio.wrap_future(self._opening)
        self._open()

    def _open(self) -> None:
        """Go on with opening: begin, or take what a thread of its own has brought meanwhile."""
        if self._path is None or self.is_open or self._clock.monotonic() < self._retry_at:
            return
        if self._opening is None:
            self._opening = start_aside(partial(_opened, self._path))
        elif not self._opening.done():
            self.problem = f"{self._path} does not answer; {UNKEPT}"
        else:
            try:
                self.take(*self._opening.result())
            except (StateError, OSError) as error:
                self._failed(error)
            self._opening = None

    def take(self, db: StateDb, rows: Rows) -> None:
        """Go on from what `db` holds, and keep everything there from now on."""
        outage = self._outage(rows.get(ALIVE[0], {}).get(ALIVE[1]))
        for part in self._parts:
            part.restore(rows, outage)
        self._db, self.notes, self.problem = db, db.notes, ""

    def _failed(self, error: Exception) -> None:
        self._retry_at = self._clock.monotonic() + RETRY
        self.problem = f"{error}; {UNKEPT}"

    def alive(self) -> None:
        """Note that somebody watches now: from here a restart counts for how long nobody did."""
        self._unsaved[ALIVE] = msgspec.msgpack.encode(Moment.now(self._clock))

    async def save(self) -> bool:
        """Bring to disk what changed until now, waiting a little for it; return whether it is there.

        A slow write goes on by itself; what changed meanwhile waits for its end.
        """
        self._open()
        self._collect()  # before anything is awaited: it is of the same moment as the view that waits for it
        if not await self._is_idle():
            return False
        if self._db is not None and self._unsaved and self._clock.monotonic() >= self._retry_at:
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
        if self._path is None and self._db is None:
            self._unsaved.clear()

    async def _write(self, db: StateDb) -> None:
        batch, self._unsaved = self._unsaved, {}
        try:
            await db.write(batch)
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing of it is lost, and it is tried again
            self._unsaved = batch | self._unsaved
            self._failed(error)
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


def _opened(path: Path) -> Opened:
    """Return the database and all that it holds; blocks. Raises StateError."""
    db = StateDb.open(path)
    return db, db.load()
