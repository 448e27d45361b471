"""Where perftui keeps its files.

The paths of sockets are plain text and need the standard library's `os` alone: they are asked for before the early
frame is drawn, and importing pathlib (9 ms) or platformdirs (18 ms) would hold it up. Folders are `Path`s.
"""
# os instead of pathlib, for the reason above:
# ruff: noqa: PTH102, PTH111, PTH118

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from perftui.core.errors import AgentUnavailable

if TYPE_CHECKING:
    from pathlib import Path

SERVICE_SOCKET = os.environ.get("PERFTUI_SERVICE_SOCKET", "/run/perftui/agent.sock")
LONGEST_SOCKET = 107
"""Bytes that Linux takes as the path of a Unix socket (`sun_path` is 108 with its NUL)."""


def runtime_dir() -> str:
    """Return the folder of this user's private agent, made 0700 where there is none.

    Raises AgentUnavailable when it is a link, somebody else's, or open to others: in /tmp anybody may have made it.
    """
    folder = os.environ.get("PERFTUI_RUNTIME_DIR") or f"/tmp/perftui-{os.geteuid()}"
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise AgentUnavailable(f"{folder} cannot be made: {error.strerror}") from error
    _check_private(folder)
    return folder


def _check_private(folder: str) -> None:
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise AgentUnavailable(f"{folder} is not a folder (a link or file stands there); remove it")
    if found.st_uid != os.geteuid():
        raise AgentUnavailable(f"{folder} belongs to another user (uid {found.st_uid}); it is not used")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise AgentUnavailable(f"{folder} is open to others (mode {mode:04o}); chmod 700 {folder}")


def private_socket() -> str:
    """Return where this user's private agent listens. Raises AgentUnavailable."""
    path = os.path.join(runtime_dir(), "agent.sock")
    if len(os.fsencode(path)) > LONGEST_SOCKET:
        raise AgentUnavailable(f"{path} is too long for a socket; set PERFTUI_RUNTIME_DIR to a shorter folder")
    return path


def lock_path() -> str:
    """Return the file whose flock decides which private agent stays. Raises AgentUnavailable."""
    return os.path.join(runtime_dir(), "agent.lock")


def agent_log() -> str:
    """Return where a private agent's own output goes. Raises AgentUnavailable."""
    return os.path.join(runtime_dir(), "agent.log")


def config_file(explicit: str | None = None) -> Path:
    """Return the configuration file: `explicit`, else `$XDG_CONFIG_HOME/perftui/perftui.toml`; it may not exist.

    Absolute, because console and agent tell each other which one they mean, from folders of their own.
    """
    return expanded(explicit).absolute() if explicit else _config_dir() / "perftui.toml"


def themes_dir() -> Path:
    """Return the user's own themes folder, beside the configuration; it may not exist."""
    return _config_dir() / "themes"


def state_dir() -> Path:
    """Return where history and the audit log live, `$XDG_STATE_HOME/perftui`; it may not exist."""
    from platformdirs import user_state_path

    return user_state_path("perftui", appauthor=False)


def expanded(path: str) -> Path:
    """Return `path` with `~` replaced; as it is where nobody knows whose home is meant (pathlib would raise)."""
    from pathlib import Path

    return Path(os.path.expanduser(path))


def _config_dir() -> Path:
    from platformdirs import user_config_path

    return user_config_path("perftui", appauthor=False)
