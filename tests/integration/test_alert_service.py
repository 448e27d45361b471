"""Alerts of a service: people are told, once, though it is killed; a private agent tells nobody."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from perftui.client.agent_client import AgentClient
from perftui.core.alert import AlertState
from tests.support.agents import QUIET, attached, end_agents, write_config
from tests.support.servers import eventually, wait_until

pytestmark = pytest.mark.integration
ALWAYS = """
[[rules]]
name = "memory"
above = { warning = 0, critical = "off" }
clear = "off"
for = "0s"
keep_firing_for = "0s"
clear_for = "1s"
"""
NEVER = ALWAYS.replace("warning = 0", 'warning = "99.9%"')


class Message(msgspec.Struct):
    """What a program is told, as far as these tests look at it."""

    id: str
    dedup_key: str
    resolved: bool
    title: str


class Pager:
    """A route whose program appends what it is told to a file."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / name
        self.table = f"""
[notify.{name}]
exec = ["/bin/sh", "-c", "cat >> {self._path}"]
matchers = {{ rule = "memory" }}
group_wait = "1s"
group_interval = "1s"
"""

    @property
    def got(self) -> list[Message]:
        lines = self._path.read_bytes().splitlines(keepends=True) if self._path.exists() else []
        return [msgspec.json.decode(line, type=Message) for line in lines if line.endswith(b"\n")]


@contextmanager
def service(config: str, socket: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the agent in the foreground, not private; kill it in the end."""
    command = [sys.executable, "-m", "perftui.cli.main", "agent", "--socket", str(socket), "--config", config]
    socket.unlink(missing_ok=True)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(socket.exists)
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def socket() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "service.sock"


@pytest.fixture
def private_agents() -> Iterator[None]:
    yield
    end_agents()


async def is_seen(client: AgentClient) -> bool:
    """Return whether the rule fires by what is read now, not only by what was kept."""
    alerts = client.state.alerts.firing
    return any(alert.rule == "memory" and alert.state is AlertState.FIRING for alert in alerts)


async def is_over(client: AgentClient) -> bool:
    """Return whether the rule has fired and does not any more."""
    return any(alert.rule == "memory" for alert in client.state.alerts.log)


async def has_sent(client: AgentClient, count: int) -> bool:
    """Return whether so many messages were sent, which is kept by then."""
    return client.state.alerts.delivery.sent == count


async def test_a_page_is_sent_once_though_the_service_is_killed_and_ends_with_the_incident(
    tmp_path: Path, socket: Path
) -> None:
    pager = Pager(tmp_path, "pager")
    config = write_config(tmp_path, QUIET + ALWAYS + pager.table)
    with service(config, socket) as process:
        async with attached(config, socket=str(socket)) as client:
            await eventually(lambda: has_sent(client, 1))
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    (page,) = pager.got
    assert page.title.startswith("warning: system ")
    with service(config, socket) as process:
        async with attached(config, socket=str(socket)) as client:
            await eventually(lambda: is_seen(client))
        Path(config).write_text(QUIET + NEVER + pager.table)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(pager.got) > 1)
    _, end = pager.got
    assert (end.dedup_key, end.resolved) == (page.dedup_key, True)
    assert end.id != page.id


async def test_a_route_that_is_added_is_told_after_a_sighup(tmp_path: Path, socket: Path) -> None:
    first, second = Pager(tmp_path, "first"), Pager(tmp_path, "second")
    config = write_config(tmp_path, QUIET + ALWAYS + first.table)
    with service(config, socket) as process:
        wait_until(lambda: bool(first.got))
        Path(config).write_text(QUIET + ALWAYS + first.table + second.table)
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: bool(second.got))
    assert [len(pager.got) for pager in (first, second)] == [1, 1]


@pytest.mark.usefixtures("private_agents")
async def test_a_private_agent_tells_nobody_and_says_so(tmp_path: Path) -> None:
    pager = Pager(tmp_path, "pager")
    at_once = pager.table.replace('group_wait = "1s"', 'group_wait = "0s"')
    config = write_config(tmp_path, QUIET + ALWAYS + at_once)
    async with attached(config) as client:
        await eventually(lambda: is_seen(client))
        assert client.state.alerts.delivery.off == "private agents do not notify"
        Path(config).write_text(QUIET + NEVER + at_once)
        await client.reload()
        await eventually(lambda: is_over(client))
    assert pager.got == []
