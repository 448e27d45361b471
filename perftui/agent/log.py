"""The agent's log files: `performance.log`, `error.log` and `combined.log` in the state folder, JSON lines.

The event loop only puts a record into a bounded queue; a daemon thread formats and writes. Where the disk does not take
it, one note says so, records are dropped and counted, and writing goes on when the disk does.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from perftui.agent.log_format import defect
from perftui.agent.log_writer import PERFORMANCE_LOGGER, Entry, Writer

LIMIT = 5 << 20
COPIES = 3
QUEUE = 4096
CLOSE_DEADLINE = 1.0

ROOT = logging.getLogger("perftui")
PERFORMANCE = logging.getLogger(PERFORMANCE_LOGGER)
ALERTS = logging.getLogger("perftui.alerts")
SOURCES = logging.getLogger("perftui.sources")
ACTIONS = logging.getLogger("perftui.actions")
AGENT = logging.getLogger("perftui.agent")


def say(logger: logging.Logger, event: str, /, **fields: object) -> None:
    """Log an event with its fields; never blocks and never raises."""
    logger.info("%s", event, extra={"fields": fields})


def warn(logger: logging.Logger, event: str, /, **fields: object) -> None:
    """Log what somebody should look at: it goes to `error.log`, too."""
    logger.warning("%s", event, extra={"fields": fields})


def say_defect(what: str, error: BaseException) -> None:
    """Log an error that nobody foresaw, with where it was raised."""
    AGENT.error("%s", what, exc_info=error)


def log_defects(loop: asyncio.AbstractEventLoop) -> None:
    """Let what nobody caught in `loop` go to the log instead of stderr."""
    loop.set_exception_handler(_on_defect)


def _on_defect(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    task = context.get("task") or context.get("future")
    fields = {"task": task.get_name()} if isinstance(task, asyncio.Task) else {}
    AGENT.error("%s", context["message"], exc_info=context.get("exception"), extra={"fields": fields})


def open_logs(folder: Path, note: Callable[[str], None], limit: int = LIMIT, copies: int = COPIES) -> "Logs":
    """Start logging into `folder`; returns at once, whatever the disk does.

    `note` is told, on the log's own thread, what does not work, and "" when it works again. `limit` is the bytes of a
    file, `copies` how many there are of each name, the current one among them.
    """
    return Logs(Writer(folder, note, limit, copies))


class Logs:
    """The log, until it is closed."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._handler = _Handler(writer)
        self._thread = threading.Thread(target=writer.run, name="perftui-log", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            writer.tell("no log is written: no thread can be started")
            return
        ROOT.setLevel(logging.INFO)
        ROOT.propagate = False
        ROOT.addHandler(self._handler)
        # What libraries warn of: with no handler there it goes to stderr.
        logging.getLogger().addHandler(self._handler)

    def close(self) -> None:
        """Write what is waiting and end; blocks for a second at most."""
        ROOT.removeHandler(self._handler)
        ROOT.propagate = True
        logging.getLogger().removeHandler(self._handler)
        if self._thread.is_alive():
            self._writer.queue.put(None)
            self._thread.join(CLOSE_DEADLINE)


class _Handler(logging.Handler):
    """Puts records into the writer's queue; drops and counts them when it is full."""

    def __init__(self, writer: Writer) -> None:
        super().__init__()
        self._writer = writer

    def createLock(self) -> None:
        """Need none: the queue is all that threads share."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record."""
        try:
            if self._writer.queue.qsize() >= QUEUE:
                self._writer.dropped += 1
            else:
                self._writer.queue.put(_entry(record))
        except Exception:  # noqa: BLE001 - whatever somebody logs must not harm who logs it
            self._writer.dropped += 1


def _entry(record: logging.LogRecord) -> Entry:
    fields: dict[str, object] = dict(getattr(record, "fields", {}))
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        fields["defect"] = defect(error)
    level = record.levelname.lower()
    return Entry(record.created, level, record.levelno >= logging.WARNING, record.name, record.getMessage(), fields)
