"""SQLite files as we keep them: private, with one owner, whole after a power loss. Blocks: call it in a thread.

WAL with `locking_mode=EXCLUSIVE` needs no shared memory, and the lock ends with its process, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from perftui.core.errors import StateError

if TYPE_CHECKING:
    import sqlite3

LOCK_PATIENCE = 1.0
"""Seconds that the agent before us has to let go."""
_PAGES_IN_WAL = 100
_LONGEST_WAL = 1 << 20
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    f"PRAGMA wal_autocheckpoint = {_PAGES_IN_WAL}",
    f"PRAGMA journal_size_limit = {_LONGEST_WAL}",
)
_REASONS = {
    "SQLITE_FULL": "the disk is full",
    "SQLITE_READONLY": "it is read-only",
    "SQLITE_IOERR": "the disk gives errors",
    "SQLITE_CANTOPEN": "it cannot be opened",
    "SQLITE_PERM": "permission denied",
    "SQLITE_NOMEM": "there is no memory left",
    "SQLITE_CORRUPT": "it is damaged",
    "SQLITE_NOTADB": "it is not a database",
}
_BROKEN = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR")


class Broken(StateError):
    """The file is not what it should be: damaged, or something else altogether."""


def connect(path: Path, schema: str, version: int, probe: str) -> sqlite3.Connection:
    """Return the one connection to the file at `path`, made with its folder where there is none.

    `schema` creates its tables, `probe` is a query that fails when they are others. Raises StateError for what may
    pass, another agent and a version newer than `version`; Broken for a file that can never be read.
    """
    import sqlite3

    _make_private(path)
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=LOCK_PATIENCE, check_same_thread=False)
        connection.text_factory = _text
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        _prepare(connection, path, schema, version, probe)
    except sqlite3.Error as error:
        close(connection)
        raise _refusal(path, error) from error
    except StateError:
        close(connection)
        raise
    return connection


def close(connection: sqlite3.Connection | None) -> None:
    """Let go of the file, whatever state the connection is in."""
    import sqlite3

    if connection is not None:
        with contextlib.suppress(sqlite3.Error):
            connection.close()


def set_aside(path: Path) -> Path:
    """Move a broken file, with its WAL, out of the way; return where it went. Raises StateError."""
    aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    try:
        for ending in ("-shm", "-wal", ""):
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    except OSError as error:
        raise StateError(f"{path} is broken and cannot be moved away: {error.strerror}") from error
    return aside


def plain_reason(error: sqlite3.Error | OSError, path: Path) -> str:
    """Return in plain words why SQLite or the system refused the file at `path`."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if path.exists() and not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return "it is read-only for us"  # SQLite calls it an I/O error, or says nothing
    name = getattr(error, "sqlite_errorname", "")
    return next((reason for code, reason in _REASONS.items() if name.startswith(code)), str(error))


def _prepare(connection: sqlite3.Connection, path: Path, schema: str, version: int, probe: str) -> None:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > version:
        raise StateError(f"{path} is of a newer perftui (version {found}, this one reads {version}); it stays as it is")
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise Broken(f"{path} is damaged: {' '.join(verdict.split())}")
    if found < version:
        connection.execute(schema)
        connection.execute(f"PRAGMA user_version = {version}")
    connection.execute(probe)


def _make_private(path: Path) -> None:
    """Make the folder and an empty file that nobody else may read; SQLite gives its WAL the same mode."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Never opened when it is there: closing it would end the lock that SQLite holds on it in this process.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StateError(f"{path} cannot be made: {error.strerror}") from error


def _refusal(path: Path, error: sqlite3.Error) -> StateError:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StateError(f"another agent ({_holder(path)}) keeps {path}")
    if name.startswith(_BROKEN):
        return Broken(f"{path} is broken: {plain_reason(error, path)}")
    return StateError(f"{path} cannot be opened: {plain_reason(error, path)}")


def _holder(path: Path) -> str:
    """Return who holds the lock on a file, as `pid 4321`, where the system tells."""
    try:
        inode = f":{path.stat().st_ino}"
        locks = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return "pid unknown"
    # 1: POSIX  ADVISORY  WRITE 4321 fe:00:2196100 1073741824 1073742335
    owners = [fields[4] for line in locks if len(fields := line.split()) > 5 and fields[5].endswith(inode)]
    return f"pid {owners[0]}" if owners else "pid unknown"


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
