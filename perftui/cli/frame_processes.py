"""The processes that use most, read from /proc/PID/stat alone.

Never cmdline or smaps: they wait for the memory lock of the process, which on a dying host may be held forever.
"""

import os
import time
from typing import NamedTuple

from perftui.cli.frame_sample import TICK
from perftui.core.rates import Counters
from perftui.core.text import clean

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process(NamedTuple):
    """A process: its name, state letter, resident bytes, and CPU in cores since the last look, None at the first."""

    pid: int
    name: str
    state: str
    resident: int
    cpu: float | None


class Processes:
    """Looks at all processes; remembers their CPU time between two looks."""

    def __init__(self) -> None:
        self._counters = Counters()

    def look(self) -> list[Process]:
        """Return every process that can be read."""
        try:
            names = os.listdir("/proc")  # noqa: PTH208 - pathlib costs 5 ms before the first frame
        except OSError:
            return []
        counters, self._counters = self._counters, Counters()
        found = [self._read(name, counters) for name in names if name.isdigit()]
        return [process for process in found if process is not None]

    def _read(self, pid: str, before: Counters) -> Process | None:
        """Return one process; what is not seen again is forgotten with the old counters."""
        raw = _stat(pid)
        end = raw.rfind(b")")
        fields = raw[end + 2 :].split()
        if end < 0 or len(fields) < 22:
            return None
        key, ticks, now = (pid, fields[19]), int(fields[11]) + int(fields[12]), time.monotonic()
        rate = before.rate(key, float(ticks), now)
        self._counters.delta(key, float(ticks), now)
        name = clean(raw[raw.find(b"(") + 1 : end], 40)
        cpu = None if rate is None else rate / TICK
        return Process(int(pid), name, fields[0].decode("ascii", "replace"), int(fields[21]) * _PAGE, cpu)


def _stat(pid: str) -> bytes:
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 1024)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def top(processes: list[Process], most: int, *, by_memory: bool) -> list[Process]:
    """Return the `most` processes that use most memory, or most CPU (memory where CPU is not known yet)."""
    if by_memory:
        return sorted(processes, key=lambda each: (-each.resident, each.pid))[:most]
    return sorted(processes, key=lambda each: (-(each.cpu or 0.0), -each.resident, each.pid))[:most]
