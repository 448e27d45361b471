"""Details of processes, read on a daemon thread: /proc/PID/cmdline waits for the memory lock of its process.

On a dying host that lock may be held for ever. Then the thread is left to it, and another one goes on with the rest.
"""

from collections.abc import Iterable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import NamedTuple

from perftui.collectors.host.process_details import DetailReader, Details
from perftui.collectors.host.process_stat import EXHAUSTED
from perftui.core.aside import start_aside

BATCH = 60
GRACE = 0.002
"""Seconds that a poll waits for a batch it has started: mostly enough for the few processes that are new."""
PATIENCE = 2.0
"""Seconds after which a batch that has not ended is given up, and its next process is taken for stuck."""
MAX_STUCK = 4


class Incarnation(NamedTuple):
    """A process that no other one is taken for: its start (ticks) tells who had the pid before, its name an exec."""

    pid: int
    start: int
    name: str


class _Batch:
    """Reads one process after the other until it is `given_up`; `found` grows meanwhile."""

    def __init__(self, reader: DetailReader, wanted: list[Incarnation], at: float) -> None:
        self._reader = reader
        self._wanted = wanted
        self.began = at
        self.given_up = False
        self.found: dict[Incarnation, Details] = {}
        self.run: Future[None] = start_aside(self._read)
        wait([self.run], GRACE)

    @property
    def next(self) -> Incarnation:
        """The one that is being read."""
        return self._wanted[min(len(self.found), len(self._wanted) - 1)]

    def _read(self) -> None:
        for each in self._wanted:
            if self.given_up:
                return
            try:
                self.found[each] = self._reader.read(str(each.pid))
            except OSError as error:
                if error.errno in EXHAUSTED:
                    return
                self.found[each] = Details()


class DetailBatches:
    """Reads details a batch at a time, never for longer than GRACE in the caller's own time."""

    def __init__(self, root: Path) -> None:
        self._reader = DetailReader(root)
        self._batch: _Batch | None = None
        self._held: dict[Incarnation, Future[None]] = {}

    @property
    def stuck(self) -> list[int]:
        """The pids of processes that hold a thread."""
        return [each.pid for each in self._held]

    def close(self) -> None:
        """Give up what is under way; a thread that is held is remembered, so that a new start does not add another."""
        if self._batch is not None:
            self._batch.given_up, self._batch = True, None

    def read(self, wanted: Iterable[Incarnation], at: float) -> dict[Incarnation, Details]:
        """Return what was found since the last call, and begin with `wanted` when nothing is under way."""
        self._held = {each: run for each, run in self._held.items() if not run.done()}
        found = self._look(at)
        if self._batch is None and len(self._held) < MAX_STUCK:
            rest = [each for each in wanted if each not in found and each not in self._held]
            if rest:
                self._batch = _Batch(self._reader, rest[:BATCH], at)
                found |= self._look(at)
        return found

    def _look(self, at: float) -> dict[Incarnation, Details]:
        batch = self._batch
        if batch is None:
            return {}
        if batch.run.done():
            self._batch = None
        elif at - batch.began > PATIENCE:
            self._held[batch.next] = batch.run
            self.close()
        return dict(batch.found)
