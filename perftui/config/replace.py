"""A file replaced whole or not at all: whoever reads it sees the old text or the new, and so does a crash."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path


def replace_file(path: Path, content: bytes, may_replace: Callable[[], None] = lambda: None) -> None:
    """Replace a file, or make one of mode 0600 and the folders that it lacks; blocks until it is on the disk.

    Mode and owner stay, and of a link what it leads to is replaced. `may_replace` is asked at the last moment; what it
    raises leaves the old file. Raises OSError.
    """
    target = path.resolve()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    draft = Path(name)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            _take_over(target, descriptor)
            os.fsync(descriptor)
        may_replace()
        draft.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    _sync_folder(target.parent)


def _take_over(target: Path, descriptor: int) -> None:
    """Give a draft the owner and the mode of the file that it replaces, if there is one."""
    try:
        old = target.stat()
    except FileNotFoundError:
        return
    new = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
