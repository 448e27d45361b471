"""Finds the files that a cleanup would delete; changes nothing, not even the atime of a folder that is ours.

Age is the youngest of atime, mtime and ctime, as systemd-tmpfiles has it. Never found: links (nor what they lead to),
sockets, FIFOs and devices, other owners' files, files in use or with a second name, other mounts, protected names.
A folder is found only when everything in it is, and it is old itself: an empty one stays.
"""

import heapq
import os
import stat
import threading
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from perftui.actions.cleanup.folder_fd import mount_id, open_folder
from perftui.actions.cleanup.open_inodes import OpenInodes
from perftui.actions.cleanup.patterns import Pattern, Places

MOST_FILES = 200_000
DEEPEST = 100
BLOCK = 512
_PIN = 5
_UNSIGNED = (1 << 64) - 1


class Pin(NamedTuple):
    """What tells a file from any other that may stand there later, and whether it was changed."""

    inode: int
    mtime: int
    ctime: int
    size: int
    blocks: int


class Stop:
    """Ends a walk from outside, or at a time (monotonic seconds)."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._event = threading.Event()

    def set(self) -> None:
        """End it."""
        self._event.set()

    def __call__(self) -> bool:
        """Return whether it is to end."""
        return self._event.is_set() or time.monotonic() >= self._until


@dataclass(frozen=True)
class Criteria:
    """Which files: of this owner, untouched for `older_than` seconds at wall time `now`, larger than so many bytes.

    `folders`: remove what was emptied, too, and enter only folders of the owner or of root.
    """

    owner: int
    now: float
    older_than: float
    larger_than: int = 0
    folders: bool = False
    is_protected: Callable[[str], bool] = lambda _: False
    most: int = MOST_FILES

    def is_old(self, status: os.stat_result) -> bool:
        """Return whether nobody has touched it for long enough."""
        return self.now - max(status.st_atime, status.st_mtime, status.st_ctime) > self.older_than


@dataclass
class Folder:
    """Files found in one folder, packed: a name and five numbers each. `gone` once emptied: remove it, too."""

    parts: tuple[str, ...]
    inode: int
    mtime: int
    names: list[str] = field(default_factory=list)
    numbers: "array[int]" = field(default_factory=lambda: array("Q"))
    gone: bool = False

    def add(self, name: str, pin: Pin) -> None:
        """Add a file."""
        self.names.append(name)
        self.numbers.extend(number & _UNSIGNED for number in pin)

    def pin(self, index: int) -> Pin:
        """Return the pin of a file."""
        return Pin(*self.numbers[index * _PIN : (index + 1) * _PIN])

    def files(self) -> Iterator[tuple[str, Pin]]:
        """Yield its files."""
        for index, name in enumerate(self.names):
            yield name, self.pin(index)


@dataclass
class Tree:
    """What was found below one root: folders, each before the one that it lies in. `left` counts why others stay."""

    path: str
    device: int
    inode: int
    owner: int
    folders: list[Folder] = field(default_factory=list)
    count: int = 0
    blocks: int = 0
    oldest: float | None = None
    left: Counter[str] = field(default_factory=Counter)
    is_whole: bool = True

    @property
    def removed_folders(self) -> int:
        """How many folders go."""
        return sum(folder.gone for folder in self.folders)

    def paths(self) -> Iterator[str]:
        """Yield the path of each file and each folder that goes."""
        for folder in self.folders:
            for name in folder.names:
                yield "/".join((self.path, *folder.parts, name))
            if folder.gone:
                yield "/".join((self.path, *folder.parts)) + "/"


def pin_of(status: os.stat_result) -> Pin:
    """Return the pin of a file as it is now."""
    numbers = (status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_blocks)
    return Pin(*(number & _UNSIGNED for number in numbers))


class Walk:
    """One walk below a root that is held open."""

    def __init__(
        self,
        path: str,
        root: int,
        criteria: Criteria,
        used: OpenInodes,
        is_stopped: Callable[[], bool],
        pattern: Pattern | None = None,
        keep: int = 0,
    ) -> None:
        status = os.fstat(root)
        self.tree = Tree(path, status.st_dev, status.st_ino, criteria.owner)
        self._criteria = criteria
        self._used = used
        self._is_stopped = is_stopped
        self._pattern = pattern
        self._root = root
        self._mount = mount_id(root)
        self._keep = keep
        self._newest: list[tuple[int, str]] = []

    def run(self) -> Tree:
        """Walk all of it, or until it is stopped or has found enough (then it is not `is_whole`). Raises OSError."""
        places = self._pattern.start if self._pattern else frozenset[int]()
        if self._keep:
            self._folder(self._root, (), places, self._remember)
            self.tree.left.clear()  # the second look counts
        kept = {path for _, path in self._newest}
        self._folder(self._root, (), places, lambda path, status: self._judge(path, status, kept))
        return self.tree

    def _remember(self, path: str, status: os.stat_result) -> str:
        """Remember the newest of all files that match, whatever else they are."""
        if stat.S_ISREG(status.st_mode) and status.st_uid == self._criteria.owner:
            heapq.heappush(self._newest, (status.st_mtime_ns, path))
            if len(self._newest) > self._keep:
                heapq.heappop(self._newest)
        return "kept"

    def _judge(self, path: str, status: os.stat_result, kept: set[str]) -> str:
        """Return why a file stays; empty when it goes."""
        reason = refusal(status, self._criteria.owner, self.tree.device)
        if reason:
            return reason
        if path in kept:
            return "among the newest"
        if not self._criteria.is_old(status):
            return "too young"
        if self._criteria.larger_than and status.st_size <= self._criteria.larger_than:
            return "too small"
        return "in use" if self._used.holds(status) else ""

    def _folder(
        self, root: int, parts: tuple[str, ...], places: Places, judge: Callable[[str, os.stat_result], str]
    ) -> bool:
        """Look at one folder and those in it; return whether all of it goes."""
        status = os.fstat(root)
        folder = Folder(parts, status.st_ino, status.st_mtime_ns & _UNSIGNED)
        entries, going = 0, 0
        with os.scandir(root) as listing:
            for entry in listing:
                if self._is_stopped() or self.tree.count >= self._criteria.most:
                    self.tree.is_whole = False
                    break
                entries += 1
                with suppress(FileNotFoundError):  # gone meanwhile
                    going += self._entry(root, folder, entry.name, places, judge)
        folder.gone = bool(parts) and entries == going > 0 and self._may_remove(status)
        if folder.names or folder.gone:
            self.tree.folders.append(folder)
        return folder.gone

    def _entry(
        self, parent: int, folder: Folder, name: str, places: Places, judge: Callable[[str, os.stat_result], str]
    ) -> bool:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        path = "/".join((self.tree.path, *folder.parts, name))
        if self._criteria.is_protected(path):
            self.tree.left["protected"] += 1
            return False
        if stat.S_ISDIR(status.st_mode):
            inner = self._pattern.enter(places, name) if self._pattern else places
            return (inner or not self._pattern) and self._enter(parent, (*folder.parts, name), status, inner, judge)
        if self._pattern and not self._pattern.matches(places, name):
            return False
        reason = judge(path, status)
        if reason:
            self.tree.left[reason] += 1
            return False
        self._add(folder, name, status)
        return True

    def _add(self, folder: Folder, name: str, status: os.stat_result) -> None:
        folder.add(name, pin_of(status))
        youngest = max(status.st_atime, status.st_mtime, status.st_ctime)
        self.tree.count += 1
        self.tree.blocks += status.st_blocks
        self.tree.oldest = youngest if self.tree.oldest is None else min(self.tree.oldest, youngest)

    def _enter(
        self,
        parent: int,
        parts: tuple[str, ...],
        status: os.stat_result,
        places: Places,
        judge: Callable[[str, os.stat_result], str],
    ) -> bool:
        reason = self._closed(status, len(parts))
        if reason:
            self.tree.left[reason] += 1
            return False
        try:
            descriptor = open_folder(parts[-1], parent)
        except OSError:
            self.tree.left["may not be read"] += 1
            return False
        try:
            if mount_id(descriptor) != self._mount or os.fstat(descriptor).st_dev != self.tree.device:
                self.tree.left["another filesystem"] += 1
                return False
            return self._folder(descriptor, parts, places, judge)
        finally:
            os.close(descriptor)

    def _closed(self, status: os.stat_result, depth: int) -> str:
        """Return why a folder is not entered."""
        if status.st_dev != self.tree.device:
            return "another filesystem"
        if depth > DEEPEST:
            return "too deep"
        if self._criteria.folders and status.st_uid not in (self._criteria.owner, 0):
            return "another owner"
        return ""

    def _may_remove(self, status: os.stat_result) -> bool:
        criteria = self._criteria
        is_ours = criteria.folders and status.st_uid == criteria.owner and not status.st_mode & stat.S_ISVTX
        return is_ours and criteria.is_old(status) and not self._used.holds(status)


def refusal(status: os.stat_result, owner: int, device: int) -> str:
    """Return why a file is never deleted, whatever its age; empty when it may be."""
    if not stat.S_ISREG(status.st_mode):
        return "a link, socket or device"
    if status.st_dev != device:
        return "another filesystem"
    if status.st_uid != owner:
        return "another owner"
    return "has other names" if status.st_nlink != 1 else ""
