"""Deletes what a walk found and nothing else, looking at each file again immediately before it goes.

Folders are reached name by name from the root's descriptor. Whether a file is in use the kernel itself says: it grants
a write lease only on a file that nobody else has open or mapped (fcntl(2), F_SETLEASE), whichever process that is.
What remains: between that look and unlinkat(2) another file may be given the name, within the same folder.
"""

import errno
import fcntl
import os
import signal
import stat
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from perftui.actions.cleanup.folder_fd import inside, mount_id, opened
from perftui.actions.cleanup.open_inodes import OpenInodes, open_inodes
from perftui.actions.cleanup.walk import BLOCK, Folder, Pin, Tree, pin_of, refusal
from perftui.core.errors import TargetChanged
from perftui.core.text import clean

_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY | os.O_NOATIME
_NO_LEASES = {errno.EINVAL, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS}
LOOKED_FOR = 2000
_STOPPING = {errno.EIO, errno.EROFS, errno.ESTALE}


class Removal:
    """One pass over what was found, a step at a time; steps may come from different threads, one after the other.

    `left` and `failed` count why, `removed` holds the first that went: tree, folder and index.

    A step that hangs may be given up, but not its descriptors: `close` leaves them to it, as the kernel gives their
    numbers to others once they are closed, and deletes nothing more once it is stopped.
    """

    def __init__(self, trees: list[Tree], is_stopped: Callable[[], bool]) -> None:
        self.trees = trees
        self.done = 0
        self.blocks = 0
        self.folders = 0
        self.left: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.removed: list[tuple[Tree, Folder, int]] = []
        self._is_stopped = is_stopped
        self._todo = [(tree, folder) for tree in reversed(trees) for folder in reversed(tree.folders)]
        self._at = 0
        self._roots: dict[int, int] = {}
        self._stack = ExitStack()
        self._busy = threading.Lock()
        self._is_closed = False
        self._mtimes = {(id(tree), folder.parts): folder.mtime for tree in trees for folder in tree.folders}
        self._used: OpenInodes | None = None
        self._leases = True

    def open(self) -> None:
        """Open the roots. Raises TargetChanged where one is not the folder that was planned for, and OSError."""
        with self._at_work():
            self._open()

    def _open(self) -> None:
        for tree in self.trees:
            root = self._stack.enter_context(opened(tree.path))
            status = os.fstat(root)
            if (status.st_dev, status.st_ino) != (tree.device, tree.inode):
                raise TargetChanged(f"{clean(tree.path)} is another folder than was planned for; preview it again")
            mount_id(root)
            self._roots[id(tree)] = root
        self._used = open_inodes(self._is_stopped)

    def close(self) -> None:
        """Give back every descriptor, now or when the step under way ends."""
        self._is_closed = True
        self._close_if_idle()

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        try:
            with self._busy:
                yield
        finally:
            if self._is_closed:
                self._close_if_idle()

    def _close_if_idle(self) -> None:
        if self._busy.acquire(blocking=False):
            try:
                self._stack.close()
            finally:
                self._busy.release()

    def step(self, most: int) -> bool:
        """Take the next files, at most so many; return whether there are more. Raises OSError when it cannot go on."""
        with self._at_work():
            return self._step(most)

    def _step(self, most: int) -> bool:
        if not self._leases:
            self._used = open_inodes(self._is_stopped)
        while most > 0 and self._todo and not self._is_stopped():
            tree, folder = self._todo[-1]
            chunk = range(self._at, min(self._at + most, len(folder.names)))
            self._take(tree, folder, chunk)
            most -= max(1, len(chunk))
            if self._at >= len(folder.names):
                if folder.gone:
                    self._remove_folder(tree, folder)
                self._todo.pop()
                self._at = 0
        return bool(self._todo)

    def _take(self, tree: Tree, folder: Folder, chunk: range) -> None:
        if not chunk:
            return
        try:
            with inside(self._roots[id(tree)], folder.parts) as descriptor:
                self._watch_folder(tree, folder, descriptor)
                for index in chunk:
                    if self._is_stopped():
                        return
                    self._at = index + 1
                    self._remove(tree, folder, descriptor, index)
                self._mtimes[id(tree), folder.parts] = _mtime(descriptor)
        except OSError as error:
            if error.errno in _STOPPING:
                raise
            self._at = chunk.stop
            self.left[_folder_reason(error)] += len(chunk)

    def _watch_folder(self, tree: Tree, folder: Folder, descriptor: int) -> None:
        """Keep a folder in which something happened that is not our own doing."""
        status = os.fstat(descriptor)
        if status.st_ino != folder.inode or _mtime(descriptor) != self._mtimes[id(tree), folder.parts]:
            folder.gone = False

    def _remove(self, tree: Tree, folder: Folder, parent: int, index: int) -> None:
        pin = folder.pin(index)
        try:
            reason = self._refusal(tree, parent, folder.names[index], pin)
        except FileNotFoundError:
            reason = "gone already"
        except OSError as error:
            if error.errno in _STOPPING:
                raise
            reason = (error.strerror or "unreadable").lower()
            self.failed[reason] += 1
            return
        if reason:
            self.left[reason] += 1
            return
        self.done += 1
        self.blocks += pin.blocks
        if len(self.removed) < LOOKED_FOR:
            self.removed.append((tree, folder, index))

    def _refusal(self, tree: Tree, parent: int, name: str, pin: Pin) -> str:
        """Delete a file, or return why not. Raises OSError."""
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if pin_of(status) != pin or refusal(status, tree.owner, tree.device):
            return "changed"
        try:
            descriptor = os.open(name, _FILE, dir_fd=parent)
        except PermissionError:
            return "in use, for all that can be told"
        try:
            reason = self._held(descriptor, pin)
            if not reason and self._is_stopped():  # it took so long that nobody waits for it any more
                reason = "given up"
            if not reason:
                os.unlink(name, dir_fd=parent)
            return reason
        finally:
            os.close(descriptor)

    def _held(self, descriptor: int, pin: Pin) -> str:
        """Return why an open file may not go; afterwards nobody can open it until it is closed."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._leases:
                # By default SIGIO comes when somebody opens the file, and ends us; SIGURG does nothing.
                fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
                fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as error:
            if error.errno not in _NO_LEASES:
                return "in use"
            self._leases = False
            self._used = open_inodes(self._is_stopped)
        status = os.fstat(descriptor)
        if pin_of(status) != pin or not stat.S_ISREG(status.st_mode):
            return "changed"
        return "in use" if not self._leases and self._is_used(status) else ""

    def _is_used(self, status: os.stat_result) -> bool:
        """Go by what processes show; where one refuses to be looked at, everything may be in use."""
        return self._used is None or self._used.denied > 0 or self._used.holds(status)

    def _remove_folder(self, tree: Tree, folder: Folder) -> None:
        """Remove an emptied folder; one that is not empty, or has changed, stays."""
        key = id(tree), folder.parts
        try:
            with inside(self._roots[id(tree)], folder.parts) as descriptor:
                status = os.fstat(descriptor)
                is_same = status.st_ino == folder.inode and _mtime(descriptor) == self._mtimes[key]
                if not is_same or (self._used is not None and self._used.holds(status)):
                    self.left["folder changed or in use"] += 1
                    return
            with inside(self._roots[id(tree)], folder.parts[:-1]) as parent:
                above = id(tree), folder.parts[:-1]
                is_quiet = _mtime(parent) == self._mtimes.get(above)
                if self._is_stopped():
                    return
                os.rmdir(folder.parts[-1], dir_fd=parent)
                if is_quiet:
                    self._mtimes[above] = _mtime(parent)
        except OSError as error:
            if error.errno in _STOPPING:
                raise
            self.left["folder not empty or gone"] += 1
        else:
            self.folders += 1


def still_there(removed: list[tuple[Tree, Folder, int]], is_stopped: Callable[[], bool]) -> tuple[int, int]:
    """Look for files that were removed; return how many were looked for, and how many of them are there."""
    looked = found = 0
    for tree, folder, index in removed:
        if is_stopped():
            break
        looked += 1
        with suppress(OSError):
            status = os.lstat("/".join((tree.path, *folder.parts, folder.names[index])))
            found += pin_of(status) == folder.pin(index) and status.st_dev == tree.device
    return looked, found


def bytes_of(blocks: int) -> int:
    """Return the bytes of allocated blocks."""
    return blocks * BLOCK


def _folder_reason(error: OSError) -> str:
    if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN):
        return "in a locked folder"
    if error.errno == errno.EXDEV:
        return "on another filesystem now"
    return "in a folder that changed"


def _mtime(descriptor: int) -> int:
    return os.fstat(descriptor).st_mtime_ns & ((1 << 64) - 1)
