"""A program of the user's, run to its end: own session, bare environment, last words kept, TERM before KILL."""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from enum import Enum
from typing import NamedTuple

from perftui.core.errors import Refused
from perftui.core.known_secrets import without_known
from perftui.core.text import clean

MOST_OUTPUT = 64 << 10
GRACE = 3.0
"""Seconds between TERM and KILL."""
LAST_WORDS = 0.5
"""Seconds that its output may still take once it has ended: a child that keeps the pipe open does not count."""
INHERITED = ("HOME", "LANG", "PATH", "USER")
"""What a program gets of the agent's environment, where secrets may stand; a default PATH where there is none."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LINE = 400
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
"""Colours, cursor moves and window titles (ECMA-48 CSI and OSC): of no use in a line; the rest is made visible."""


class End(Enum):
    """Why a program is over."""

    ITSELF = "ended"
    OVERDUE = "overdue"
    CANCELLED = "cancelled"


class Ended(NamedTuple):
    """How a program ended: `status` is its exit status, or minus the signal. `lines` are its last ones, cleaned."""

    end: End
    status: int
    lines: tuple[str, ...]

    @property
    def words(self) -> str:
        """Return how it ended with its last line: `exit 3: no such server`."""
        how = f"killed by signal {-self.status}" if self.status < 0 else f"exit {self.status}"
        return f"{how}: {self.lines[-1]}" if self.lines else how


async def run_program(
    words: tuple[str, ...],
    extra: Mapping[str, str],
    deadline: float,
    on_line: Callable[[str], None] = lambda line: None,
    cancelled: asyncio.Event | None = None,
) -> Ended:
    """Run a program and wait for its end, at most `deadline` seconds, or until `cancelled` is set.

    Then its process group gets TERM, and KILL 3 s later. What it starts and leaves behind when it ends by itself goes
    on. `extra` is added to the environment. Raises Refused when it cannot be started.
    """
    with _Output(on_line) as output:
        async with _started(words, extra, output.write_end) as process:
            output.close_write_end()
            end = await _wait(process, deadline, cancelled or asyncio.Event())
            if end is not End.ITSELF:
                await _stop(process)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await output.closed.wait()
        return Ended(end, process.returncode or 0, output.lines())


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a program: what it may inherit, and `extra`."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {"PATH": _PATH, **inherited, **extra}


@asynccontextmanager
async def _started(
    words: tuple[str, ...], extra: Mapping[str, str], out: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a program; nothing of its group outlives an error or a cancellation in here."""
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd="/",
            env=environment(extra),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise Refused(
            "target", f"{clean(words[0], 100)} cannot be run: {clean(why.lower(), 200)}", "look at its path and mode"
        ) from error
    try:
        yield process
    except BaseException:
        _signal(process, signal.SIGKILL)
        raise


async def _wait(process: asyncio.subprocess.Process, deadline: float, cancelled: asyncio.Event) -> End:
    ended, stop = asyncio.create_task(process.wait()), asyncio.create_task(cancelled.wait())
    try:
        await asyncio.wait((ended, stop), timeout=deadline, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            return End.ITSELF
        return End.CANCELLED if stop.done() else End.OVERDUE
    finally:
        ended.cancel()
        stop.cancel()
        await asyncio.gather(ended, stop, return_exceptions=True)


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask the whole group to end, then make it."""
    _signal(process, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GRACE):
            await process.wait()
    _signal(process, signal.SIGKILL)  # also what its leader left behind
    await process.wait()


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


class _Output:
    """The pipe that a program writes to. All of it is read, so that it never waits; its last 64 KiB are kept."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self.closed = asyncio.Event()
        self._on_line = on_line
        self._kept = bytearray()
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)

    def __enter__(self) -> "_Output":
        asyncio.get_running_loop().add_reader(self._read_end, self._read)
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.get_running_loop().remove_reader(self._read_end)
        os.close(self._read_end)
        self.close_write_end()

    def close_write_end(self) -> None:
        """Let go of our own end for writing: the program has its copy."""
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def lines(self) -> tuple[str, ...]:
        """Return the last lines."""
        return _lines(bytes(self._kept))

    def _read(self) -> None:
        try:
            data = os.read(self._read_end, MOST_OUTPUT)
        except BlockingIOError:
            return
        if not data:
            asyncio.get_running_loop().remove_reader(self._read_end)
            self.closed.set()
            return
        self._kept += data
        del self._kept[:-MOST_OUTPUT]
        if last := _lines(bytes(self._kept[-_LINE:]))[-1:]:
            self._on_line(last[0])


def _lines(output: bytes) -> tuple[str, ...]:
    """Return the lines that say something, each fit for the screen; of one that was redrawn, how it looked last."""
    found = (_ESCAPES.sub("", line) for line in output.decode("utf-8", "replace").split("\n"))
    last = (line.rstrip("\r").rpartition("\r")[2].strip() for line in found)
    return tuple(clean(without_known(line[: 4 * _LINE]), _LINE) for line in last if line)
