"""What the stage starts: found or named as absent, and ended with its children whatever happens."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import TypeVar

from tests.support.mariadb_server import MariaDBServer, mariadb_server
from tests.support.redis_server import RedisServer, redis_server

STOP_DEADLINE = 10.0
Server = TypeVar("Server")


class Absent(Exception):
    """Something that the stage can do without is not installed; the text says how to get it."""


def find(program: str, package: str) -> str:
    """Return the path of `program`. Raises Absent."""
    path = shutil.which(program, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if path is None:
        raise Absent(f"no {program}: apt-get install {package}")
    return path


async def ended(process: asyncio.subprocess.Process) -> None:
    """End a process that leads a session, and its children: SIGTERM, and SIGKILL for what stays."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), STOP_DEADLINE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def started_redis(**options: str) -> "contextlib.AbstractAsyncContextManager[RedisServer]":
    """Run a private redis-server that keeps nothing. Raises Absent."""
    find("redis-server", "redis-server")
    return in_thread(redis_server(**options))


def started_mariadb() -> "contextlib.AbstractAsyncContextManager[MariaDBServer]":
    """Run a private mariadbd (root, no password). Raises Absent."""
    for program in ("mariadbd", "mariadb-install-db"):
        find(program, "mariadb-server")
    return in_thread(mariadb_server("--skip-networking"))


@contextlib.asynccontextmanager
async def in_thread(server: AbstractContextManager[Server]) -> AsyncIterator[Server]:
    """Enter and leave `server` without blocking the loop; a start that is cancelled is finished and undone."""
    starting = asyncio.ensure_future(asyncio.to_thread(server.__enter__))
    try:
        yield await asyncio.shield(starting)
    finally:
        await asyncio.wait([starting])
        if starting.exception() is None:
            await asyncio.to_thread(server.__exit__, None, None, None)
