"""One line of /proc/PID/stat (proc_pid_stat(5)), and the descriptors kept of it."""

import errno
import os
import resource
from typing import NamedTuple

PAGE = os.sysconf("SC_PAGE_SIZE")
MAX_KEPT = 4096
_LONGEST = 1024
EXHAUSTED = {errno.EMFILE, errno.ENFILE}
_STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "blocked",
    "Z": "zombie",
    "T": "stopped",
    "t": "stopped",
    "I": "idle",
}


class Stat(NamedTuple):
    """What the line says: CPU and start in ticks, memory (resident) in bytes; `name` as it came, not cleaned."""

    name: bytes
    state: str
    ticks: int
    nice: int
    threads: int
    start: int
    memory: int


def parse_stat(line: bytes) -> Stat:
    """Return the fields of `line`. The name stands in parentheses and may itself hold any of them."""
    head, _, tail = line.rpartition(b")")
    fields = tail.split(None, 22)
    return Stat(
        name=head[head.index(b"(") + 1 :],
        state=_STATES.get(fields[0].decode(), "other"),
        ticks=int(fields[11]) + int(fields[12]),
        nice=int(fields[16]),
        threads=int(fields[17]),
        start=int(fields[19]),
        memory=int(fields[21]) * PAGE,
    )


class StatFiles:
    """Reads /proc/PID/stat through kept descriptors; a process that ended and a pid used again give ESRCH on them.

    Keeps at most half of what the process may open; beyond that, and when none is left, it opens and closes.
    """

    def __init__(self, folder: str, limit: int | None = None) -> None:
        self._folder = folder
        half = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2
        self._allowed = self._limit = min(MAX_KEPT, half) if limit is None else limit
        self._kept: dict[str, int] = {}

    def read(self, pid: str) -> bytes:
        """Return the line of process `pid`. Raises ProcessLookupError, FileNotFoundError or PermissionError."""
        descriptor = self._kept.get(pid)
        if descriptor is not None:
            try:
                return os.pread(descriptor, _LONGEST, 0)
            except ProcessLookupError:
                self.forget(pid)
        return self._open_and_read(pid)

    def forget(self, pid: str) -> None:
        """Give back the descriptor of `pid`, if there is one."""
        descriptor = self._kept.pop(pid, None)
        if descriptor is not None:
            os.close(descriptor)

    def stop_keeping(self) -> None:
        """Give back every descriptor and keep none until the next `close`: others need them."""
        self.close()
        self._limit = 0

    def close(self) -> None:
        """Give back every descriptor."""
        for pid in list(self._kept):
            self.forget(pid)
        self._limit = self._allowed

    def _open_and_read(self, pid: str) -> bytes:
        descriptor = self._open(pid)
        try:
            line = os.pread(descriptor, _LONGEST, 0)
        except OSError:
            os.close(descriptor)
            raise
        if len(self._kept) < self._limit:
            self._kept[pid] = descriptor
        else:
            os.close(descriptor)
        return line

    def _open(self, pid: str) -> int:
        path = f"{self._folder}/{pid}/stat"
        try:
            return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            if error.errno not in EXHAUSTED or not self._kept:
                raise
        self.stop_keeping()
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
