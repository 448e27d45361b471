"""The agent in the foreground, as a service: it says where it listens, serves, and ends quietly."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.agents import attached, write_config
from tests.support.servers import wait_until

pytestmark = pytest.mark.integration


@contextmanager
def service(config: str, path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "perftui.cli.main", "agent", "--socket", str(path), "--config", config, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        wait_until(path.exists)
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "service.sock"


async def test_it_says_where_it_listens_and_ends_on_ctrl_c_without_a_word_more(tmp_path: Path, path: Path) -> None:
    with service(write_config(tmp_path), path) as process, socket.socket(socket.AF_UNIX) as console:
        console.settimeout(5)
        console.connect(str(path))
        console.sendall(b'{"id":1,"method":"hello","params":{}}\n')
        assert b'"private":false' in console.recv(4096)
        os.kill(process.pid, signal.SIGINT)
        told, wrong = process.communicate(timeout=10)
    assert process.returncode == 0
    assert told.startswith(f"perftui agent: listening at {path}")
    assert wrong == ""
    assert not path.exists()


async def test_its_own_read_only_flag_holds_for_everybody(tmp_path: Path, path: Path) -> None:
    config = write_config(tmp_path)
    with service(config, path, "--read-only"):
        async with attached(config, socket=str(path)) as client:
            assert client.state.welcome is not None
            assert client.state.welcome.read_only
            await client.bye()
