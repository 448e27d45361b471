"""The mount table, /proc/self/mountinfo (proc_pid_mountinfo(5))."""

import re
from typing import NamedTuple

_OCTAL = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """One mount: `device` is major:minor of the filesystem, `root` the part of it that is mounted at `point`."""

    device: str
    root: str
    point: str
    kind: str
    source: str
    options: tuple[str, ...]


def parse_mounts(text: str) -> list[Mount]:
    """Return the mounts that `text` lists, in its order; blanks in paths come as octal escapes."""
    mounts = []
    for line in text.splitlines():
        left, separator, right = line.partition(" - ")
        if separator:
            _, _, device, root, point, *_ = left.split(" ")
            kind, source, options = right.split(" ")
            mounts.append(Mount(device, _unescape(root), _unescape(point), kind, _unescape(source), _split(options)))
    return mounts


def _split(options: str) -> tuple[str, ...]:
    return tuple(options.split(","))


def _unescape(path: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), path) if "\\" in path else path
