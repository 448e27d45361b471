"""Find an agent to attach to, or start a private one: standard library only, so that a dying host can still do it."""

import os
import socket
import sys

from perftui.config.paths import SERVICE_SOCKET, agent_log, private_socket
from perftui.core.text import clean

CONNECT_TIMEOUT = 0.05


def connect(explicit: str | None = None) -> socket.socket | None:
    """Return a connection to the agent at `explicit`, else to the service, else to the private one; None without any.

    Blocks at most 50 ms for each place tried.
    """
    for path in [explicit] if explicit else [SERVICE_SOCKET, private_socket()]:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        link.settimeout(CONNECT_TIMEOUT)
        try:
            link.connect(str(path))
        except OSError:
            link.close()
            continue
        link.setblocking(True)
        return link
    return None


def start_agent(config: str | None = None) -> int:
    """Start a private agent in its own session and return its pid; of several at once one wins, the others leave.

    What it prints goes to `agent.log` in the runtime folder. Raises OSError when the host has no process,
    descriptor or room to give.
    """
    command = [sys.executable, "-m", "perftui.cli.main", "agent", "--private"]
    if config:
        command += ["--config", config]
    write = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    return os.posix_spawn(
        sys.executable,
        command,
        os.environ,
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(agent_log()), write, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )


def last_words() -> str:
    """Return the last line that a private agent printed before it ended."""
    try:
        with open(agent_log(), encoding="utf-8", errors="replace") as file:
            lines = file.read()[-4000:].splitlines()
    except OSError:
        return "it said nothing"
    return clean(lines[-1]) if lines else "it said nothing"
