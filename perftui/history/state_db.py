"""What must outlive the agent: rows of kind, key and body in one SQLite file, each change synced before it counts."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from queue import Full
from typing import TYPE_CHECKING, TypeVar

from perftui.core.errors import StateError
from perftui.history.sqlite_file import Broken, close, connect, plain_reason, set_aside
from perftui.history.worker import Worker

if TYPE_CHECKING:
    import sqlite3
    from concurrent.futures import Future

VERSION = 1
PATIENCE = 10.0
"""Seconds that the disk has for a transaction before it is told to hang."""
CLOSE_PATIENCE = 3.0
_WAITING = 16
"""Transactions that wait for a disk that hangs, at most."""
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS state"
    " (kind TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID"
)
_PROBE = "SELECT kind, key, body FROM state LIMIT 0"
_READ = "SELECT kind, key, CAST(body AS BLOB) FROM state ORDER BY kind, key"
_KEEP = (
    "INSERT INTO state (kind, key, body) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body"
)
_DROP = "DELETE FROM state WHERE kind = ? AND key = ?"

Row = tuple[str, str]
T = TypeVar("T")


class StateDb:
    """Rows (kind, key) → body. One thread writes; what it cannot write raises StateError and can be tried again.

    `notes` are lines on what happened when it was opened.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, notes: tuple[str, ...] = ()) -> None:
        self.path = path
        self.notes = notes
        self._connection: sqlite3.Connection | None = connection
        self._inode = path.stat().st_ino
        self._worker = Worker("perftui-state", _WAITING)
        self._closed = False

    @classmethod
    def open(cls, path: Path) -> StateDb:
        """Return the database at `path`, made where there is none; blocks. A broken file is moved aside and told.

        Raises StateError: another agent keeps it, it is of a newer perftui, or the disk does not let us.
        """
        notes: tuple[str, ...] = ()
        try:
            connection = _connect(path)
        except Broken as error:
            notes = (f"{error}; moved to {set_aside(path).name}, alerts, acks and silences begin anew",)
            connection = _connect(path)
        try:
            return cls(path, connection, notes)
        except (OSError, RuntimeError) as error:
            close(connection)
            raise StateError(f"{path} cannot be kept: {error}") from error

    def load(self) -> dict[str, dict[str, bytes]]:
        """Return everything: kind → key → body, keys in order; blocks for at most 10 s. Raises StateError."""
        try:
            return self._submit(self._read).result(PATIENCE)
        except TimeoutError as error:
            raise self._hangs() from error

    async def write(self, changes: Mapping[Row, bytes | None]) -> None:
        """Bring all of `changes` to disk, or none of it; None removes a row. Raises StateError.

        When it has hung for 10 s the outcome is open: it may still get there, before whatever is written later.
        """
        job = self._submit(partial(self._commit, dict(changes)))
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.wrap_future(job)
        except TimeoutError as error:
            raise self._hangs() from error

    async def close(self) -> None:
        """Let go of the file once what was to be written is; a disk that hangs is not waited for longer than 3 s."""
        if self._closed:
            return
        with contextlib.suppress(TimeoutError, StateError):
            last = self._submit(self._let_go)
            self._closed = True
            async with asyncio.timeout(CLOSE_PATIENCE):
                await asyncio.wrap_future(last)
        self._closed = True
        self._worker.end()

    def _submit(self, job: Callable[[], T]) -> Future[T]:
        if self._closed:
            raise StateError(f"{self.path} is closed")
        try:
            return self._worker.submit(job)
        except Full:
            raise self._hangs() from None

    def _hangs(self) -> StateError:
        return StateError(f"{self.path} cannot be written: the disk does not answer")

    def _read(self) -> dict[str, dict[str, bytes]]:
        rows: dict[str, dict[str, bytes]] = defaultdict(dict)
        for kind, key, body in self._run(lambda connection: connection.execute(_READ).fetchall()):
            rows[kind][key] = body
        return dict(rows)

    def _commit(self, changes: Mapping[Row, bytes | None]) -> None:
        kept = [(*row, body) for row, body in changes.items() if body is not None]
        gone = [row for row, body in changes.items() if body is None]

        def transaction(connection: sqlite3.Connection) -> None:
            with connection:
                connection.executemany(_KEEP, kept)
                connection.executemany(_DROP, gone)

        self._run(transaction)

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do something with the connection; one that failed is not trusted again, the next job opens another."""
        import sqlite3

        try:
            return work(self._current())
        except (sqlite3.Error, OSError) as error:
            self._let_go()
            raise StateError(f"{self.path} cannot be written: {plain_reason(error, self.path)}") from error

    def _current(self) -> sqlite3.Connection:
        """Return the connection to what stands at the path; a file that was moved or deleted is made there again."""
        if self._connection is None:
            self._connection = _connect(self.path)
        elif not self._is_at_path():
            old, self._connection = self._connection, _connect(self.path)
            with contextlib.closing(old):
                old.backup(self._connection)
        else:
            return self._connection
        self._inode = self.path.stat().st_ino
        return self._connection

    def _is_at_path(self) -> bool:
        try:
            return self.path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        close(connection)


def _connect(path: Path) -> sqlite3.Connection:
    return connect(path, _SCHEMA, VERSION, _PROBE)
