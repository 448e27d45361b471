"""`exec`: a program of the user's gets the notification as JSON on its standard input."""

import asyncio
import contextlib
import os
import signal
from typing import cast

import msgspec

from perftui.alerts.notify import wording
from perftui.alerts.notify.notification import Notification
from perftui.core.errors import NotifyError
from perftui.core.text import clean

MOST_SAID = 64 << 10
"""Bytes of its standard error that are kept; what it says beyond is read and forgotten."""
LAST_WORDS = 0.2
"""Seconds that what it said may come behind its end; a child that it leaves behind may hold the pipe for ever."""


class ExecSender:
    """Runs `program` once for each notification, in a session of its own and without a shell."""

    def __init__(self, program: tuple[str, ...]) -> None:
        self._program = program

    async def send(self, notification: Notification) -> None:
        """Return when the program has ended well; whatever ends this earlier kills it and all that it started."""
        transport, run = await self._start()
        try:
            stdin = cast("asyncio.WriteTransport", transport.get_pipe_transport(0))
            stdin.write(as_json(notification))
            stdin.write_eof()
            await run.ended.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(transport.get_pid(), signal.SIGKILL)
            raise
        else:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS):
                    await run.silent.wait()
        finally:
            transport.close()
        if status := transport.get_returncode():
            raise NotifyError(_failure(status, bytes(run.said)))

    async def _start(self) -> tuple[asyncio.SubprocessTransport, "_Run"]:
        try:
            return await asyncio.get_running_loop().subprocess_exec(
                _Run,
                *self._program,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # ValueError: a NUL in an argument
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise NotifyError(f"{clean(self._program[0], 100)}: {reason}") from error


def as_json(notification: Notification) -> bytes:
    """Return a notification as programs read it: its fields, its id, and the text that people would get."""
    fields = msgspec.to_builtins(notification)
    return msgspec.json.encode({"id": notification.id, **fields, "text": wording.body(notification)}) + b"\n"


class _Run(asyncio.SubprocessProtocol):
    """What a running program says, and when it has ended: a pipe that outlives it does not count."""

    def __init__(self) -> None:
        self.said = bytearray()
        self.ended = asyncio.Event()
        self.silent = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Keep the beginning of what it says."""
        self.said += data[: MOST_SAID - len(self.said)]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Note that it says nothing more; that it reads no more is its own affair."""
        if fd == 2:
            self.silent.set()

    def process_exited(self) -> None:
        """Note that it has ended."""
        self.ended.set()


def _failure(status: int, said: bytes) -> str:
    how = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
    line = next((line for line in said.splitlines() if line.strip()), b"")
    return f"{how}: {clean(line.strip(), 200)}" if line else how
