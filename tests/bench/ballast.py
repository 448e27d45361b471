"""A background like a server's for what reads the process table: sleepers, and a few processes that work a little."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

WORKERS = 6


@contextlib.contextmanager
def ballast(total: int) -> Iterator[int]:
    """Fill this host up to about `total` processes; yield how many there are now, and end those that were added."""
    missing = max(0, total - WORKERS - processes())
    added = [subprocess.Popen(["sleep", "86400"]) for _ in range(missing)]
    if missing:
        added += [subprocess.Popen([sys.executable, "-m", "tests.bench.ballast", str(n)]) for n in range(WORKERS)]
    try:
        yield processes()
    finally:
        for process in added:
            process.send_signal(signal.SIGKILL)
        for process in added:
            process.wait()


def processes() -> int:
    """Return how many processes this host has."""
    return sum(entry.name.isdigit() for entry in Path("/proc").iterdir())


def work(seed: int) -> None:
    """Use a little CPU, unevenly, until killed or left alone."""
    parent, chance = os.getppid(), random.Random(seed)
    while os.getppid() == parent:
        end = time.perf_counter() + chance.uniform(0.001, 0.012)
        while time.perf_counter() < end:
            pass
        time.sleep(chance.uniform(0.1, 0.5))


if __name__ == "__main__":
    work(int(sys.argv[1]))
