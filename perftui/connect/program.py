"""A program run to its end without a shell: bounded output, a deadline, and nothing left behind when that passes."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from perftui.core.errors import BadAnswer, DeadlineExceeded, Denied, Unreachable
from perftui.core.text import clean
from perftui.core.units import seconds as words

MOST_OUTPUT = 4 << 20
MOST_ERRORS = 64 << 10
LAST_WORDS = 0.5
"""Seconds that output may still take once the program itself has ended: a child that keeps the pipe does not count."""


class Ended(NamedTuple):
    """How a program ended (its exit status, or minus the signal) and what it said, not cleaned."""

    status: int
    output: str
    errors: str

    @property
    def reason(self) -> str:
        """The first line of its errors, else of its output, cleaned; how it ended when it said nothing."""
        lines = (line.strip() for line in (*self.errors.splitlines(), *self.output.splitlines()))
        said = next((line for line in lines if line), "")
        how = f"killed by signal {-self.status}" if self.status < 0 else f"exit {self.status}"
        return clean(said, 200) or how


async def run_program(program: Sequence[str], deadline: float, environment: Mapping[str, str] | None = None) -> Ended:
    """Run `program` and wait for its end, at most `deadline` seconds; then its whole process group is killed.

    Raises Unreachable when it is not installed, Denied when it may not be run, DeadlineExceeded, and BadAnswer when it
    says more than 4 MiB.
    """
    name = clean(program[0], 100)
    transport, run = await _start(program, name, environment)
    try:
        async with asyncio.timeout(deadline):
            await run.ended.wait()
    except TimeoutError as error:
        raise DeadlineExceeded(f"{name} did not end within {words(deadline)}") from error
    finally:
        if transport.get_returncode() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(transport.get_pid(), signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await run.ended.wait()
                await run.silent()
        transport.close()
    if run.overflowed:
        raise BadAnswer(f"{name} says more than {MOST_OUTPUT >> 20} MiB")
    output, errors = (bytes(each).decode("utf-8", "replace") for each in (run.output, run.errors))
    return Ended(transport.get_returncode() or 0, output, errors)


async def _start(
    program: Sequence[str], name: str, environment: Mapping[str, str] | None
) -> tuple[asyncio.SubprocessTransport, "_Run"]:
    try:
        transport, run = await asyncio.get_running_loop().subprocess_exec(
            _Run,
            *program,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            env=None if environment is None else {**os.environ, **environment},
        )
    except FileNotFoundError as error:
        raise Unreachable(f"{name} is not installed") from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise Denied(f"{name} cannot be run: {clean(reason.lower(), 200)}") from error
    return transport, run


class _Run(asyncio.SubprocessProtocol):
    """What a running program says, and when it has ended."""

    def __init__(self) -> None:
        self.output = bytearray()
        self.errors = bytearray()
        self.overflowed = False
        self.ended = asyncio.Event()
        self._pipes = {1: asyncio.Event(), 2: asyncio.Event()}

    async def silent(self) -> None:
        """Wait until it says nothing more."""
        for closed in self._pipes.values():
            await closed.wait()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep the beginning of what it says."""
        kept, most = (self.output, MOST_OUTPUT) if fd == 1 else (self.errors, MOST_ERRORS)
        self.overflowed = self.overflowed or (fd == 1 and len(kept) + len(data) > most)
        kept += data[: most - len(kept)]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Note that nothing more comes from there."""
        if fd in self._pipes:
            self._pipes[fd].set()

    def process_exited(self) -> None:
        """Note that it has ended."""
        self.ended.set()
