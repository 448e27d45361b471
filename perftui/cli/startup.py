"""What goes on behind the early frame: Textual imported, the agent's hello awaited, and why it takes so long."""

import contextlib
import gc
import os
import time
from collections.abc import Callable
from importlib import import_module
from threading import Event, Thread

from perftui.cli.agent_start import RETRY, SILENT, AgentStart
from perftui.core.text import clean

CONSOLE = "perftui.cli.hand_over"
ESCDELAY, ESCDELAY_REMOTE = 2, 25
"""Milliseconds after a lone Esc in which the rest of a sequence may come: a local terminal delivers it whole."""
KNOCK_EVERY = 0.02
PATIENCE = 0.03


class Startup:
    """Brings the agent and Textual; `note` says in plain words why the console is not there yet."""

    def __init__(self, agent: AgentStart, wake: Callable[[], None]) -> None:
        self._agent = agent
        self._wake = wake
        self._trouble = ""
        self._answered = False
        self._thread: Thread | None = None
        self._stop = Event()
        self._began_at = self._tried_at = time.monotonic()

    @property
    def note(self) -> str:
        """Why the console is not there yet."""
        if trouble := self._trouble or self._agent.trouble:
            return f"{trouble}; this screen stays until it can"
        silent = time.monotonic() - self._began_at
        if silent < SILENT:
            return "starting…"
        return "the console is being loaded" if self._answered else f"the agent has been silent for {silent:.0f} s"

    def begin(self) -> None:
        """Import Textual and knock at the agent, in a thread; without a thread to be had the frame is all there is."""
        self._tried_at = time.monotonic()
        thread = Thread(target=self._work, name="perftui-startup", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._trouble = "the console cannot be started: no more threads or processes"
            return
        self._thread, self._trouble = thread, ""

    def is_ready(self) -> bool:
        """Return whether the agent has answered and Textual is loaded; tries again what the host refused."""
        if self._thread is None and time.monotonic() - self._tried_at >= RETRY:
            self.begin()
        return self._answered and self._is_loaded()

    def end(self) -> None:
        """Stop knocking; the user quit, so an agent that nobody else needs ends too."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(PATIENCE)
        self._agent.dismiss()

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

    def _work(self) -> None:
        delay = ESCDELAY_REMOTE if "SSH_CONNECTION" in os.environ else ESCDELAY
        os.environ.setdefault("ESCDELAY", str(delay))  # Read by Textual at import.
        # What fails here fails again, and is told, when the console imports it: a daemon thread has nobody to tell.
        gc.disable()
        with contextlib.suppress(Exception):
            import_module(CONSOLE)
        gc.freeze()  # What is imported stays: walking it would hold up a key by 15 ms, now and then.
        gc.enable()
        while not self._stop.is_set() and not self._answered:
            self._answered = self._agent.is_answering()
            self._stop.wait(0 if self._answered else KNOCK_EVERY)
        self._wake()
