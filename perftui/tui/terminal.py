"""The user's terminal: taken over once, always given back; signals and hang-ups on one pipe. Standard library only.

The early frame and Textual's driver (`perftui.tui.console_driver`) share it, so that the hand-over between them neither
flashes nor loses what has to be restored. Nothing here ever blocks on a terminal that nobody reads.
"""

import contextlib
import os
import select
import signal
import sys
import termios
from types import FrameType, TracebackType
from typing import Self

ENTER = b"\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
# Synchronised update off, kitty keyboard off, mouse off, focus reports off, paste and resize reports off, wrap on,
# colours and cursor back, and the normal screen last.
LEAVE = (
    b"\x1b[?2026l\x1b[<u\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1004l"
    b"\x1b[?2004l\x1b[?2048l\x1b[?7h\x1b[0m\x1b[?25h\x1b[?1049l"
)
_INPUT_OFF = termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR
_LOCAL_OFF = termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG


class Terminal:
    """The terminal on standard input and output: `enter` takes it over, `restore` gives it back, at most once each.

    `entered` is true while the alternate screen is ours; whoever leaves it by other means (Textual) sets it false.
    """

    def __init__(self) -> None:
        self.input = sys.__stdin__.fileno() if sys.__stdin__ else 0
        self.output = sys.__stdout__.fileno() if sys.__stdout__ else 1
        self.attributes = termios.tcgetattr(self.input)
        self.entered = False
        self.pending = b""
        self._own = _own_description(self.output)

    def enter(self) -> None:
        """Switch to the alternate screen, with keys passed on unseen and signals left to processes."""
        raw = [*self.attributes[:6], list(self.attributes[6])]
        raw[0] &= ~_INPUT_OFF
        raw[3] &= ~_LOCAL_OFF
        raw[6][termios.VMIN] = 1
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self.input, termios.TCSANOW, raw)
        self.entered = True
        self.pending = b""
        self.write(ENTER)

    def write(self, data: bytes) -> None:
        """Send `data`, after what is pending; what the terminal does not take now stays pending."""
        self.pending += data
        try:
            while self.pending and self._writable():
                self.pending = self.pending[os.write(self._own, self.pending[:4096]) :]
        except BlockingIOError:
            return
        except OSError:  # Hung up: nobody will ever read it.
            self.pending = b""

    def take(self, data: bytes) -> bytes:
        """Send what the terminal takes of `data` now, and return the rest."""
        self.write(data)
        rest, self.pending = self.pending, b""
        return rest

    def restore(self) -> None:
        """Give the terminal back as it was found, as far as it still takes bytes."""
        if self.entered:
            self.entered = False
            # A sequence that was cut off by a stall would swallow the next one: CAN ends it.
            stalled, self.pending = self.pending, b""
            self.write(b"\x18" + LEAVE if stalled else LEAVE)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self.input, termios.TCSANOW, self.attributes)

    def size(self) -> tuple[int, int]:
        """Return columns and rows; 80 and 24 when the terminal does not say."""
        try:
            columns, rows = os.get_terminal_size(self.output)
        except OSError:
            return 80, 24
        return columns or 80, rows or 24

    def _writable(self) -> bool:
        waiting = select.poll()
        waiting.register(self._own, select.POLLOUT)
        return bool(waiting.poll(0))

    def __enter__(self) -> Self:
        self.enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()


def _own_description(output: int) -> int:
    """Return a non-blocking descriptor of the terminal, apart from the one shared with the shell.

    O_NONBLOCK belongs to the open file description: set on the shared one, it would outlive us in the shell.
    """
    try:
        os.tcgetpgrp(output)  # Refused unless it is our controlling terminal, which /dev/tty stands for.
        return os.open("/dev/tty", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return output


class Wakeup:
    """A pipe that ends a wait: signals arrive as their number, `wake` as 0.

    The byte is written by the interpreter's C handler, so it comes even while the main thread is blocked.
    SIGHUP that was ignored when we started (nohup) stays ignored; the hang-up itself is still seen by polling.
    """

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self._writer, False)
        signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGWINCH):
            signal.signal(signum, _noted)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, _noted)

    def wake(self) -> None:
        """End a wait, from any thread."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"\0")

    def take(self) -> int:
        """Empty the pipe; return the deadly signal that arrived, else 0."""
        try:
            arrived = os.read(self.reader, 512)
        except BlockingIOError:
            return 0
        return next((each for each in arrived if each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)), 0)


def _noted(signum: int, frame: FrameType | None) -> None:
    """Do nothing: the wakeup pipe already carries the signal; a handler only has to exist."""


def hung_up(event: int) -> bool:
    """Return whether a poll event on the terminal says that the other end is gone."""
    return bool(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL))
