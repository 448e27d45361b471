"""Server processes of our own: found or named as absent, started, awaited, and ended."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from tests.support.mariadb_server import MariaDBServer, mariadb_server
from tests.support.servers import free_port

START_DEADLINE = 30.0
STOP_DEADLINE = 10.0


class Absent(Exception):
    """Something that the stage can do without is not installed; the text says how to get it."""


def find(program: str, package: str) -> str:
    """Return the path of `program`. Raises Absent."""
    path = shutil.which(program, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if path is None:
        raise Absent(f"no {program}: apt-get install {package}")
    return path


@contextlib.asynccontextmanager
async def started(
    *command: str, stdin: int = subprocess.DEVNULL, log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `command` with its words in `log`; on leaving ask it to end, then make it."""
    with log.open("wb") as words:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=stdin, stdout=words, stderr=words, start_new_session=True
        )
    try:
        yield process
    finally:
        await asyncio.shield(ended(process))


async def ended(process: asyncio.subprocess.Process) -> None:
    """End a process that leads a session, and its children: SIGTERM, and SIGKILL for what stays."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_DEADLINE)
    except TimeoutError:
        process.kill()
        await process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def listening(process: asyncio.subprocess.Process, address: Path | int, log: Path) -> None:
    """Wait until `process` accepts connections on a port or a Unix socket."""
    end = time.monotonic() + START_DEADLINE
    while process.returncode is None and time.monotonic() < end:
        if _accepts(address):
            return
        await asyncio.sleep(0.05)
    raise failed(log)


def failed(log: Path) -> RuntimeError:
    """Return the error of a server that did not start, with its last words."""
    return RuntimeError(f"did not start: {log.read_text(errors='replace')[-600:]}")


def _accepts(address: Path | int) -> bool:
    family = socket.AF_INET if isinstance(address, int) else socket.AF_UNIX
    with socket.socket(family) as probe:
        place = ("127.0.0.1", address) if isinstance(address, int) else str(address)
        return probe.connect_ex(place) == 0


@contextlib.asynccontextmanager
async def started_redis(*options: str) -> AsyncIterator[int]:
    """Run a private redis-server that keeps nothing; yield its port. Raises Absent."""
    program = find("redis-server", "redis-server")
    with tempfile.TemporaryDirectory(prefix="perftui-redis-") as folder:
        port, log = free_port(), Path(folder) / "log"
        place = ("--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no")
        async with started(program, *place, "--enable-debug-command", "local", *options, log=log) as process:
            await listening(process, port, log)
            yield port


@contextlib.asynccontextmanager
async def started_mariadb() -> AsyncIterator[MariaDBServer]:
    """Run a private mariadbd (root, no password). Raises Absent."""
    for program in ("mariadbd", "mariadb-install-db"):
        find(program, "mariadb-server")
    server = mariadb_server("--skip-networking")
    starting = asyncio.ensure_future(asyncio.to_thread(server.__enter__))
    try:
        yield await asyncio.shield(starting)
    finally:
        await asyncio.wait([starting])
        await asyncio.to_thread(server.__exit__, None, None, None)
