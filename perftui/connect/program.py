"""A program run to its end without a shell: a session of its own, bounded output, a deadline, and nothing left behind.

`ask_program` is for tools of this host whose answer is wanted whole; `run_program` for programs of the user's, which
get a bare environment, may be cancelled, and are asked to end before they are made to.
"""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from perftui.core.errors import BadAnswer, DeadlineExceeded, Denied, Unreachable
from perftui.core.known_secrets import without_known
from perftui.core.text import clean
from perftui.core.units import seconds as words_of

MOST_ANSWER = 4 << 20
MOST_OUTPUT = 64 << 10
GRACE = 3.0
"""Seconds between TERM and KILL."""
LAST_WORDS = 0.5
"""Seconds that output may still take once the program itself has ended: a child that keeps the pipe does not count."""
INHERITED = ("HOME", "LANG", "PATH", "USER")
"""What a program of the user's gets of our environment, where secrets may stand; a default PATH where there is none."""
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
    """How a program ended (`status` is its exit status, or minus the signal) and what it said last, not cleaned."""

    end: End
    status: int
    output: str
    errors: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """Return the lines of its output that say something, fit for the screen."""
        return _lines(self.output)

    @property
    def words(self) -> str:
        """Return how it ended with its last line: `exit 3: no such server`."""
        last = self.lines[-1:]
        return f"{self._how}: {last[0]}" if last else self._how

    @property
    def reason(self) -> str:
        """Return the first line of its errors, else of its output; how it ended when it said nothing."""
        lines = _lines(self.errors) or self.lines
        return lines[0][:200] if lines else self._how

    @property
    def _how(self) -> str:
        return f"killed by signal {-self.status}" if self.status < 0 else f"exit {self.status}"


async def run_program(
    words: Sequence[str],
    extra: Mapping[str, str],
    deadline: float,
    on_line: Callable[[str], None] | None = None,
    cancelled: asyncio.Event | None = None,
) -> Ended:
    """Run a program of the user's and wait for its end, at most `deadline` seconds, or until `cancelled` is set.

    Then its process group gets TERM, and KILL 3 s later. What it starts and leaves behind when it ends by itself goes
    on. `extra` is added to the environment; errors are part of the output, of which the last 64 KiB are kept. Raises
    Unreachable when it is not there, Denied when it may not be run.
    """
    run = _Run(words, MOST_OUTPUT, on_line)
    await run.start(environment(extra), asyncio.subprocess.STDOUT)
    return await run.to_end(deadline, cancelled or asyncio.Event(), GRACE)


async def ask_program(words: Sequence[str], deadline: float, extra: Mapping[str, str] | None = None) -> Ended:
    """Run a tool of this host and wait for its answer, at most `deadline` seconds; then its group is killed.

    `extra` is added to our environment. Raises Unreachable when it is not installed, Denied when it may not be run,
    DeadlineExceeded, and BadAnswer when it says more than 4 MiB.
    """
    run = _Run(words, MOST_ANSWER)
    await run.start({**os.environ, **(extra or {})}, asyncio.subprocess.PIPE)
    ended = await run.to_end(deadline, asyncio.Event(), 0.0)
    if ended.end is not End.ITSELF:
        raise DeadlineExceeded(f"{run.name} did not end within {words_of(deadline)}")
    if run.overflowed:
        raise BadAnswer(f"{run.name} says more than {MOST_ANSWER >> 20} MiB")
    return ended


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a program of the user's: what it may inherit, and `extra`."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {"PATH": _PATH, **inherited, **extra}


def said(line: str, most: int = _LINE) -> str:
    """Return a line that a program wrote, fit for the screen: without known secrets, cleaned, cut to `most`."""
    return clean(without_known(line[: 4 * most]), most)


class _Run(asyncio.SubprocessProtocol):
    """A running program. All that it says is read, so that it never waits; the last `most` bytes are kept."""

    def __init__(self, words: Sequence[str], most: int, on_line: Callable[[str], None] | None = None) -> None:
        self.name = clean(words[0], 100)
        self.overflowed = False
        self._words = words
        self._most = most
        self._on_line = on_line
        self._kept = {1: bytearray(), 2: bytearray()}
        self._open = {1: asyncio.Event()}
        self._ended = asyncio.Event()
        self._transport: asyncio.SubprocessTransport

    async def start(self, environment: Mapping[str, str], errors: int) -> None:
        """Start it. Raises Unreachable and Denied."""
        if errors == asyncio.subprocess.PIPE:
            self._open[2] = asyncio.Event()
        try:
            self._transport, _ = await asyncio.get_running_loop().subprocess_exec(
                lambda: self,
                *self._words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                cwd="/",
                env=environment,
            )
        except FileNotFoundError as error:
            raise Unreachable(f"{self.name} is not installed") from error
        except (OSError, ValueError) as error:
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise Denied(f"{self.name} cannot be run: {clean(why.lower(), 200)}; look at its path and mode") from error

    async def to_end(self, deadline: float, cancelled: asyncio.Event, grace: float) -> Ended:
        """Wait for its end; nothing of its group outlives the deadline, `cancelled`, or an error in here."""
        end = None
        try:
            end = await self._wait(deadline, cancelled)
            if end is not End.ITSELF and grace:
                self._signal(signal.SIGTERM)
                await _within(grace, self._ended)
        finally:
            if end is not End.ITSELF:
                self._signal(signal.SIGKILL)  # also what its leader left behind
            await _within(LAST_WORDS, self._ended, *self._open.values())
            self._transport.close()
        output, errors = (self._kept[each].decode("utf-8", "replace") for each in (1, 2))
        return Ended(end, self._transport.get_returncode() or 0, output, errors)

    async def _wait(self, deadline: float, cancelled: asyncio.Event) -> End:
        waiting = [asyncio.create_task(each.wait()) for each in (self._ended, cancelled)]
        try:
            await asyncio.wait(waiting, timeout=deadline, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        if self._ended.is_set():
            return End.ITSELF
        return End.CANCELLED if cancelled.is_set() else End.OVERDUE

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._transport.get_pid(), number)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep the end of what it says."""
        kept = self._kept[fd]
        kept += data
        self.overflowed = self.overflowed or len(kept) > self._most
        del kept[: -self._most]
        if self._on_line is not None and (last := _lines(kept[-_LINE:].decode("utf-8", "replace"))[-1:]):
            self._on_line(last[0])

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Note that nothing more comes from there."""
        if fd in self._open:
            self._open[fd].set()

    def process_exited(self) -> None:
        """Note that it has ended."""
        self._ended.set()


async def _within(limit: float, *events: asyncio.Event) -> None:
    """Wait until all of these are set, at most `limit` seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit):
            for each in events:
                await each.wait()


def _lines(output: str) -> tuple[str, ...]:
    """Return the lines that say something, each fit for the screen; of one that was redrawn, how it looked last."""
    found = (_ESCAPES.sub("", line) for line in output.split("\n"))
    last = (line.rstrip("\r").rpartition("\r")[2].strip() for line in found)
    return tuple(said(line) for line in last if line)
