import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from perftui.agent.connection import Connection
from perftui.agent.server import LINGER, Server
from perftui.core.clock import ManualClock
from perftui.engine.hub import Hub
from tests.support.servers import eventually


class Bench:
    """A server without an engine: `hello` marks a console, `bye` a quit."""

    def __init__(self, path: Path, *, private: bool = True) -> None:
        self.path = path
        self.clock = ManualClock()
        self.acting = False
        self.hub = Hub()
        self.server = Server(self.hub, self.handle, self.clock, lambda: self.acting, private=private)

    async def handle(self, connection: Connection, method: str, _params: msgspec.Raw) -> object:
        if method == "bye":
            connection.said_bye = True
        connection.is_console = True
        return None

    async def console(self, *methods: str) -> socket.socket:
        """Attach a console that says `methods` and hears the answers."""
        reader, writer = await asyncio.open_unix_connection(self.path)
        for method in methods:
            writer.write(b'{"id":1,"method":"%s"}\n' % method.encode())
            await reader.readline()
        link = writer.get_extra_info("socket").dup()
        writer.close()
        return socket.socket(fileno=link.detach())

    async def alone(self) -> bool:
        return self.server.consoles == 0


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "agent.sock")
    await bench.server.start(bench.path)
    yield bench
    await bench.server.stop()


async def test_a_quit_finishes_a_private_agent_at_once(bench: Bench) -> None:
    assert not bench.server.is_finished()
    (await bench.console("hello", "bye")).close()
    await eventually(bench.alone)
    assert bench.server.is_finished()


async def test_a_hang_up_leaves_it_for_half_an_hour(bench: Bench) -> None:
    (await bench.console("hello")).close()
    await eventually(bench.alone)
    bench.clock.advance(LINGER - 1)
    assert not bench.server.is_finished()
    bench.clock.advance(1)
    assert bench.server.is_finished()


async def test_a_running_action_keeps_it(bench: Bench) -> None:
    bench.acting = True
    (await bench.console("hello", "bye")).close()
    await eventually(bench.alone)
    bench.clock.advance(LINGER * 2)
    assert not bench.server.is_finished()
    bench.acting = False
    assert bench.server.is_finished()


async def test_a_service_never_ends_by_itself(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "service.sock", private=False)
    await bench.server.start(bench.path)
    (await bench.console("hello", "bye")).close()
    await eventually(bench.alone)
    bench.clock.advance(LINGER * 2)
    assert not bench.server.is_finished()
    await bench.server.stop()


def test_only_the_owner_can_reach_a_private_socket(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "agent.sock")

    async def mode() -> int:
        await bench.server.start(bench.path)
        try:
            return bench.path.stat().st_mode & 0o777
        finally:
            await bench.server.stop()

    assert asyncio.run(mode()) == 0o600


async def test_a_dead_socket_is_replaced(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "agent.sock")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(bench.path))
    await bench.server.start(bench.path)
    console = await bench.console("hello")
    assert bench.server.consoles == 1
    console.close()
    await bench.server.stop()
