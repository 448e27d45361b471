import asyncio
import socket
from collections.abc import AsyncIterator

import msgspec
import pytest

from perftui.agent.connection import problem_of
from perftui.client.connection import Connection
from perftui.core.errors import AgentUnavailable, ProtocolError, Refused, RequestFailed
from perftui.core.wire import line


class Wire:
    """The console's end as a Connection, the agent's end as a plain stream."""

    def __init__(self, connection: Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection = connection
        self.reader = reader
        self.writer = writer

    async def answer(self, body: bytes) -> None:
        await self.reader.readline()
        self.writer.write(body + b"\n")


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    ours, theirs = socket.socketpair()
    connection = await Connection.over(ours, lambda method, params: None)
    theirs.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=theirs)
    task = asyncio.create_task(connection.run())
    yield Wire(connection, reader, writer)
    writer.close()
    await asyncio.gather(task, return_exceptions=True)


async def call(wire: Wire, body: bytes) -> int:
    answering = asyncio.create_task(wire.answer(body))
    try:
        return await wire.connection.call("poll", {}, int)
    finally:
        await answering


async def test_a_request_gets_its_answer(wire: Wire) -> None:
    assert await call(wire, b'{"jsonrpc":"2.0","id":1,"result":42}') == 42


async def test_an_error_is_raised_with_its_text(wire: Wire) -> None:
    with pytest.raises(RequestFailed, match="there is no source x"):
        await call(wire, b'{"id":1,"error":{"code":-32000,"message":"there is no source x"}}')


async def test_a_refusal_names_check_and_remedy(wire: Wire) -> None:
    data = b'{"check":"role","reason":"viewers only look","remedy":"ask an admin"}'
    with pytest.raises(Refused) as caught:
        await call(wire, b'{"id":1,"error":{"code":-32001,"message":"m","data":' + data + b"}}")
    assert (caught.value.check, caught.value.remedy, caught.value.breakable) == ("role", "ask an admin", False)


@pytest.mark.parametrize("breakable", [True, False])
async def test_a_refusal_comes_over_the_wire_as_it_was_raised(wire: Wire, breakable: bool) -> None:
    refusal = Refused("limits", "3 targets, and at most 2 are allowed", "narrow it", breakable=breakable)
    raw = line({"id": 1, "error": problem_of(refusal)}).rstrip()
    with pytest.raises(Refused) as caught:
        await call(wire, raw)
    assert vars(caught.value) == vars(refusal)


async def test_who_waits_is_told_when_the_agent_goes(wire: Wire) -> None:
    waiting = asyncio.create_task(wire.connection.call("poll", {}, int))
    await wire.reader.readline()
    wire.writer.close()
    with pytest.raises(AgentUnavailable, match="broke"):
        await waiting


async def test_what_is_no_message_ends_the_connection() -> None:
    ours, theirs = socket.socketpair()
    connection = await Connection.over(ours, lambda method, params: None)
    with theirs:
        theirs.sendall(b"hello?\n")
        with pytest.raises(ProtocolError, match="no JSON-RPC message"):
            await connection.run()


async def test_notifications_reach_the_callback() -> None:
    heard: list[tuple[str, object]] = []
    ours, theirs = socket.socketpair()
    connection = await Connection.over(ours, lambda method, params: heard.append((method, msgspec.json.decode(params))))
    with theirs:
        theirs.sendall(b'{"method":"update","params":{"sequence":1}}\n')
        theirs.shutdown(socket.SHUT_WR)
        await connection.run()
    assert heard == [("update", {"sequence": 1})]
