"""The audit log: one JSON record a line, append-only, each holding the hash of the one before, synced to disk.

Hash of a record: SHA-256 over its canonical JSON (sorted keys, no spaces), with the hash of the previous record in it
as `previous`. Changed, removed or inserted lines break the chain; that the last lines were cut off, it cannot show.
"""

import errno
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from perftui.core.errors import AuditError

RESERVE = 64 << 10
KEPT = 32 << 10
"""Bytes of the reserve that no intent takes: they are for the ends of what was begun."""
FIRST = "0" * 64
_TAIL = 64 << 10
_BLOCK = 4096
_FULL = (errno.ENOSPC, errno.EDQUOT)
MOST_READ = 8 << 20
"""Bytes of the log that are remembered: some thousand actions."""

Record = dict[str, Any]


class AuditLog:
    """Appends records under a file lock, so that several agents can share one log. Blocks: call it in a thread.

    `audit.reserve` beside it holds 64 KiB of disk. When the disk is full a record takes from it what it needs and no
    more: others fill what is given up. Intents need half of it left, so that what was begun can still be recorded. Each
    method raises AuditError.
    """

    def __init__(self, folder: Path, write: Callable[[int, bytes], int] = os.write) -> None:
        self.path = folder / "audit.jsonl"
        self._reserve = folder / "audit.reserve"
        self._write = write

    def append(self, record: Record) -> None:
        """Add a record to the chain and return once it is on disk."""
        self.extend(lambda: [record])

    def extend(self, found: Callable[[], Iterable[Record]]) -> None:
        """Add the records that `found` returns; nobody writes between what it reads in the log and what is added."""
        with self._locked() as descriptor:
            for record in found():
                self._append(descriptor, record)

    def restore_reserve(self) -> int:
        """Take what is missing of the reserve, if the disk gives it; return how many bytes there are of it then.

        Without a log none is needed yet.
        """
        if not self.path.exists():
            return RESERVE
        with self._locked():
            self._keep_reserve()
            return self._reserved()

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Yield a descriptor of the log, which no other agent writes to meanwhile."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield descriptor
            finally:
                os.close(descriptor)
        except OSError as error:
            raise AuditError(f"{self.path} cannot be written: {error.strerror}") from error

    def records(self) -> Iterator[Record]:
        """Yield the records, oldest first; lines that are not JSON objects are left to `verify`."""
        for raw in self._lines():
            record = _decode(raw)
            if record is not None:
                yield record

    def since(self, place: int, most: int = MOST_READ) -> tuple[list[Record], int]:
        """Return the records behind a place in the file (0 at first), oldest first, and the place behind them.

        At most the last `most` bytes of them; from the beginning when the file is another, shorter one.
        """
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                start = place if place <= size else 0
                cut = size - start > most
                file.seek(size - most if cut else start)
                whole, newline, _torn = file.read(most).rpartition(b"\n")
                end = file.tell() - len(_torn)
        except FileNotFoundError:
            return [], 0
        except OSError as error:
            raise AuditError(f"{self.path} cannot be read: {error.strerror}") from error
        lines = whole.split(b"\n")[1 if cut else 0 :] if newline else []
        return [record for record in map(_decode, lines) if record is not None], end

    def verify(self) -> int:
        """Return the number of records. Raises AuditError that names the first line that breaks the chain."""
        previous, number = FIRST, 0
        for number, raw in enumerate(self._lines(), 1):
            record = _decode(raw)
            if record is None:
                raise AuditError(f"{self.path}, line {number}: not a record")
            if record.get("previous") != previous:
                raise AuditError(f"{self.path}, line {number}: does not follow the line before it")
            if record.get("hash") != _hash(record) or raw != _canonical(record) + b"\n":
                raise AuditError(f"{self.path}, line {number}: its content was changed")
            previous = record["hash"]
        return number

    def _lines(self) -> Iterator[bytes]:
        try:
            with self.path.open("rb") as file:
                yield from (raw for raw in file if raw.strip())
        except FileNotFoundError:
            return
        except OSError as error:
            raise AuditError(f"{self.path} cannot be read: {error.strerror}") from error

    def _append(self, descriptor: int, record: Record) -> None:
        previous, end = _last(descriptor)
        linked = {**record, "previous": previous}
        raw = _canonical({**linked, "hash": _hash(linked)}) + b"\n"
        kept = KEPT if record.get("event") == "intent" else 0
        try:
            if self._reserved() < kept and not self._keep_reserve():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._put(descriptor, raw, end)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self._put_for_reserve(descriptor, raw, end, kept)
        else:
            self._keep_reserve()
        if end == 0:
            _sync_folder(self.path.parent)

    def _put(self, descriptor: int, raw: bytes, end: int) -> None:
        """Write one whole line at `end`, or none of it."""
        os.ftruncate(descriptor, end)
        try:
            if self._write(descriptor, raw) != len(raw):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, end)
            raise

    def _put_for_reserve(self, descriptor: int, raw: bytes, end: int, kept: int) -> None:
        """Give up the reserve, piece by piece down to `kept`, until the line is written. Raises OSError."""
        left = self._reserved()
        while left > kept:
            left = max(kept, left - (len(raw) // _BLOCK + 1) * _BLOCK)
            self._cut_reserve(left)
            try:
                self._put(descriptor, raw, end)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
            else:
                return
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _reserved(self) -> int:
        try:
            return self._reserve.stat().st_size
        except FileNotFoundError:
            return 0

    def _cut_reserve(self, left: int) -> None:
        if left:
            os.truncate(self._reserve, left)
        else:
            self._reserve.unlink(missing_ok=True)

    def _keep_reserve(self) -> bool:
        """Take what is missing of the reserve where it can be had; return False when the disk is too full for it."""
        held = self._reserved()
        if held >= RESERVE:
            return True
        try:
            with self._reserve.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE)
        except OSError as error:
            self._cut_reserve(held)
            return error.errno not in _FULL
        return True


def is_full(error: AuditError) -> bool:
    """Return whether it is room that is missing."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL


def _last(descriptor: int) -> tuple[str, int]:
    """Return the hash of the last record and where its line ends; a torn line behind it (power loss) is left out."""
    size, length = os.fstat(descriptor).st_size, _TAIL
    while True:
        start = max(0, size - length)
        tail = os.pread(descriptor, size - start, start)
        whole, newline, _torn = tail.rpartition(b"\n")
        if not start or b"\n" in whole:
            break
        length *= 8  # one long line, of many targets
    if not newline:
        return FIRST, 0
    record = _decode(whole.rpartition(b"\n")[2])
    if record is None or not isinstance(record.get("hash"), str):
        raise OSError(errno.EINVAL, "its last line is not a record; move the file away, a new one is begun")
    return record["hash"], start + len(whole) + 1


def _decode(raw: bytes) -> Record | None:
    try:
        record = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None
    return record if isinstance(record, dict) else None


def _hash(record: Record) -> str:
    content = {key: value for key, value in record.items() if key != "hash"}
    return hashlib.sha256(_canonical(content)).hexdigest()


def _canonical(record: Record) -> bytes:
    return msgspec.json.encode(record, order="sorted")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
