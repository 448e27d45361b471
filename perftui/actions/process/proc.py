"""Processes as /proc shows them (proc_pid_stat(5)): enough to tell one from the next that gets its pid."""

import os
import pwd
import re
from typing import NamedTuple

from perftui.core.text import clean

HERTZ = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
_KERNEL_THREAD = 0x00200000
_UNIT = re.compile(r"[^/]+\.(?:service|scope)(?=/|$)")


class Process(NamedTuple):
    """One process: `start` in ticks since boot, `cpu` seconds used so far, `memory` resident in bytes."""

    pid: int
    parent: int
    name: str
    state: str
    start: int
    cpu: float
    nice: int
    memory: int
    threads: int
    is_kernel: bool

    @property
    def is_gone(self) -> bool:
        """Whether it has ended; a zombie has, only its parent has not looked."""
        return self.state in "ZX"

    def __str__(self) -> str:
        return f"{self.name} {self.pid}"


def look(pid: int) -> Process | None:
    """Return a process as it is now; None when there is none. Raises OSError where it may not be read."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            line = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    head, _, tail = line.rpartition(b")")
    words = tail.split()
    return Process(
        pid=pid,
        parent=int(words[1]),
        name=clean(head[head.index(b"(") + 1 :], 40),
        state=words[0].decode("ascii", "replace"),
        start=int(words[19]),
        cpu=(int(words[11]) + int(words[12])) / HERTZ,
        nice=int(words[16]),
        memory=int(words[21]) * PAGE,
        threads=int(words[17]),
        is_kernel=bool(int(words[6]) & _KERNEL_THREAD),
    )


def everyone() -> dict[int, Process]:
    """Return all processes that may be read, by pid. Raises OSError without /proc."""
    found = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - names are all it needs
        if name.isdigit():
            try:
                process = look(int(name))
            except OSError:
                continue
            if process is not None:
                found[process.pid] = process
    return found


def family(pid: int, known: dict[int, Process]) -> list[Process]:
    """Return a process and all that descend from it, parents first."""
    children: dict[int, list[Process]] = {}
    for process in known.values():
        children.setdefault(process.parent, []).append(process)
    found = [known[pid]] if pid in known else []
    for process in found:
        found += sorted(children.get(process.pid, ()), key=lambda each: each.pid)
    return found


def ancestors(pid: int, known: dict[int, Process]) -> set[int]:
    """Return the pids of those that a process descends from."""
    found: set[int] = set()
    while pid in known and known[pid].parent not in found and known[pid].parent:
        pid = known[pid].parent
        found.add(pid)
    return found


def user_of(pid: int) -> str:
    """Return the user that a process runs as, or the uid; empty when it is gone."""
    try:
        uid = os.stat(f"/proc/{pid}").st_uid  # noqa: PTH116 - as short as the rest
    except OSError:
        return ""
    try:
        return clean(pwd.getpwuid(uid).pw_name, 40)
    except KeyError:
        return str(uid)


def service_of(pid: int) -> str:
    """Return the systemd unit of a process, by its control group; empty when there is none, or it is gone."""
    try:
        with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as file:
            found = _UNIT.findall(file.read())
    except OSError:
        return ""
    return clean(found[-1], 100) if found else ""


def handles(pid: int, number: int) -> bool:
    """Return whether a process catches or ignores a signal; one that does not is ended by most. Raises OSError."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        masks = [int(line.split()[1], 16) for line in file if line.startswith(("SigCgt:", "SigIgn:"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


def threads_of(pid: int) -> list[int]:
    """Return the threads of a process, its first one first. Raises OSError when it is gone."""
    names = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208
    return sorted((int(name) for name in names), key=lambda each: (each != pid, each))


def may(capability: int) -> bool:
    """Return whether we have a capability (capabilities(7)), by its number."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        line = next((each for each in file if each.startswith("CapEff:")), "CapEff: 0")
    return bool(int(line.split()[1], 16) >> capability & 1)
