"""A file that lines are appended to and that is renamed when it is full: NAME, NAME.1, NAME.2."""

import errno
import os
import stat
from pathlib import Path


class LogFile:
    """Appends to a file of mode 0600, with at most `copies` - 1 older ones of `limit` bytes beside it.

    It notices when somebody else renamed or removed the file. Every method blocks and raises OSError.
    """

    def __init__(self, path: Path, limit: int, copies: int) -> None:
        self._path = path
        self._limit = limit
        self._copies = copies
        self._descriptor: int | None = None

    def append(self, data: bytes) -> None:
        """Append whole lines, all of them or none."""
        descriptor = self._current(len(data))
        size = os.fstat(descriptor).st_size
        written = os.write(descriptor, data)
        if written < len(data):
            if os.fstat(descriptor).st_size == size + written:  # else another agent has written behind it
                os.ftruncate(descriptor, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _current(self, more: int) -> int:
        """Return the descriptor of the file that has room for `more` bytes."""
        descriptor = self._descriptor
        if descriptor is not None and not self._is_at_path(descriptor):
            self.close()
            descriptor = None
        if descriptor is None:
            descriptor = self._open()
        size = os.fstat(descriptor).st_size
        if size and size + more > self._limit:
            self.close()
            self._rotate()
            descriptor = self._open()
        return descriptor

    def _is_at_path(self, descriptor: int) -> bool:
        try:
            found = self._path.lstat()
        except FileNotFoundError:
            return False
        return os.path.samestat(found, os.fstat(descriptor))

    def _open(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Not blocking: what stands there may be a pipe that nobody reads.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(self._path, flags, 0o600)
        self._descriptor = descriptor
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise OSError(errno.EINVAL, "not a regular file")
        if stat.S_IMODE(found.st_mode) & 0o077:
            os.fchmod(descriptor, 0o600)
        return descriptor

    def _rotate(self) -> None:
        for number in range(self._copies - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            newer = self._path.with_name(f"{self._path.name}.{number - 1}") if number > 1 else self._path
            if newer.exists():
                newer.replace(older)
