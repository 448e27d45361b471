"""The one hand that writes to the audit log: on a thread of its own, one record after another, in their order."""

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from perftui.actions.audit.log import AuditLog, Record
from perftui.core.aside import start_aside
from perftui.core.errors import AuditError
from perftui.core.units import seconds

DEADLINE = 5.0
MOST_OWED = 100


def _pending() -> "Future[None]":
    future: Future[None] = Future()
    future.set_running_or_notify_cancel()  # who no longer waits must not cancel it
    return future


@dataclass(eq=False)
class _Entry:
    """A record to write; `told` hears of the next attempt, `void` follows it when it is written though given up.

    It `is_owed` once an attempt has failed.
    """

    record: Record
    keep: bool
    told: "Future[None]" = field(default_factory=_pending)
    is_written: bool = False
    is_owed: bool = False
    void: Record | None = None


class Writer:
    """Appends records to a log that may hang: whoever waits hears after 5 s, and one thread is held up, not more.

    What is to be kept and cannot be written now is owed: it stays the first in the line and is tried again with
    whatever comes next. While 100 records wait nothing else is taken; what is to be kept ends what was taken before,
    and is bounded by that.
    """

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._lock = threading.Lock()  # held for moments, never while the disk is waited for
        self._line: deque[_Entry] = deque()
        self._is_writing = False

    async def write(self, record: Record, void: Record) -> None:
        """Return once the record is on disk. Raises AuditError: then it is not written, or else `void` follows it."""
        entry = _Entry(record, keep=False)
        try:
            await self._wait(self._put(entry))
        except AuditError:
            if self._give_up(entry, void):
                raise
        except asyncio.CancelledError:
            if not self._give_up(entry, void):
                self.owe(void)
            raise

    async def keep(self, record: Record) -> None:
        """Return once the record is on disk. Raises AuditError: then it is owed."""
        await self._wait(self._put(_Entry(record, keep=True)))

    def owe(self, record: Record) -> None:
        """Take a record that is to be written as soon as that can be done."""
        self._put(_Entry(record, keep=True))

    async def settle(self) -> None:
        """Write what is owed. Raises AuditError."""
        with self._lock:
            last = self._line[-1].told if self._line else None
            self._begin()
        if last is not None:
            await self._wait(last)

    @property
    def owed(self) -> int:
        """How many records could not be written yet."""
        with self._lock:
            return sum(entry.is_owed for entry in self._line)

    async def _wait(self, told: "Future[None]") -> None:
        try:
            async with asyncio.timeout(DEADLINE):
                await asyncio.wrap_future(told)
        except TimeoutError as error:
            raise AuditError(f"{self._log.path} has not answered for {seconds(DEADLINE)}") from error

    def _put(self, entry: _Entry) -> "Future[None]":
        with self._lock:
            if not entry.keep and len(self._line) >= MOST_OWED:
                raise AuditError(f"{len(self._line)} records wait to be written to {self._log.path}")
            self._line.append(entry)
            told = entry.told
            self._begin()
        return told

    def _give_up(self, entry: _Entry, void: Record) -> bool:
        """Leave an entry out; return False when it is written already."""
        with self._lock:
            if entry.is_written:
                return False
            if self._line and entry is self._line[0]:
                entry.void = void  # it may be on its way to the disk
            elif entry in self._line:
                self._line.remove(entry)
            return True

    def _begin(self) -> None:
        if self._is_writing or not self._line:
            return
        self._is_writing = True
        thread = start_aside(self._write_all)
        if thread.done() and thread.exception() is not None:
            self._break_off(AuditError("no thread can be started to write to the audit log"))

    def _write_all(self) -> None:
        while (entry := self._next()) is not None:
            try:
                self._log.append(entry.record)
            except AuditError as error:
                with self._lock:
                    if entry.keep:  # the others must not come before it
                        self._break_off(error)
                        return
                    self._drop(entry, error)
            except Exception as error:  # noqa: BLE001 - a record that no log can take must not hold up the others
                with self._lock:
                    self._drop(entry, error)
            else:
                self._written(entry)

    def _next(self) -> _Entry | None:
        with self._lock:
            self._is_writing = bool(self._line)
            return self._line[0] if self._line else None

    def _written(self, entry: _Entry) -> None:
        with self._lock:
            self._line.popleft()
            entry.is_written = True
            if entry.void is not None:
                self._line.appendleft(_Entry(entry.void, keep=True))
        entry.told.set_result(None)

    def _drop(self, entry: _Entry, error: Exception) -> None:
        self._line.popleft()
        entry.told.set_exception(error)

    def _break_off(self, error: AuditError) -> None:
        """Tell all who wait, and keep what is owed for the next attempt."""
        waiting, self._is_writing = list(self._line), False
        self._line = deque(entry for entry in waiting if entry.keep)
        for entry in waiting:
            entry.is_owed = True
            told, entry.told = entry.told, _pending()
            own = AuditError(str(error))
            own.__cause__ = error.__cause__
            told.set_exception(own)
