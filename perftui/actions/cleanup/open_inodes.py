"""Which files are in use: open, mapped, or the folder that a process works in, by /proc/*/fd, maps and cwd.

Needs the right to look at a process (its user, or root); those that refuse are counted.
"""

import os
import re
from collections.abc import Callable
from typing import NamedTuple

_MAPPED = re.compile(rb"^\S+ \S+ \S+ ([0-9a-f]+):([0-9a-f]+) ([1-9]\d*)", re.MULTILINE)
_NO_FILE = ("socket:", "pipe:", "anon_inode:", "/dev/", "/memfd:")


class OpenInodes(NamedTuple):
    """Files in use by (device, inode); of `processes` so many were `denied`."""

    inodes: frozenset[tuple[int, int]]
    numbers: frozenset[int]
    denied: int
    processes: int

    def holds(self, status: os.stat_result) -> bool:
        """Return whether a file is in use.

        On a device without a number of its own (overlay, btrfs) maps name another one: there the inode alone counts.
        """
        if (status.st_dev, status.st_ino) in self.inodes:
            return True
        return os.major(status.st_dev) == 0 and status.st_ino in self.numbers


def open_inodes(is_stopped: Callable[[], bool]) -> OpenInodes:
    """Read all processes; ends early, with what it has, once it is stopped. Raises OSError without /proc."""
    found: set[tuple[int, int]] = set()
    numbers: set[int] = set()
    pids = [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - names are all it needs
    denied = 0
    for pid in pids:
        if is_stopped():
            break
        try:
            _add_descriptors(f"/proc/{pid}", found)
            _add_mapped(f"/proc/{pid}/maps", found, numbers)
        except PermissionError:
            denied += 1
        except OSError:
            continue  # it has ended
    return OpenInodes(frozenset(found), frozenset(numbers), denied, len(pids))


def _add_descriptors(folder: str, found: set[tuple[int, int]]) -> None:
    names = [f"{folder}/fd/{name}" for name in os.listdir(f"{folder}/fd")]  # noqa: PTH208
    for path in (*names, f"{folder}/cwd", f"{folder}/root"):
        try:
            if os.readlink(path).startswith(_NO_FILE):  # noqa: PTH115 - text that is no path
                continue
            status = os.stat(path)  # noqa: PTH116 - what is open, not what the link's text leads to
        except OSError:
            continue
        found.add((status.st_dev, status.st_ino))


def _add_mapped(path: str, found: set[tuple[int, int]], numbers: set[int]) -> None:
    with open(path, "rb") as file:
        for major, minor, inode in _MAPPED.findall(file.read()):
            found.add((os.makedev(int(major, 16), int(minor, 16)), int(inode)))
            numbers.add(int(inode))
