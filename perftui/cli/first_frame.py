"""The early frame: drawn by plain writes before Textual is imported, and for as long as the agent is silent.

Standard library only. It refreshes itself each second, never blocks on the terminal, and leaves on `q`, ctrl-c, a
signal or a hang-up.
"""

import os
import select
import signal
import time
from collections.abc import Callable

from perftui.cli.frame_paint import Line, Painter
from perftui.tui.terminal import Terminal, Wakeup, hung_up

INTERVAL = 1.0
SOON = 0.25
"""The first refresh comes early: rates need two samples, and nobody should wait a second for them."""
LEAST_REST = 4.0
"""Rest at least this many times what a drawing cost, so that the frame is no burden to a host with 20,000 processes."""
MOST_TYPED = 256

Draw = Callable[[int, int], list[Line]]
"""Columns and rows to lines."""


class FirstFrame:
    """Draws lines on the terminal and reads its keys; `typed` keeps the keys that it has no use for."""

    def __init__(self, terminal: Terminal, wakeup: Wakeup, painter: Painter) -> None:
        self.typed = b""
        self._terminal = terminal
        self._wakeup = wakeup
        self._painter = painter
        self._shown: list[bytes] = []
        self._size = (0, 0)
        self._waiting = select.poll()

    def draw(self, draw: Draw) -> None:
        """Send the lines that changed; nothing while the terminal has not read the last ones."""
        if self._terminal.pending:
            self._terminal.write(b"")
            return
        columns, rows = size = self._terminal.size()
        lines = [self._painter.paint(line) for line in draw(columns, rows)]
        changed = []
        if size != self._size or len(lines) != len(self._shown):
            self._shown, self._size = [b""] * len(lines), size
            changed.append(b"\x1b[2J")
        changed += [
            b"\x1b[%d;1H\x1b[2K%b" % (row, line)
            for row, (line, shown) in enumerate(zip(lines, self._shown, strict=True), 1)
            if line != shown
        ]
        self._shown = lines
        self._terminal.write(b"".join(changed))

    def run(
        self, draw: Draw, is_over: Callable[[], bool], keys: dict[bytes, Callable[[], None]] | None = None
    ) -> int | None:
        """Refresh until `is_over`, then return None; or return the exit status when the user or a signal ends it."""
        next_at = time.monotonic() + SOON
        while not is_over():
            now = time.monotonic()
            if now >= next_at or self._terminal.size() != self._size:
                self.draw(draw)
                cost = time.monotonic() - now
                next_at = now + max(INTERVAL, cost * LEAST_REST)
            status = self._wait(max(0.0, next_at - time.monotonic()), keys or {})
            if status == -1:
                self.draw(draw)
            elif status is not None:
                return status
        return None

    def _wait(self, timeout: float, keys: dict[bytes, Callable[[], None]]) -> int | None:
        """Wait for keys, signals and a hang-up; return an exit status, -1 for a key that changed the view, or None."""
        wanted = self._terminal.input
        self._waiting.register(wanted, select.POLLIN)
        self._waiting.register(self._wakeup.reader, select.POLLIN)
        events = dict(self._waiting.poll(timeout * 1000))
        if signum := self._wakeup.take():
            return 128 + signum
        if hung_up(events.get(wanted, 0)):
            return 128 + signal.SIGHUP
        return self._take_keys(keys) if wanted in events else None

    def _take_keys(self, keys: dict[bytes, Callable[[], None]]) -> int | None:
        typed = os.read(self._terminal.input, 256)
        if not typed:
            return 128 + signal.SIGHUP
        if typed.startswith(b"\x1b"):  # An arrow, a paste or a mouse: no `q` in it is the key q.
            self.typed = (self.typed + typed)[:MOST_TYPED]
            return None
        for key in (typed[index : index + 1] for index in range(len(typed))):
            if key in (b"q", b"\x03"):
                return 0
            if key == b"\x1a":
                self._suspend()
                return -1
            if key in keys:
                keys[key]()
                return -1
            self.typed = (self.typed + key)[:MOST_TYPED]
        return None

    def _suspend(self) -> None:
        """Give the terminal to the shell until it says `fg`."""
        self._terminal.restore()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._size = (0, 0)
        self._terminal.enter()
