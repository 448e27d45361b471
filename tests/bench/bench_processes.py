"""What a poll of this host costs: the whole `system` collector, and its process table alone.

    python -m tests.bench.bench_processes [--processes 330] [--polls 60] [--interval 0.2]

Fills the host up to that many processes (sleeping ones, and six that use a little CPU), polls at the interval so that
caches are as cold as they would be, and prints wall and CPU milliseconds a poll.
"""

import argparse
import asyncio
import os
import signal
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from perftui.collectors.host.files import Host, KernelFiles
from perftui.collectors.host.processes import ProcessTable
from perftui.collectors.system import SystemCollector
from perftui.config.kinds import SystemOptions
from perftui.core.clock import SystemClock
from perftui.core.rates import Counters
from perftui.core.reading import ReadingBuilder

BURNERS = 6


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=330)
    parser.add_argument("--polls", type=int, default=60)
    parser.add_argument("--interval", type=float, default=0.2)
    options = parser.parse_args()
    with crowd(options.processes):
        print(f"{_count()} processes, {options.polls} polls every {options.interval} s, milliseconds a poll")
        print(f"{'':24}{'first':>8}{'median':>8}{'p95':>8}{'cpu':>8}")
        asyncio.run(_compare(options.polls, options.interval))


async def _compare(polls: int, interval: float) -> None:
    collector = SystemCollector("host", SystemOptions(), SystemClock())
    await _measure("whole collector", collector.poll, polls, interval)
    await collector.close()
    table = ProcessTable(Host(KernelFiles(Path("/")), Counters()))

    async def read() -> None:
        table.read(ReadingBuilder("host", SystemClock()))

    await _measure("process table alone", read, polls, interval)
    table.close()


async def _measure(name: str, poll: Callable[[], Awaitable[object]], polls: int, interval: float) -> None:
    walls, processor = [], 0.0
    for _ in range(polls):
        wall, cpu = time.perf_counter(), time.process_time()
        await poll()
        walls.append((time.perf_counter() - wall) * 1000)
        processor += (time.process_time() - cpu) * 1000
        await asyncio.sleep(interval)
    first, steady = walls[0], sorted(walls[5:])
    late = steady[int(len(steady) * 0.95)]
    print(f"{name:24}{first:8.2f}{statistics.median(steady):8.2f}{late:8.2f}{processor / polls:8.2f}")


@contextmanager
def crowd(total: int) -> Iterator[None]:
    """Hold the host at `total` processes for a while; every child is ended and awaited."""
    children = [_burner(number) for number in range(BURNERS)]
    try:
        for number in range(max(0, total - _count())):
            children += [os.posix_spawn("/bin/sleep", [f"worker-{number:03d}", "3600"], os.environ)]
        yield
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)


def _burner(seed: int) -> int:
    """Start a process that works for some milliseconds several times a second."""
    source = (
        "import random, time\n"
        f"luck = random.Random({seed})\n"
        "while True:\n"
        "    end = time.perf_counter() + luck.uniform(0.001, 0.012)\n"
        "    while time.perf_counter() < end: pass\n"
        "    time.sleep(luck.uniform(0.1, 0.5))\n"
    )
    return os.posix_spawn(sys.executable, [sys.executable, "-c", source], os.environ)


def _count() -> int:
    return sum(name.name.isdigit() for name in Path("/proc").iterdir())


if __name__ == "__main__":
    main()
