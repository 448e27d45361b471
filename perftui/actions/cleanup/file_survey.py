"""What the cleanups of files look for, and what a walk of the places found: on a thread, of idle I/O priority."""

import contextlib
import errno
import hashlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from perftui.actions.cleanup.folder_fd import opened
from perftui.actions.cleanup.open_inodes import OpenInodes, open_inodes
from perftui.actions.cleanup.patterns import Pattern
from perftui.actions.cleanup.remove import bytes_of
from perftui.actions.cleanup.space import free_bytes, mountpoints
from perftui.actions.cleanup.walk import Criteria, Folder, Stop, Tree, Walk
from perftui.actions.process.ioprio import IoPriority, set_io_priority
from perftui.core.moment import boot_id
from perftui.core.text import clean

_DAY = 86400.0
_NAME = 57
"""Bytes of memory that a short text takes in a list, without its characters."""


@dataclass(frozen=True)
class Place:
    """Where to look: a folder, with a pattern for what lies in it, or all of it."""

    path: str
    pattern: Pattern | None = None


@dataclass(frozen=True)
class Aim:
    """What is looked for: where, which files, and how many of the newest stay."""

    places: tuple[Place, ...]
    criteria: Criteria
    keep: int = 0


@dataclass
class Survey:
    """What a walk of all places found; `missing` says which could not be walked and why."""

    trees: list[Tree] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    points: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    free: int = 0
    used: OpenInodes | None = None
    removed: list[tuple[Tree, Folder, int]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many files and folders."""
        return sum(tree.count + tree.removed_folders for tree in self.trees)

    @property
    def bytes(self) -> int:
        """What they hold, by allocated blocks."""
        return bytes_of(sum(tree.blocks for tree in self.trees))

    @property
    def weight(self) -> int:
        """How much memory this takes, about, in bytes."""
        folders = [folder for tree in self.trees for folder in tree.folders]
        names = sum(_NAME + len(name) for folder in folders for name in folder.names)
        return names + sum(folder.numbers.itemsize * len(folder.numbers) for folder in folders)

    @property
    def left(self) -> Counter[str]:
        """Why others stay."""
        return sum((tree.left for tree in self.trees), Counter[str]())

    def paths(self) -> Iterator[str]:
        """Yield every path that goes."""
        return chain.from_iterable(tree.paths() for tree in self.trees)


def identity_of(aim: Aim) -> dict[str, str]:
    """Return the boot of this host, and device and inode of each folder that is walked. Raises OSError."""
    found = {"boot": boot_id()}
    for place in aim.places:
        with contextlib.suppress(OSError), opened(place.path) as root:
            status = os.fstat(root)
            found[clean(place.path)] = f"device {status.st_dev} inode {status.st_ino}"
    return found


def be_idle() -> None:
    """Let others go first at the disk, where this host can: for the thread that runs it."""
    with contextlib.suppress(OSError):
        set_io_priority(0, IoPriority("idle", 0))


def survey_of(aim: Aim, stop: Stop) -> tuple[Aim, Survey, dict[str, str]]:
    """Walk every place, and return what there is with what pins it. Raises OSError; may block."""
    be_idle()
    survey = Survey(used=open_inodes(stop))
    for place in aim.places:
        try:
            with opened(place.path) as root:
                _walk(place, root, aim, survey, stop)
        except OSError as error:
            is_link = error.errno in (errno.ENOTDIR, errno.ELOOP)  # O_NOFOLLOW found something else
            survey.missing[clean(place.path)] = "no folder, or a link" if is_link else (error.strerror or "?").lower()
    return aim, survey, identity_of(aim)


def _walk(place: Place, root: int, aim: Aim, survey: Survey, stop: Stop) -> None:
    assert survey.used is not None
    tree = Walk(place.path, root, aim.criteria, survey.used, stop, place.pattern, aim.keep).run()
    survey.trees.append(tree)
    if len(survey.trees) == 1:
        survey.free = free_bytes(root)
        survey.points |= mountpoints(root)
    flags = os.statvfs(root).f_flag
    name = clean(place.path)
    if flags & os.ST_NOATIME:
        survey.warnings.append(f"{name} is mounted noatime: that a file was only read lately cannot be seen")
    elif flags & os.ST_RELATIME and aim.criteria.older_than < _DAY:
        survey.warnings.append(f"{name} is mounted relatime: reading shows only after a day")


def digest_of(survey: Survey) -> str:
    """Return a SHA-256 over every path and what pins it."""
    digest = hashlib.sha256()
    for tree in survey.trees:
        digest.update(os.fsencode(tree.path) + b"\0")
        for folder in tree.folders:
            for part in (*folder.parts, *folder.names):
                digest.update(os.fsencode(part) + b"\0")
            digest.update(folder.numbers.tobytes() + bytes([folder.gone]))
    return digest.hexdigest()
