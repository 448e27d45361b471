"""The thread that writes the log: takes records from the queue, sorts them into files, and outlives a full disk."""

import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from perftui.agent.log_file import LogFile
from perftui.agent.log_format import Fields, line

PERFORMANCE_LOGGER = "perftui.performance"
BATCH = 256


class Entry(NamedTuple):
    """A record, free of what may still change or would be kept alive by it. `created` is wall seconds."""

    created: float
    level: str
    is_bad: bool
    logger: str
    event: str
    fields: Fields


class Writer:
    """Writes what is put into `queue` until None comes; `dropped` counts what did not get that far."""

    def __init__(self, folder: Path, note: Callable[[str], None], limit: int, copies: int) -> None:
        self.queue: SimpleQueue[Entry | None] = SimpleQueue()
        self.dropped = 0
        self._note = note
        names = ("performance", "error", "combined")
        self._files = {name: LogFile(folder / f"{name}.log", limit, copies) for name in names}
        self._folder = folder
        self._problem = ""
        self._reported = 0
        self._unwritten = 0

    def run(self) -> None:
        """Write until told to end."""
        is_open = True
        while is_open:
            batch: list[Entry] = []
            is_open = self._collect(batch)
            self._write(batch)
        for file in self._files.values():
            file.close()

    def tell(self, problem: str) -> None:
        """Tell what does not work, once; "" when all does."""
        if problem == self._problem:
            return
        self._problem = problem
        try:
            self._note(problem)
        except Exception:  # noqa: BLE001 - who is told may be gone already; the log goes on
            self._problem = ""

    def _collect(self, batch: list[Entry]) -> bool:
        """Wait for a record and take what else is there; return False when it was the last."""
        while not batch or (len(batch) < BATCH and not self.queue.empty()):
            entry = self.queue.get()
            if entry is None:
                return False
            batch.append(entry)
        return True

    def _write(self, batch: list[Entry]) -> None:
        lines = self._sorted(batch)
        lost = self.dropped - self._reported
        if lost + self._unwritten:
            words = {"dropped": lost, "unwritten": self._unwritten}
            for name in ("error", "combined"):
                lines[name].insert(0, line(time.time(), "warning", "perftui.log", "events lost", words))
        problems = [self._append(name, each) for name, each in lines.items()]
        problem = next(filter(None, problems), "")
        if problem:
            self._unwritten += len(batch)
        elif lines:
            self._reported += lost
            self._unwritten = 0
        self.tell(problem)

    def _sorted(self, batch: list[Entry]) -> defaultdict[str, list[bytes]]:
        """Return the lines of each file."""
        lines: defaultdict[str, list[bytes]] = defaultdict(list)
        for entry in batch:
            try:
                text = line(entry.created, entry.level, entry.logger, entry.event, entry.fields)
            except Exception:  # noqa: BLE001 - a field that no JSON can hold costs its line, not the log
                self.dropped += 1
                continue
            lines["combined"].append(text)
            if entry.is_bad:
                lines["error"].append(text)
            if entry.logger == PERFORMANCE_LOGGER:
                lines["performance"].append(text)
        return lines

    def _append(self, name: str, lines: list[bytes]) -> str:
        """Write the lines of one file and return what went wrong, in words."""
        try:
            self._files[name].append(b"".join(lines))
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            return f"the log in {self._folder} cannot be written: {reason}; it goes on when it can"
        return ""
