"""What goes on behind the early frame: the agent found or started, Textual imported, the agent's hello awaited."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable
from importlib import import_module
from threading import Event, Thread

from perftui import __version__
from perftui.client import launch
from perftui.core.errors import AgentUnavailable
from perftui.core.text import clean

CONSOLE = "perftui.cli.hand_over"
SILENT = 4.0
"""Seconds without an answer after which the frame says so."""
KNOCK_EVERY = 0.02
RETRY = 5.0
"""Seconds between two attempts at what the host refused."""


class Startup:
    """Brings the agent and Textual; `note` says in plain words why the console is not there yet."""

    def __init__(self, explicit: str | None, config: str | None, wake: Callable[[], None]) -> None:
        self._explicit = explicit
        self._config = config
        self._wake = wake
        self._trouble = ""
        self._answered = False
        self._begun = False
        self._child: int | None = None
        self._link: socket.socket | None = None
        self._started_at = self._started_agent_at = self._tried_at = time.monotonic()
        self._stop = Event()

    @property
    def note(self) -> str:
        """Why the console is not there yet."""
        if self._trouble:
            return f"{self._trouble}; this screen stays until it can"
        silent = time.monotonic() - self._started_at
        return f"the agent has been silent for {silent:.0f} s" if silent >= SILENT else "starting…"

    def find_agent(self) -> None:
        """Attach to an agent, or start one. Raises AgentUnavailable when the one asked for is not there."""
        try:
            self._link = launch.connect(self._explicit)
        except OSError as error:
            self._trouble = f"cannot look for the agent: {clean(error.strerror or str(error))}"
            return
        if self._link is None and self._explicit:
            raise AgentUnavailable(f"no agent answers at {clean(self._explicit)}")
        if self._link is None:
            self._start_agent()

    def _start_agent(self) -> None:
        self._started_agent_at = time.monotonic()
        try:
            self._child = launch.start_agent(self._config)
            self._trouble = ""
        except OSError as error:
            self._trouble = f"the agent cannot be started: {clean(error.strerror or str(error))}"

    def begin(self) -> None:
        """Import Textual and knock at the agent, in a thread; without a thread to be had the frame is all there is."""
        self._tried_at = time.monotonic()
        try:
            Thread(target=self._work, name="perftui-startup", daemon=True).start()
            self._begun, self._trouble = True, ""
        except RuntimeError:
            self._trouble = "the console cannot be started: no more threads or processes"

    def is_ready(self) -> bool:
        """Return whether the agent has answered and Textual is loaded; tries again what the host refused."""
        if not self._begun and time.monotonic() - self._tried_at >= RETRY:
            self.begin()
        return self._answered and self._is_loaded()

    def _is_loaded(self) -> bool:
        if self._trouble and time.monotonic() - self._tried_at < RETRY:
            return False
        self._tried_at = time.monotonic()
        try:
            import_module(CONSOLE)
        except (ImportError, OSError, MemoryError) as error:
            self._trouble = f"the console cannot be loaded: {clean(str(error) or type(error).__name__)}"
            return False
        return True

    def end(self) -> None:
        """Stop knocking."""
        self._stop.set()

    def _work(self) -> None:
        if "SSH_CONNECTION" not in os.environ:
            os.environ.setdefault("ESCDELAY", "25")  # Read by Textual at import; over SSH a sequence may come in two.
        # What fails here fails again, and is told, when the console imports it: a daemon thread has nobody to tell.
        with contextlib.suppress(Exception):
            import_module(CONSOLE)
        while not self._stop.is_set():
            if self._is_answered():
                self._answered, self._trouble = True, ""
                break
            self._stop.wait(KNOCK_EVERY)
        self._wake()

    def _is_answered(self) -> bool:
        """Say hello; the connection only shows that somebody is there, the client makes its own."""
        try:
            link = self._link or launch.connect(self._explicit)
            self._link = None
            if link is None:
                self._look_after_child()
                return False
            with link:
                return self._is_welcome(link)
        except (OSError, ValueError):
            return False

    def _is_welcome(self, link: socket.socket) -> bool:
        hello = {"protocol": [1, 1], "version": __version__, "read_only": True}
        link.settimeout(SILENT)
        link.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "hello", "params": hello}).encode() + b"\n")
        with link.makefile("rb") as answers:
            answer = json.loads(answers.readline(1 << 20) or b"{}")
        return isinstance(answer, dict) and ("result" in answer or "error" in answer)

    def _look_after_child(self) -> None:
        """Start an agent again that ended before it answered, or that could not be started."""
        if self._child is not None:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(self._child, os.WNOHANG)
                if pid == 0:
                    return
                if status:
                    self._trouble = f"the agent ended: {launch.last_words()}"
            self._child = None
        if time.monotonic() - self._started_agent_at >= RETRY and not self._explicit:
            self._start_agent()
