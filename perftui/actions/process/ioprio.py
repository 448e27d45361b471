"""The I/O priority of threads: ioprio_get(2), ioprio_set(2), which neither Python nor libc wraps. None elsewhere."""

import os
import platform
from typing import NamedTuple

CLASSES = ("none", "realtime", "best-effort", "idle")
_SHIFT = 13
_PROCESS = 1
_CALLS = {"x86_64": (251, 252), "aarch64": (30, 31), "riscv64": (30, 31), "ppc64le": (273, 274), "s390x": (282, 283)}


class IoPriority(NamedTuple):
    """A class of CLASSES, and its level: 0 is served first, 7 last; `none` follows the nice value."""

    name: str
    level: int

    def __str__(self) -> str:
        return self.name if self.name in ("none", "idle") else f"{self.name} {self.level}"


def get_io_priority(thread: int) -> IoPriority:
    """Return the I/O priority of a thread; 0 is the calling one. Raises OSError."""
    value = _call(1, _PROCESS, thread)
    return IoPriority(CLASSES[min(value >> _SHIFT, 3)], value & 7)


def set_io_priority(thread: int, priority: IoPriority) -> None:
    """Set the I/O priority of a thread; 0 is the calling one. Raises OSError (EPERM: realtime, or another's)."""
    _call(0, _PROCESS, thread, CLASSES.index(priority.name) << _SHIFT | priority.level)


def _call(which: int, *arguments: int) -> int:
    import ctypes

    numbers = _CALLS.get(platform.machine())
    if numbers is None:
        raise OSError(38, os.strerror(38))
    libc = ctypes.CDLL(None, use_errno=True)
    answer: int = libc.syscall(*(ctypes.c_long(each) for each in (numbers[which], *arguments)))
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return answer
