"""Failures of the network in plain words, and whom TLS trusts."""

import os
import socket
import threading
from pathlib import Path

import pytest

from perftui.connect import plain
from perftui.connect.plain import network_reason, trust
from perftui.core.errors import ConfigError, DeadlineExceeded
from tests.support.servers import wait_until


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(111, "Connect call failed ('127.0.0.1', 1)"), "connection refused: nothing listens there"),
        (OSError(113, "Connect call failed ('10.0.0.9', 1)"), "no route to host"),
        (
            OSError(
                "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0), [Errno 111] Connect call f"
            ),
            "connection refused: nothing listens there",
        ),
        (socket.gaierror(-2, "Name or service not known"), "its name cannot be resolved: Name or service not known"),
        (OSError("odd \x1b[2J"), "odd ␛[2J"),
    ],
)
def test_reasons(error: OSError, words: str) -> None:
    assert network_reason(error) == words


async def test_certificates_that_cannot_be_read_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"^ca_file /nowhere\.pem: No such file"):
        await trust("/nowhere.pem", "db:3306")
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(ConfigError, match=r"^ca_file .*empty"):
        await trust(f"{tmp_path}/empty.pem", "db:3306")
    monkeypatch.setattr(plain, "TRUST_DEADLINE", 0.05)
    fifo, before = tmp_path / "fifo", threading.active_count()
    os.mkfifo(fifo)
    with pytest.raises(DeadlineExceeded, match=f"^ca_file {fifo} has not answered for "):
        await trust(str(fifo), "db:3306")
    fifo.write_text("")
    wait_until(lambda: threading.active_count() == before)
