"""Small files of /proc and /sys, read again and again through kept descriptors.

Kept, so that a host without a free descriptor can still be watched, and because it is cheaper than opening.
"""

import errno
import os
from pathlib import Path
from typing import NamedTuple

from perftui.core.rates import Counters

_CHUNK = 1 << 16
_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ESRCH, errno.EOPNOTSUPP}


class KernelFiles:
    """Reads files below `root`; `refused` says which of them may not be read, and why."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.refused: dict[str, str] = {}
        self._kept: dict[str, int] = {}

    def read(self, path: str) -> str | None:
        """Return all of `path` (relative to the root), None where there is no such thing or it is refused."""
        try:
            text = read_all(self.descriptor(path)).decode("utf-8", "surrogateescape")
        except OSError as error:
            self._forget(path)
            if error.errno not in _MISSING:
                self.refused[path] = (error.strerror or "unreadable").lower()
            return None
        self.refused.pop(path, None)
        return text

    def descriptor(self, path: str) -> int:
        """Return the kept descriptor of `path`. Raises OSError."""
        descriptor = self._kept.get(path)
        if descriptor is None:
            descriptor = self._kept[path] = os.open(self.root / path, os.O_RDONLY | os.O_CLOEXEC)
        return descriptor

    def exists(self, path: str) -> bool:
        """Return whether `path` is there."""
        return (self.root / path).exists()

    def close(self) -> None:
        """Give back every descriptor; reading opens them again."""
        for path in list(self._kept):
            self._forget(path)

    def _forget(self, path: str) -> None:
        descriptor = self._kept.pop(path, None)
        if descriptor is not None:
            os.close(descriptor)


class Host(NamedTuple):
    """What every subject reads from: the files, and the counters that become rates."""

    files: KernelFiles
    counters: Counters


def read_all(descriptor: int) -> bytes:
    """Return everything from the start: the kernel hands long files out in pieces."""
    data = b""
    while chunk := os.pread(descriptor, _CHUNK, len(data)):
        data += chunk
    return data


def numbers(text: str | None) -> dict[str, int]:
    """Return a file of `name number` lines (`MemTotal: 4 kB` too, the unit ignored); empty when there is none."""
    if text is None:
        return {}
    return {words[0].rstrip(":"): int(words[1]) for line in text.splitlines() if len(words := line.split()) > 1}
