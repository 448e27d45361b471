"""One console and its agent under a real pseudo-terminal, and what they cost."""

import contextlib
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.usage import cpu_seconds, proportional_mib, resident_mib
from tests.support.terminal import PERFTUI, Program, isolated, marked, until

COLUMNS, ROWS = 160, 45
FRAME_BYTES = 2048
FRAME_GAP = 0.1
HOST, HOST_SHOWS = b"2", b"invert"
OVERVIEW = b"1"
KEYS = (b"\t", b"p", b"p", b"h", b"\x1b")


class TimedProgram(Program):
    """A program whose every piece of output is noted with its time: `events` holds (seconds since start, bytes)."""

    events: list[tuple[float, int]]
    born: float

    def pump(self, seconds: float = 0.02) -> bool:
        """Read as Program does, and note when how much came."""
        before = len(self.raw)
        alive = super().pump(seconds)
        if len(self.raw) > before:
            self.events.append((time.perf_counter() - self.born, len(self.raw) - before))
        return alive


@dataclass
class Figures:
    """What was measured; times in seconds, sizes in MiB, `cpu` in % of one core."""

    first_frame: list[float] = field(default_factory=list)
    keys_started: list[float] = field(default_factory=list)
    keys_attached: list[float] = field(default_factory=list)
    key_latency: list[float] = field(default_factory=list)
    quit: list[float] = field(default_factory=list)
    cpu: float = 0.0
    cpu_console: float = 0.0
    rss: float = 0.0
    pss: float = 0.0
    bytes_per_second: float = 0.0


@contextlib.contextmanager
def console(folder: Path, config: Path, runtime: Path | None = None) -> Iterator[TimedProgram]:
    """Run a console in an environment of its own, or with the agent in `runtime`; everything it started is ended."""
    runtime = runtime or folder / "run"
    runtime.mkdir(mode=0o700, exist_ok=True)
    argv = [*PERFTUI, "--config", str(config)]
    environment = isolated(folder, PERFTUI_RUNTIME_DIR=str(runtime))
    born = time.perf_counter()
    program = TimedProgram(argv, environment, columns=COLUMNS, rows=ROWS)
    program.events, program.born = [], born
    with program:
        yield program


def first_frame(program: TimedProgram) -> float:
    """Return when the first substantial frame was complete: the last output before the first pause after 2 KB."""
    until(lambda: program.pump(0.005) and _frame_end(program), "a first frame")
    found = _frame_end(program)
    assert found is not None
    return found


def _frame_end(program: TimedProgram) -> float | None:
    total, last = 0, 0.0
    for at, size in [*program.events, (time.perf_counter() - program.born, 0)]:
        if total > FRAME_BYTES and at - last >= FRAME_GAP:
            return last
        total, last = total + size, at
    return None


def keys_answered(program: TimedProgram) -> float:
    """Ask for the host screen over and over from the start; return when it was first there."""
    typed = 0.0
    while HOST_SHOWS not in program.raw:
        now = time.perf_counter() - program.born
        assert now < 20, f"no key was answered within 20 s:\n{program.display()}"
        if now - typed >= 0.02:
            program.send(HOST)
            typed = now
        program.pump(0.005)
    answered = program.events[-1][0]
    program.send(OVERVIEW)
    program.pump_for(0.5)
    return answered


def key_latencies(program: TimedProgram, presses: int) -> list[float]:
    """Press keys in quiet moments of varying phase; return the seconds from each to the first byte of its answer."""
    found = []
    for index in range(presses):
        until(lambda: not _heard(program, 0.15), "a quiet moment")
        program.pump_for(0.013 * (index % 7))
        pressed, before = time.perf_counter() - program.born, len(program.events)
        program.send(KEYS[index % len(KEYS)])
        if _heard(program, 1.0):
            found.append(program.events[before][0] - pressed)
    return found


def _heard(program: TimedProgram, seconds: float) -> bool:
    before = len(program.events)
    program.pump(seconds)
    return len(program.events) > before


def quit_time(program: TimedProgram) -> float:
    """Press `q` and return the seconds until the console is gone."""
    pressed = time.perf_counter()
    program.send(b"q")
    assert program.exit_status() == 0
    return time.perf_counter() - pressed


def steady(program: TimedProgram, folder: Path, seconds: float, figures: Figures) -> None:
    """Watch the console and its agent for `seconds`."""
    pids = [*marked(folder)]
    assert program.pid in pids
    assert len(pids) >= 2, "there is no agent"
    before, own, sent, began = cpu_seconds(pids), cpu_seconds([program.pid]), len(program.raw), time.perf_counter()
    program.pump_for(seconds)
    passed = time.perf_counter() - began
    assert set(marked(folder)) == set(pids), "a process came or went"
    figures.cpu = 100 * (cpu_seconds(pids) - before) / passed
    figures.cpu_console = 100 * (cpu_seconds([program.pid]) - own) / passed
    figures.bytes_per_second = (len(program.raw) - sent) / passed
    figures.rss, figures.pss = resident_mib(pids), proportional_mib(pids)


def median(values: list[float]) -> float:
    """Return the median, 0 of nothing."""
    return statistics.median(values) if values else 0.0


def p95(values: list[float]) -> float:
    """Return the 95th percentile, 0 of nothing."""
    ordered = sorted(values)
    return ordered[round(0.95 * (len(ordered) - 1))] if ordered else 0.0
