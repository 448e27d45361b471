"""Names in temporary folders that are never touched: those that tmpfiles.d(5) names, and those everybody knows."""

import os
import re
from collections.abc import Iterable
from fnmatch import translate
from pathlib import Path

FOLDERS = ("/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/lib/tmpfiles.d", "/usr/local/lib/tmpfiles.d")
_KNOWN = (
    ".X11-unix",
    ".ICE-unix",
    ".XIM-unix",
    ".font-unix",
    ".Test-unix",
    ".X[0-9]*-lock",
    "systemd-private-*",
    "snap-private-tmp",
    "snap.*",
    "tmux-*",
    "screens",
    "uscreens",
    "ssh-*",
    "perftui-*",
    "podman-run-*",
    "containers-user-*",
    "storage-run-*",
    "aquota.*",
    "quota.*",
    "lost+found",
)


class Protected:
    """Tells whether a path is protected; whatever lies in a protected folder is, too."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        self._names = re.compile("|".join(map(translate, _KNOWN)))
        self._paths = re.compile("|".join(map(translate, patterns)) or "(?!)")

    def __call__(self, path: str) -> bool:
        """Return whether an absolute path is named by a pattern."""
        return bool(self._names.match(path.rpartition("/")[2]) or self._paths.match(path))


def protected(folders: Iterable[str] = FOLDERS) -> Protected:
    """Read tmpfiles.d: every path that a line names, whatever it says of it; `%b` and its like stand for anything."""
    patterns = []
    for folder in folders:
        for file in sorted(Path(folder).glob("*.conf")):
            try:
                lines = file.read_text("utf-8", "replace").splitlines()
            except OSError:
                continue
            patterns += [words[1] for line in lines if len(words := line.split()) > 1 and words[1].startswith("/")]
    return Protected(_without_specifiers(each.rstrip("/")) for each in patterns)


def _without_specifiers(path: str) -> str:
    parts = path.replace("%%", "?").split("%")
    return os.path.normpath("*".join([parts[0], *(part[1:] for part in parts[1:])]))
