"""The agent found, started and awaited while the early frame stands: standard library only."""

import contextlib
import os
import signal
import socket
import time

from perftui import __version__
from perftui.client import launch
from perftui.core.errors import AgentUnavailable
from perftui.core.text import clean

SILENT = 4.0
"""Seconds without an answer after which the agent counts as silent."""
RETRY = 5.0
"""Seconds between two attempts at what the host refused."""
RESTART = 20.0
"""Seconds between two starts of an agent that ends by itself: three a minute."""
FAREWELL = 0.1


class AgentStart:
    """Looks for an agent, starts one where there is none; `trouble` says in plain words what is in the way."""

    def __init__(self, explicit: str | None, config: str | None) -> None:
        self.trouble = ""
        self._answered = False
        self._explicit = explicit
        self._config = config
        self._link: socket.socket | None = None
        self._child: int | None = None
        self._start_again_at = 0.0

    @property
    def child(self) -> int | None:
        """The pid of the agent that was started, None when there was one already."""
        return self._child

    def find(self) -> None:
        """Attach to an agent, or start one. Raises AgentUnavailable when the one asked for is not there."""
        self._link = self._connect()
        if self._link is None and self._explicit:
            raise AgentUnavailable(f"no agent answers at {clean(self._explicit)}")
        if self._link is None:
            self._start()

    def is_answering(self) -> bool:
        """Say hello, and return whether somebody answers; the client will make a connection of its own."""
        link, self._link = self._link or self._connect(), None
        if link is None:
            self._look_after_child()
            return False
        try:
            with link:
                answer = _ask(link, "hello", {"protocol": [1, 1], "version": __version__, "read_only": True}, SILENT)
        except (OSError, ValueError):
            return False
        self._answered = isinstance(answer, dict) and ("result" in answer or "error" in answer)
        self.trouble = ""
        return self._answered

    def dismiss(self) -> None:
        """End a private agent that nobody else is attached to: the user quit before the console was there.

        One of ours that has not answered yet is no use to anybody, and would not hear a goodbye in time.
        """
        if self._child is not None and not self._answered:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGTERM)
        elif (link := self._connect()) is not None:
            with link, contextlib.suppress(OSError, ValueError):
                _ask(link, "bye", {"end": True}, FAREWELL)

    def _connect(self) -> socket.socket | None:
        try:
            return launch.connect(self._explicit)
        except AgentUnavailable as error:
            self.trouble = str(error)
        except OSError as error:
            self.trouble = f"cannot look for the agent: {clean(error.strerror or str(error))}"
        return None

    def _start(self) -> None:
        self._start_again_at = time.monotonic() + RETRY
        try:
            self._child = launch.start_agent(self._config)
        except AgentUnavailable as error:
            self.trouble = str(error)
        except OSError as error:
            self.trouble = f"the agent cannot be started: {clean(error.strerror or str(error))}"

    def _look_after_child(self) -> None:
        """Start an agent again that ended before it answered, or that could not be started."""
        if self._child is not None:
            pid, status = os.waitpid(self._child, os.WNOHANG)
            if pid == 0:
                return
            self._child = None
            if status:
                self.trouble = f"the agent ended: {launch.last_words()}"
                self._start_again_at = time.monotonic() + RESTART
        if time.monotonic() >= self._start_again_at and not self._explicit:
            self._start()


def _ask(link: socket.socket, method: str, params: dict[str, object], seconds: float) -> object:
    """Send one request and return its answer. Raises OSError without one, ValueError for one that is not JSON."""
    import json  # Not before the first frame: 1.3 ms.

    link.settimeout(seconds)
    link.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
    with link.makefile("rb") as answers:
        return json.loads(answers.readline(1 << 20))
