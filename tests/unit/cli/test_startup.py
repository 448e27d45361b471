"""The start behind the early frame: whatever the host refuses is a line, is tried again, and kills nothing."""

import errno
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perftui.cli import agent_start, startup
from perftui.cli.agent_start import AgentStart
from perftui.cli.startup import Startup
from perftui.client import launch
from perftui.core.errors import AgentUnavailable
from tests.support.terminal import until


def refusing(number: int) -> Callable[..., int]:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "connect", lambda explicit=None: None)


@pytest.fixture
def agent_socket(tmp_path: Path) -> Iterator[tuple[str, list[bytes]]]:
    """A socket where somebody answers each line with `{}` as result; and what was asked."""
    path, asked = str(tmp_path / "agent.sock"), []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    link, _ = listener.accept()
                except OSError:
                    return
                with link, link.makefile("rwb") as file:
                    asked.append(file.readline())
                    file.write(b'{"jsonrpc":"2.0","id":1,"result":{}}\n')

        thread = threading.Thread(target=serve)
        thread.start()
        yield path, asked
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENOSPC])
def test_an_agent_that_cannot_be_started_is_a_line(number: int, alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "start_agent", refusing(number))
    agent = AgentStart(None, None)
    agent.find()
    assert agent.trouble == f"the agent cannot be started: {os.strerror(number)}"
    assert not agent.is_answering()


def test_no_descriptor_for_a_socket_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "connect", refusing(errno.EMFILE))
    monkeypatch.setattr(launch, "start_agent", refusing(errno.EMFILE))
    agent = AgentStart(None, None)
    agent.find()
    assert os.strerror(errno.EMFILE) in agent.trouble


def test_a_runtime_folder_that_is_not_ours_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(explicit: str | None = None) -> None:
        raise AgentUnavailable("/tmp/perftui-0 belongs to another user (uid 7); it is not used")

    monkeypatch.setattr(launch, "connect", refuse)
    monkeypatch.setattr(launch, "start_agent", refuse)
    agent = AgentStart(None, None)
    agent.find()
    assert "belongs to another user" in agent.trouble


def test_the_agent_asked_for_must_be_there(alone: None) -> None:
    with pytest.raises(AgentUnavailable, match="no agent answers at /nowhere"):
        AgentStart("/nowhere", None).find()


def test_an_agent_that_ends_by_itself_is_not_started_in_a_loop(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def start(config: str | None = None) -> int:
        started.append(os.posix_spawn("/bin/false", ["false"], {}))
        return started[-1]

    monkeypatch.setattr(launch, "start_agent", start)
    monkeypatch.setattr(launch, "last_words", lambda: "no room")
    agent = AgentStart(None, None)
    agent.find()
    deadline = time.monotonic() + 10
    while not agent.trouble and time.monotonic() < deadline:
        assert not agent.is_answering()
    assert agent.trouble == "the agent ended: no room"
    assert not agent.is_answering()
    assert len(started) == 1


def test_hello_and_bye(agent_socket: tuple[str, list[bytes]]) -> None:
    path, asked = agent_socket
    agent = AgentStart(path, None)
    agent.find()
    assert agent.is_answering()
    agent.dismiss()
    first, last = (json.loads(line) for line in asked)
    assert (first["method"], first["params"]["read_only"]) == ("hello", True)
    assert (last["method"], last["params"]) == ("bye", {"end": True})


def test_no_more_threads_is_a_line_and_is_tried_again(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(launch, "start_agent", refusing(errno.EAGAIN))
    with monkeypatch.context() as starved:
        starved.setattr(threading.Thread, "start", refuse)
        begun = Startup(AgentStart(None, None), lambda: None)
        begun.begin()
        assert "no more threads or processes" in begun.note
        assert not begun.is_ready()
    monkeypatch.setattr(startup, "RETRY", 0.0)
    assert not begun.is_ready()
    assert "no more threads" not in begun.note
    begun.end()


@pytest.mark.parametrize(
    ("environ", "delay"),
    [({}, "2"), ({"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}, "25"), ({"ESCDELAY": "60"}, "60")],
    ids=["local", "ssh", "the user's own"],
)
def test_how_long_a_lone_escape_waits(
    environ: dict[str, str], delay: str, alone: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch, "start_agent", refusing(errno.EAGAIN))
    monkeypatch.setattr(startup, "import_module", lambda name: None)
    for name in ("ESCDELAY", "SSH_CONNECTION"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    begun = Startup(AgentStart(None, None), lambda: None)
    begun.begin()
    until(lambda: "ESCDELAY" in os.environ, "the delay")
    begun.end()
    assert os.environ["ESCDELAY"] == delay


def test_silence_is_said(alone: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "SILENT", 0.0)
    assert "the agent has been silent for" in Startup(AgentStart(None, None), lambda: None).note
    assert agent_start.SILENT == 4.0
