"""Folders as descriptors, opened one name after the other, so that no link and no mount on the way is followed.

A path is looked up anew by the kernel each time it is used; a descriptor stays the folder that it was.
"""

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def open_folder(name: str, parent: int | None = None) -> int:
    """Open a folder that is no link, leaving its atime alone where we may. Raises OSError."""
    try:
        return os.open(name, _FOLDER | os.O_NOATIME, dir_fd=parent)
    except PermissionError:  # O_NOATIME is for owners
        return os.open(name, _FOLDER, dir_fd=parent)


@contextmanager
def opened(path: str) -> Iterator[int]:
    """Hold an absolute path open, reached without following a link. Raises OSError."""
    descriptor = open_folder("/")
    try:
        for name in path.split("/"):
            if name:
                descriptor = _into(descriptor, name)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def inside(root: int, parts: Sequence[str]) -> Iterator[int]:
    """Hold a folder below `root` open.

    Raises OSError: EXDEV where a mount begins, EWOULDBLOCK where somebody holds a BSD lock on a folder on the way,
    which by the convention of systemd-tmpfiles keeps all that is in it.
    """
    descriptor, mount = os.dup(root), mount_id(root)
    try:
        for name in parts:
            descriptor = _into(descriptor, name)
            if mount_id(descriptor) != mount:
                raise OSError(errno.EXDEV, "another mount")
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)


def mount_id(descriptor: int) -> int:
    """Return the number of the mount that a descriptor is of: bind mounts of one device differ. Raises OSError."""
    with open(f"/proc/self/fdinfo/{descriptor}", "rb") as file:
        for line in file:
            if line.startswith(b"mnt_id:"):
                return int(line[7:])
    raise OSError(errno.ENOTSUP, "the kernel does not tell mounts")


def _into(folder: int, name: str) -> int:
    try:
        return open_folder(name, folder)
    finally:
        os.close(folder)
