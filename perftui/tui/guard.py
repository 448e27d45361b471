"""Whatever happens to the console, it ends with the terminal restored and a telling exit status."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from textual.app import App

from perftui.tui.terminal import Terminal, Wakeup, hung_up

GRACE = 1.5
"""Seconds that the app has to leave by itself after a signal, before the process ends without it."""


class GuardedApp(App[Any]):
    """An app whose crash is an exception for its caller, `failure`, not a page of local variables on the screen."""

    @property
    def failure(self) -> Exception | None:
        """What the app, one of its widgets or workers died of."""
        return self._exception

    def _fatal_error(self) -> None:
        self._close_messages_no_wait()


@contextmanager
def guard(app: App[Any], terminal: Terminal, wakeup: Wakeup) -> Iterator[None]:
    """Let SIGTERM, SIGINT, SIGHUP and a hang-up end `app`, at the latest after GRACE seconds.

    The exit status is 128 + the signal's number. A thread of its own waits for them, because a terminal that
    nobody reads blocks the event loop.
    """
    watch = _Watch(app, terminal, wakeup)
    watch.start()
    try:
        yield
    finally:
        watch.finish()
        terminal.restore()


class _Watch(Thread):
    def __init__(self, app: App[Any], terminal: Terminal, wakeup: Wakeup) -> None:
        super().__init__(name="perftui-guard", daemon=True)
        self._app, self._terminal, self._wakeup = app, terminal, wakeup
        self._over = Event()

    def run(self) -> None:
        """Wait for the end; ask the app to leave, and end the process when it does not."""
        signum = self._wait()
        if self._over.is_set():
            return
        self._app.call_later(self._app.exit, None, 128 + signum)
        if not self._over.wait(GRACE):
            self._terminal.restore()
            os._exit(128 + signum)

    def finish(self) -> None:
        """Say that the app is over."""
        self._over.set()
        self._wakeup.wake()

    def _wait(self) -> int:
        """Return the number of the signal that arrived, 0 when the app is over without one."""
        waiting = select.poll()
        waiting.register(self._terminal.input, 0)  # Only its hang-up: the keys are the driver's.
        waiting.register(self._wakeup.reader, select.POLLIN)
        while not self._over.is_set():
            events = dict(waiting.poll())
            if hung_up(events.get(self._terminal.input, 0)):
                return signal.SIGHUP
            if signum := self._wakeup.take():
                return signum
        return 0
