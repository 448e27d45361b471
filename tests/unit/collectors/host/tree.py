"""A /proc and /sys that a test writes itself, polled by a clock that the test moves."""

import os
from collections.abc import Callable
from pathlib import Path

from perftui.collectors.host.files import Host, KernelFiles
from perftui.core.clock import ManualClock
from perftui.core.rates import Counters
from perftui.core.reading import Reading, ReadingBuilder

Values = dict[tuple[str, ...], float]


class Tree:
    """A root folder with the files of one host."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = ManualClock()
        self.host = Host(KernelFiles(root), Counters())

    def write(self, path: str, text: str | bytes) -> None:
        """Write one file in place, as the kernel does: kept descriptors see the new content."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def process(self, pid: int, name: bytes = b"worker", *, ticks: int = 0, start: int = 500, state: str = "S") -> None:
        """Write the stat, cmdline and cgroup of one process: 3 threads, 10 pages."""
        line = b"%d (%s) %s 1 1 1 0 -1 0 0 0 0 0 %d 0 0 0 20 0 3 0 %d 4096 10 0 0 0\n"
        self.write(f"proc/{pid}/stat", line % (pid, name, state.encode(), ticks, start))
        self.write(f"proc/{pid}/cmdline", b"/usr/bin/%s\0--queue\0mail\0" % name)
        self.write(f"proc/{pid}/cgroup", "0::/system.slice/worker.service\n")

    def poll(self, *reads: Callable[[ReadingBuilder], object]) -> Reading:
        """Poll with `reads`, one second after the last time."""
        self.clock.advance(1.0)
        into = ReadingBuilder("host", self.clock)
        for read in reads:
            read(into)
        return into.build()


def values(reading: Reading) -> Values:
    """Return the samples of `reading` by metric and attribute values."""
    return {(each.metric, *(value for _, value in each.attributes)): each.value for each in reading.samples}


def descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counting must not open more than it needs
