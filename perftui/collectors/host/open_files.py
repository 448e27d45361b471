"""Files that are deleted and still open: their space comes back only when the last process closes them.

From /proc/PID/fd (proc_pid_fd(5)), once a minute on a thread: a file of a filesystem that hangs holds up no poll. What
other users' processes hold only root sees: they are counted as denied. A file counts once, by its allocated blocks.
What lies in memory (tmpfs) is listed and is no part of the metric.
"""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from perftui.collectors.host.mounts import Mount, parse_mounts
from perftui.collectors.host.process_details import unit_of
from perftui.collectors.host.process_stat import parse_stat
from perftui.core.aside import Aside
from perftui.core.reading import Cell, ReadingBuilder, Table
from perftui.core.text import clean

COLUMNS = ("size", "path", "pid", "process", "unit", "fd", "mount", "kind", "holders", "started")
EVERY = 60.0
FIRST_AFTER = 5.0
"""Seconds after the first poll: the first screen comes first."""
PATIENCE = 30.0
MAX_ROWS = 50
BLOCK = 512
_SUFFIX = " (deleted)"
_MEMORY = {"tmpfs", "ramfs", "devtmpfs", "hugetlbfs"}


class Held(NamedTuple):
    """A deleted file, the first process found to hold it, and by how many descriptors it is held.

    `started` is when that process began, in ticks since boot: with the pid it names that one and no other.
    """

    size: int
    path: str
    pid: int
    process: str
    unit: str | None
    descriptor: int
    mount: str
    kind: str
    holders: int
    started: int | None


class Found(NamedTuple):
    """What one scan found, the largest first, and how many processes may not be looked at."""

    files: list[Held]
    denied: int


class DeletedFiles:
    """Adds what the last scan found."""

    def __init__(self, root: Path, first_after: float = FIRST_AFTER) -> None:
        self._aside = Aside(lambda: scan(root), EVERY)
        self._first_after = first_after
        self._began: float | None = None

    def read(self, into: ReadingBuilder) -> None:
        """Add the table `deleted_files` and the space by mountpoint and in total; nothing before the first scan."""
        now = into.started
        if self._began is None:
            self._began = now
        if now - self._began < self._first_after:
            return
        found = self._aside.latest(now)
        waited = self._aside.running_for(now)
        if waited > PATIENCE:
            into.deny("deleted files", f"hung: descriptors have not been read for {waited:.0f} s")
        elif self._aside.error:
            into.deny("deleted files", self._aside.error)
        if found is not None:
            _add(into, found)


def _add(into: ReadingBuilder, found: Found) -> None:
    by_mount: dict[str, int] = {}
    for each in found.files:
        if each.kind not in _MEMORY:
            by_mount[each.mount] = by_mount.get(each.mount, 0) + each.size
    into.add("system.filesystem.deleted.usage", sum(by_mount.values()))
    for mount, size in by_mount.items():
        into.add("system.filesystem.deleted.usage", size, mountpoint=mount)
    rows: tuple[tuple[Cell, ...], ...] = tuple(tuple(each) for each in found.files[:MAX_ROWS])
    into.table("deleted_files", Table(columns=COLUMNS, rows=rows, denied=found.denied))


def scan(root: Path) -> Found:
    """Look at every descriptor of every process below `root`/proc. Raises OSError without one."""
    mounts = _Mounts(root)
    found: dict[tuple[int, int], Held] = {}
    denied = 0
    for pid in os.listdir(f"{root}/proc"):  # noqa: PTH208 - names are all it needs
        if pid.isdigit():
            try:
                _look(f"{root}/proc/{pid}", pid, mounts, found)
            except PermissionError:
                denied += 1
            except OSError:
                continue  # it has ended
    return Found(sorted(found.values(), key=lambda each: (-each.size, each.pid, each.descriptor)), denied)


def _look(folder: str, pid: str, mounts: "_Mounts", found: dict[tuple[int, int], Held]) -> None:
    for name in os.listdir(f"{folder}/fd"):  # noqa: PTH208
        path = f"{folder}/fd/{name}"
        try:
            target = os.readlink(path)  # noqa: PTH115 - text that is no path
            if not target.startswith("/") or not target.endswith(_SUFFIX):
                continue
            status = os.stat(path)  # noqa: PTH116 - what is open, not what the text leads to
        except PermissionError:
            raise
        except OSError:
            continue  # closed meanwhile
        if stat.S_ISREG(status.st_mode) and not status.st_nlink and status.st_blocks:
            _take(folder, int(pid), int(name), target.removesuffix(_SUFFIX), status, mounts, found)


def _take(
    folder: str,
    pid: int,
    descriptor: int,
    path: str,
    status: os.stat_result,
    mounts: "_Mounts",
    found: dict[tuple[int, int], Held],
) -> None:
    key = status.st_dev, status.st_ino
    known = found.get(key)
    if known is not None:
        found[key] = known._replace(holders=known.holders + 1)
        return
    mount = mounts.of(status.st_dev, path, folder)
    if mount is not None:
        size, name, unit = status.st_blocks * BLOCK, _read(f"{folder}/comm"), unit_of(_read(f"{folder}/cgroup"))
        words = clean(path, 200), pid, clean(name.strip(), 40), unit, descriptor
        found[key] = Held(size, *words, clean(mount.point), clean(mount.kind), 1, _started(folder))


def _started(folder: str) -> int | None:
    """Return when a process began, None where it has ended meanwhile."""
    line = _read(f"{folder}/stat")
    return parse_stat(line.encode("utf-8", "surrogateescape")).start if ")" in line else None


class _Mounts:
    """Tells on which mount a device is; none for what the kernel keeps to itself (memfd, SYSV shared memory)."""

    def __init__(self, root: Path) -> None:
        self._by_device: dict[str, Mount] = {}
        self._mounts: list[Mount] = []
        self._read: set[str] = set()
        self._add(f"{root}/proc/self/mountinfo", "self")

    def of(self, device: int, path: str, folder: str) -> Mount | None:
        """Return the mount; of btrfs, whose files have devices of their own, by the path."""
        number = f"{os.major(device)}:{os.minor(device)}"
        if number not in self._by_device:
            self._add_of(folder)  # a container has mounts of its own
        return self._by_device.get(number) or self._by_path(path)

    def _by_path(self, path: str) -> Mount | None:
        holding = [
            each
            for each in self._mounts
            if each.kind == "btrfs" and (path + "/").startswith(each.point.rstrip("/") + "/")
        ]
        return max(holding, key=lambda each: len(each.point), default=None)

    def _add_of(self, folder: str) -> None:
        try:
            space = os.readlink(f"{folder}/ns/mnt")  # noqa: PTH115
        except OSError:
            return
        self._add(f"{folder}/mountinfo", space)

    def _add(self, path: str, space: str) -> None:
        if space in self._read:
            return
        self._read.add(space)
        mounts = parse_mounts(_read(path))
        self._mounts += mounts
        for mount in sorted(mounts, key=lambda each: (each.root != "/", len(each.point))):
            self._by_device.setdefault(mount.device, mount)


def _read(path: str) -> str:
    """Return a small file; empty where it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""
