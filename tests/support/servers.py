"""What every test that starts a real server needs: is it installed, a free port, and waiting with a deadline."""

import asyncio
import inspect
import os
import shutil
import socket
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

import pytest


def require(binary: str, package: str) -> str:
    """Return the path of `binary`; without it skip and say what to install, or fail where CI is set."""
    path = shutil.which(binary, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")
    if path is None:
        lacking(f"{binary} is not installed: apt-get install {package}")
    return path


def lacking(message: str) -> NoReturn:
    """Skip the test because something is not installed; fail it where CI is set."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    """Return a TCP port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], deadline: float = 10.0, every: float = 0.02) -> None:
    """Block until `condition` holds; fail after `deadline` seconds."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"not reached within {deadline:g} s: {inspect.getsource(condition).strip()}")
        time.sleep(every)


async def eventually(condition: Callable[[], Awaitable[bool]], deadline: float = 10.0, every: float = 0.02) -> None:
    """Await until `condition` holds; fail after `deadline` seconds."""
    end = time.monotonic() + deadline
    while not await condition():
        if time.monotonic() > end:
            pytest.fail(f"not reached within {deadline:g} s: {inspect.getsource(condition).strip()}")
        await asyncio.sleep(every)
