"""What processes use, from /proc: console and agent are two sessions, so they are counted by pid and not by tree."""

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the user and system time of these processes and of the children they have waited for."""
    return sum(_ticks(pid) for pid in pids) / TICKS


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return sum(int(field) for field in fields[11:15])


def resident_mib(pids: Iterable[int]) -> float:
    """Return the sum of the resident sizes, shared pages counted in each."""
    return sum(_memory(pid, "Rss") for pid in pids) / 1024


def proportional_mib(pids: Iterable[int]) -> float:
    """Return the sum of the sizes with shared pages shared out (PSS)."""
    return sum(_memory(pid, "Pss") for pid in pids) / 1024


def _memory(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
