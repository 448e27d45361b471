"""A program in a real pseudo-terminal: what it draws, what it is typed, and what it leaves behind."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

PERFTUI = [sys.executable, "-m", "perftui.cli.main"]
MARK = "PERFTUI_TEST_MARK"
"""A variable that every process of a test inherits, so that those left over are found."""
LONGEST_QUERY = 16
_QUERIES = re.compile(
    rb"\x1b\[(?P<da>0?c)|\x1b\[(?P<dsr>\??[56]n)|\x1b\[\?(?P<mode>\d+)\$p|\x1b\](?P<osc>1[0-2]);\?(?:\x07|\x1b\\)"
)
# What pyte does not know and would print: kitty keyboard, mode requests, private CSI.
_UNKNOWN = re.compile(rb"\x1b\[[<>=?][0-9;]*[a-z]|\x1b\[\?\d+\$p")


def isolated(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which perftui touches nothing outside `folder`; processes in it carry a mark."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PYTHONPATH", "VIRTUAL_ENV")}
    return kept | {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_STATE_HOME": str(folder / "state"),
        "PERFTUI_RUNTIME_DIR": str(folder / "run"),
        "PERFTUI_SERVICE_SOCKET": str(folder / "service.sock"),
        MARK: str(folder),
        **more,
    }


def marked(folder: Path) -> dict[int, str]:
    """Return the processes (pid -> command line) that were started in this isolated environment and still live."""
    wanted = f"{MARK}={folder}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def until(is_so: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Wait until `is_so`; fail with `what` was waited for after `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.01)


class Program:
    """A program in its own session on a pseudo-terminal; leaving the block ends it and all that carries its mark."""

    def __init__(
        self,
        argv: Sequence[str],
        environ: Mapping[str, str],
        *,
        columns: int = 120,
        rows: int = 40,
        before: Callable[[], object] | None = None,
        stdin: int | None = None,
    ) -> None:
        self.raw = b""
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._environ = dict(environ)
        self._answered = 0
        self._fed = 0
        self._status: int | None = None
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.attributes = termios.tcgetattr(self.slave)
        with warnings.catch_warnings():  # Newer Pythons warn of threads; the child only sets itself up and execs.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            self._become(argv, before, stdin)

    def _become(self, argv: Sequence[str], before: Callable[[], object] | None, stdin: int | None) -> None:
        try:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for descriptor in (0, 1, 2):
                os.dup2(self.slave if descriptor or stdin is None else stdin, descriptor)
            os.closerange(3, 256)
            if before is not None:
                before()
            os.execvpe(argv[0], list(argv), self._environ)
        finally:
            os._exit(127)

    def pump(self, seconds: float = 0.02) -> bool:
        """Read what is there, waiting at most `seconds` for it; answer what asks the terminal. False at its end."""
        if self.master < 0 or not select.select([self.master], [], [], seconds)[0]:
            return self.master >= 0
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return False
        self.raw += data
        self._answer()
        return bool(data)

    def _answer(self) -> None:
        for found in _QUERIES.finditer(self.raw, self._answered):
            self._answered = found.end()
            if found["da"]:
                self.send(b"\x1b[?62;22c")
            elif found["dsr"]:
                self.send(b"\x1b[0n" if b"5" in found["dsr"] else b"\x1b[1;1R")
            elif found["mode"]:
                self.send(b"\x1b[?%b;%d$y" % (found["mode"], 2 if found["mode"] in (b"2026", b"2004") else 0))
            elif found["osc"]:
                self.send(b"\x1b]%b;rgb:0000/0000/0000\x1b\\" % found["osc"])
        self._answered = max(self._answered, len(self.raw) - LONGEST_QUERY)

    def display(self) -> str:
        """Return the screen as text."""
        data, self._fed = self.raw[self._fed :], len(self.raw)
        self._stream.feed(_UNKNOWN.sub(b"", data))
        return "\n".join(self.screen.display)

    def wait_for(self, text: str, seconds: float = 10.0) -> str:
        """Return the screen once `text` stands on it."""
        deadline = time.monotonic() + seconds
        while text not in (shown := self.display()):
            if time.monotonic() > deadline:
                raise AssertionError(f"{text!r} did not appear within {seconds:.0f} s:\n{shown}")
            self.pump()
        return shown

    def pump_for(self, seconds: float) -> None:
        """Read for a while."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.pump():
            pass

    def send(self, keys: bytes) -> None:
        """Type."""
        with contextlib.suppress(OSError):
            os.write(self.master, keys)

    def signal(self, signum: int) -> None:
        """Send a signal to the program itself."""
        os.kill(self.pid, signum)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size of the terminal."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def stall(self, seconds: float = 1.2) -> None:
        """Read nothing for a while, as a link that hangs."""
        time.sleep(seconds)

    def wait_until_stopped(self) -> None:
        """Wait until the program is stopped, as ctrl-z does."""
        stat = Path(f"/proc/{self.pid}/stat")
        until(lambda: (self.pump(), stat.read_text().rpartition(")")[2].split()[0] == "T")[1], "stopped")

    def forget(self) -> None:
        """Forget what was drawn so far."""
        self.display()
        self.screen.reset()

    def discipline_is_restored(self) -> bool:
        """Return whether echo, line editing and signal keys are as they were."""
        return termios.tcgetattr(self.slave) == self.attributes

    def exit_status(self, seconds: float = 5.0, *, read: bool = True) -> int:
        """Wait for the end; return the exit status, or minus the signal that killed it. `read` False is a stall."""
        deadline = time.monotonic() + seconds
        while not self._is_dead():
            if time.monotonic() > deadline:
                raise AssertionError(f"still running after {seconds:.0f} s:\n{self.display()}")
            if not read or not self.pump(0.005):
                time.sleep(0.005)
        if read:
            self.pump(0)
        assert self._status is not None
        return os.waitstatus_to_exitcode(self._status)

    def _is_dead(self) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = status
        return self._status is not None

    def is_restored(self) -> bool:
        """Return whether the terminal is as it was: line discipline, normal screen, visible cursor, no reports."""
        self.pump_for(0.05)
        modes = {mode: self.raw.rfind(b"\x1b[?%dh" % mode) > self.raw.rfind(b"\x1b[?%dl" % mode) for mode in _REPORTS}
        visible = self.raw.rfind(b"\x1b[?25h") > self.raw.rfind(b"\x1b[?25l")
        return visible and not any(modes.values()) and self.discipline_is_restored()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = [*marked(Path(self._environ[MARK]))] if MARK in self._environ else []
        for pid in {*left, *([] if self._is_dead() else [self.pid])}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not self._is_dead():
            os.waitpid(self.pid, 0)
        for descriptor in {self.master, self.slave} - {-1}:
            os.close(descriptor)


_REPORTS = (1000, 1002, 1003, 1004, 1006, 1015, 1049, 2004, 2048)
