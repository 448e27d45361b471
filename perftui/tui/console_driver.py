"""Textual's Linux driver, made to quit at once, to survive a hang-up and to take over a screen that already stands."""

import codecs
import contextlib
import math
import os
import select
import sys
import time
from collections import deque
from collections.abc import Iterable
from io import TextIOWrapper
from typing import Any, cast

from textual import constants
from textual._parser import ParseError
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from perftui.tui.terminal import Terminal, hung_up

_ALTERNATE_SCREEN = "\x1b[?1049h"
# How long after a byte the parser may still wait for the rest of an escape sequence, and when it is asked.
_SETTLING = constants.ESCAPE_DELAY + 0.02
_TICK_MS = math.ceil(1000 * constants.ESCAPE_DELAY)


class TerminalDriver(LinuxDriver):
    """Draws on `terminal`, which the early frame may have entered before; `typed` are the keys it did not use.

    Textual's own driver notices a quit only after 0.2 s, wakes ten times a second for nothing, spins on a terminal
    that hung up, draws on standard error and dies of a character that the terminal's encoding lacks.
    """

    terminal: Terminal
    typed: bytes = b""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._output = _Output(self.terminal.output)
        self._file = cast("TextIOWrapper", self._output)
        self._parts: deque[str] = deque()  # The input thread adds to it, too.
        self._stop_reader = self._stop_writer = -1

    def write(self, data: str) -> None:
        """Keep what is to be written until the next flush; the alternate screen is entered once: nothing flashes."""
        if data != _ALTERNATE_SCREEN or not self.terminal.entered:
            self._parts.append(data)

    def flush(self) -> None:
        """Write what the terminal takes now; Textual's thread, which may block, writes the rest and what comes then."""
        text = "".join(self._parts.popleft() for _ in range(len(self._parts)))
        data = text.encode(self._output.encoding, "replace")
        if self._output.is_idle:
            data = self.terminal.take(data)
        if data:
            self._output.expected += 1
            super().write(data.decode("latin-1"))

    def start_application_mode(self) -> None:
        """Take over the terminal, or the screen that the early frame left standing."""
        self._stop_reader, self._stop_writer = os.pipe()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self.attrs_before = self.terminal.attributes
        self.terminal.entered = True

    def disable_input(self) -> None:
        """End the input thread at once: it waits on this pipe too."""
        if self._stop_writer < 0:
            return
        os.write(self._stop_writer, b"\0")
        super().disable_input()
        os.close(self._stop_reader)
        os.close(self._stop_writer)
        self._stop_reader = self._stop_writer = -1

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        super().stop_application_mode()
        self.terminal.entered = False

    def resume_application_mode(self) -> None:
        """Start again after a suspension; after a bare SIGSTOP and SIGCONT nothing had been stopped before."""
        if self.terminal.entered:
            self.suspend_application_mode()
        super().resume_application_mode()
        self._app.call_later(self._app.refresh)  # All of it: the shell wrote there, and widgets repaint changes only.

    def run_input_thread(self) -> None:
        """Turn what is typed into messages until told to stop, or until the terminal hangs up."""
        parser = XTermParser(self._debug)
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        typed, self.typed = self.typed, b""
        waiting = select.poll()
        waiting.register(self.fileno, select.POLLIN)
        waiting.register(self._stop_reader, select.POLLIN)
        settled_at = 0.0
        while True:
            if text := decode(typed):  # Half a character is no text yet, and to the parser no text is the end.
                self._send_all(parser.feed(text))
                settled_at = time.monotonic() + _SETTLING
            self._send_all(parser.tick())
            events = dict(waiting.poll(_TICK_MS if time.monotonic() < settled_at else None))
            if self._stop_reader in events or hung_up(events.get(self.fileno, 0)):
                return
            typed = os.read(self.fileno, 4096) if events else b""

    def _send_all(self, messages: Iterable[Message]) -> None:
        try:
            for message in messages:
                self.process_message(message)
        except ParseError:
            return


def driver_for(terminal: Terminal, typed: bytes = b"") -> type[TerminalDriver]:
    """Return the driver of one terminal, for `App(driver_class=…)`: Textual makes its driver from a class."""
    return type("TerminalDriver", (TerminalDriver,), {"terminal": terminal, "typed": typed})


class _Output:
    """What Textual's writer thread writes to: bytes in the guise of text (latin-1); a hang-up swallows the rest."""

    def __init__(self, descriptor: int) -> None:
        self.encoding = getattr(sys.__stdout__, "encoding", None) or "utf-8"
        self.expected = self._written = 0
        self._descriptor = descriptor

    @property
    def is_idle(self) -> bool:
        """Whether everything that was given to the thread has reached the terminal."""
        return self.expected == self._written

    def write(self, text: str) -> int:
        """Write it all; blocks as long as the terminal does."""
        left = memoryview(text.encode("latin-1"))
        with contextlib.suppress(OSError):
            while left:
                left = left[os.write(self._descriptor, left) :]
        self._written += 1
        return len(text)

    def flush(self) -> None:
        """Do nothing: nothing is kept."""

    def fileno(self) -> int:
        """Return the terminal's descriptor."""
        return self._descriptor

    def isatty(self) -> bool:
        """Return True: the console refuses to start on anything else."""
        return True
