"""What is read once of each process: its user, command line and control group or systemd unit."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from perftui.collectors.host.command_line import without_secrets
from perftui.core.text import clean

_CONTAINER_ID = re.compile(r"([0-9a-f]{12})[0-9a-f]{20,}")
_UNIT = re.compile(r".+\.(service|scope|socket|mount)$")


class Details(NamedTuple):
    """The words of a process; None where there are none or they may not be read (`denied`)."""

    user: str | None = None
    command: str | None = None
    unit: str | None = None
    denied: bool = False


class DetailReader:
    """Reads details below `proc`; users come from /etc/passwd, as a directory service may hang: others are numbers."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._users: dict[int, str] | None = None

    def read(self, pid: str) -> Details:
        """Return the details of process `pid`. Raises FileNotFoundError or ProcessLookupError when it is gone.

        May block for as long as the memory of the process is locked.
        """
        folder = f"{self._root}/proc/{pid}"
        user = self._user(os.stat(folder).st_uid)  # noqa: PTH116 - the folder's owner is the effective user
        try:
            command, cgroup = _contents(f"{folder}/cmdline"), _contents(f"{folder}/cgroup")
        except PermissionError:
            return Details(user, denied=True)
        words = without_secrets(command).rstrip(b"\0").replace(b"\0", b" ")
        return Details(user, clean(words, 200) or None, unit_of(cgroup.decode("utf-8", "replace")))

    def _user(self, number: int) -> str:
        if self._users is None:
            self._users = _users(self._root / "etc/passwd")
        return self._users.get(number, str(number))


def unit_of(cgroup: str) -> str | None:
    """Return the systemd unit in a /proc/PID/cgroup, or else the last part of the deepest group; None at the root.

    Long container ids are cut to the twelve digits that tools show.
    """
    paths = dict(line.split(":", 2)[1:] for line in cgroup.splitlines() if line.count(":") >= 2)
    known = [paths[name] for name in ("", "name=systemd") if paths.get(name, "/") != "/"]
    path = known[0] if known else max(paths.values(), key=len, default="")
    parts = [part for part in path.split("/") if part]
    if not parts:
        return None
    unit = next((part for part in reversed(parts) if _UNIT.match(part)), parts[-1])
    return clean(_CONTAINER_ID.sub(r"\1", unit), 100)


def _contents(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


def _users(path: Path) -> dict[int, str]:
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    fields = [line.split(":") for line in lines]
    return {int(each[2]): clean(each[0], 40) for each in fields if len(each) > 2 and each[2].isdigit()}
