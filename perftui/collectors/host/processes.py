"""The process table, read from /proc itself: psutil's objects cost 7 to 16 times as much.

Three economies make it cheap: the descriptors of /proc/PID/stat are kept, a process that did nothing is read every
fifth time only, and the words (user, command, unit) are read once and aside, a few processes at a time, the busiest
first.
"""

import os
from collections import Counter
from operator import attrgetter

from perftui.collectors.host.detail_batches import DetailBatches, Incarnation
from perftui.collectors.host.files import Host
from perftui.collectors.host.process_details import Details
from perftui.collectors.host.process_stat import EXHAUSTED, Stat, StatFiles, parse_stat
from perftui.core.reading import Cell, ReadingBuilder, Table
from perftui.core.text import clean

COLUMNS = (
    *("pid", "user", "state", "cpu", "memory", "nice", "threads", "name", "command", "unit", "start", "time"),
    "started",
)
"""`start` is wall seconds; `started` the ticks since boot, which with the pid name one process and no other."""
MAX_ROWS = 200
IDLE_TURNS = 5
HERTZ = os.sysconf("SC_CLK_TCK")


class Process:
    """One process as it was last read; `cpu` is a share of one core, None until it was read twice."""

    __slots__ = ("cpu", "details", "idle", "line", "name", "order", "pid", "row", "stat", "turn")

    def __init__(self, pid: int, line: bytes, stat: Stat) -> None:
        self.pid = pid
        self.turn = pid % IDLE_TURNS
        self.cpu: float | None = None
        self.details: Details | None = None
        self.idle = False
        self.name = clean(stat.name)
        self.update(line, stat)

    def update(self, line: bytes, stat: Stat) -> None:
        """Take over a new line; after an exec the words are read again."""
        self.line = line
        self.stat = stat
        self.row: tuple[Cell, ...] | None = None
        name = clean(stat.name)
        if self.details is not None and name != self.name:
            self.details = None
        self.name = name

    def rank(self, cpu: float | None) -> None:
        """Set the CPU share and with it the place in the table: by CPU, memory, and pid so that rows hold still."""
        if cpu != self.cpu:
            self.cpu, self.row = cpu, None
        self.order = (-(cpu or 0.0), -self.stat.memory, self.pid)


class ProcessTable:
    """Every process of this host; the busiest 200 are shown."""

    def __init__(self, host: Host, keep: int | None = None) -> None:
        self._host = host
        self._folder = f"{host.files.root}/proc"
        self._files = StatFiles(self._folder, keep)
        self._words = DetailBatches(host.files.root)
        self._known: dict[str, Process] = {}
        self._denied = 0
        self._turn = 0
        self._boot: float | None = None

    def close(self) -> None:
        """Give back every descriptor and forget every process."""
        self._files.close()
        self._words.close()
        self._known.clear()

    def read(self, into: ReadingBuilder) -> None:
        """Add the counts by state and the table `processes`."""
        self._scan(into.started)
        states = Counter(process.stat.state for process in self._known.values())
        into.add("system.processes.count", len(self._known) + self._denied)
        for state, count in states.items():
            into.add("system.processes.count", count, state=state)
        shown = sorted(self._known.values(), key=attrgetter("order"))[:MAX_ROWS]
        self._add_details(shown, into)
        denied = self._denied + sum(process.details is not None and process.details.denied for process in shown)
        if denied:
            total = len(self._known) + self._denied
            into.deny("processes", f"{total - denied} of {total} processes readable")
        rows = tuple(process.row or self._row(process) for process in shown)
        into.table("processes", Table(columns=COLUMNS, rows=rows, denied=denied))

    def _scan(self, at: float) -> None:
        self._turn = (self._turn + 1) % IDLE_TURNS
        self._denied = 0
        pids = self._pids()
        for pid in pids:
            process = self._known.get(pid)
            if process is None or not process.idle or process.turn == self._turn:
                self._read(pid, process, at)
        for pid in self._known.keys() - pids:
            self._forget(pid)

    def _pids(self) -> list[str]:
        try:
            names = os.listdir(self._folder)  # noqa: PTH208 - names are all it needs
        except OSError as error:
            if error.errno not in EXHAUSTED:
                raise
            self._files.stop_keeping()
            names = os.listdir(self._folder)  # noqa: PTH208
        return [name for name in names if name.isdigit()]

    def _read(self, pid: str, process: Process | None, at: float) -> None:
        try:
            line = self._files.read(pid)
        except (ProcessLookupError, FileNotFoundError):
            self._forget(pid)
            return
        except PermissionError:
            self._forget(pid)
            self._denied += 1
            return
        process = self._take(pid, process, line)
        grown = self._host.counters.delta(("process", pid), process.stat.ticks, at)
        process.idle = grown is not None and not grown.amount
        process.rank(None if grown is None else grown.rate / HERTZ)

    def _take(self, pid: str, process: Process | None, line: bytes) -> Process:
        """Return the process that `line` is of: the known one, or a new one that got the same pid."""
        if process is not None and line == process.line:
            return process
        stat = parse_stat(line)
        if process is not None and process.stat.start == stat.start:
            process.update(line, stat)
            return process
        self._host.counters.delta(("process", pid), None, 0.0)
        self._known[pid] = process = Process(int(pid), line, stat)
        return process

    def _forget(self, pid: str) -> None:
        self._known.pop(pid, None)
        self._files.forget(pid)
        self._host.counters.delta(("process", pid), None, 0.0)

    def _add_details(self, shown: list[Process], into: ReadingBuilder) -> None:
        missing = {Incarnation(each.pid, each.stat.start, each.name): each for each in shown if each.details is None}
        for which, details in self._words.read(missing, into.started).items():
            if process := missing.get(which):
                process.details, process.row = details, None
        if stuck := self._words.stuck:
            into.deny("command lines", f"held by the kernel: process {', '.join(map(str, stuck))}")

    def _row(self, process: Process) -> tuple[Cell, ...]:
        stat, words = process.stat, process.details or Details()
        process.row = (
            process.pid,
            words.user,
            stat.state,
            process.cpu,
            stat.memory,
            stat.nice,
            stat.threads,
            process.name,
            words.command,
            words.unit,
            self._started(stat.start),
            stat.ticks / HERTZ,
            stat.start,
        )
        return process.row

    def _started(self, ticks: int) -> float | None:
        """Return wall seconds: ticks count from the start of the host, `btime`."""
        if self._boot is None:
            lines = (self._host.files.read("proc/stat") or "").splitlines()
            self._boot = next((float(line.split()[1]) for line in lines if line.startswith("btime")), None)
        return None if self._boot is None else self._boot + ticks / HERTZ
