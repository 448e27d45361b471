"""What the MySQL connection says when it cannot be had."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiomysql
import pytest

from perftui.config.kinds import MySQLOptions
from perftui.config.secret import Secret
from perftui.connect.mysql import MySQLConnection
from perftui.connect.mysql_errors import translate
from perftui.core.errors import BadAnswer, DeadlineExceeded, Denied, SourceError, Unreachable
from tests.support.servers import free_port


@asynccontextmanager
async def speaking(first: bytes, *, hang_up: bool = True) -> AsyncIterator[int]:
    """Yield the port of something that is not MySQL: it says `first`, and may hang up."""
    answering: set[asyncio.Task[None] | None] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError):
            writer.write(first)
            if not hang_up:
                await reader.read()
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*(task for task in answering if task))


@pytest.mark.parametrize("first", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x05\x00\x00\x00\x0a8.0\x00", b"", b"\x00" * 64])
async def test_what_does_not_speak_mysql_gives_one_plain_line(first: bytes) -> None:
    async with speaking(first) as port:
        with pytest.raises((BadAnswer, Unreachable)) as raised:
            await MySQLConnection(MySQLOptions(port=port)).open()
    assert str(raised.value).startswith(f"127.0.0.1:{port}: ")


async def test_a_connection_cancelled_while_it_opens_is_closed() -> None:
    async with speaking(b"", hang_up=False) as port:
        connection = MySQLConnection(MySQLOptions(port=port))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await connection.open()
        await connection.close()
        await connection.close()


async def test_nothing_listening_is_said_in_plain_words() -> None:
    port = free_port()
    with pytest.raises(Unreachable, match=f"127.0.0.1:{port}: connection refused"):
        await MySQLConnection(MySQLOptions(port=port)).open()
    with pytest.raises(Unreachable, match=r"/nowhere/db\.sock: the socket does not exist"):
        await MySQLConnection(MySQLOptions(socket="/nowhere/db.sock")).open()


async def test_a_secret_or_certificate_that_is_missing_is_named() -> None:
    with pytest.raises(Denied, match="env:NO_SUCH_SECRET"):
        await MySQLConnection(MySQLOptions(password=Secret("env:NO_SUCH_SECRET"))).open()
    with pytest.raises(Denied, match=r"ca_file /nowhere\.pem"):
        await MySQLConnection(MySQLOptions(ca_file="/nowhere.pem")).open()


@pytest.mark.parametrize(
    ("number", "message", "kind", "words"),
    [
        (1045, "Access denied for user 'x'@'h' (using password: YES)", Denied, 'refused the user "x"'),
        (1227, "Access denied; you need (at least one of) the PROCESS privilege(s) for", Denied, "needs GRANT PROCESS"),
        (1227, "you need (at least one of) the SUPER, SLAVE MONITOR privilege(s) for", Denied, "GRANT SLAVE MONITOR"),
        (1142, "SELECT command denied to user 'x'@'h' for table 'metadata_locks'", Denied, "SELECT ON metadata_locks"),
        (1142, "SELECT command denied to user 'x'@'h' for table `a`.`b`", Denied, "GRANT SELECT ON a.b"),
        (1040, "Too many connections", Unreachable, "no free connection"),
        (1969, "max_statement_time exceeded", DeadlineExceeded, "took too long"),
        (2013, "Lost connection to MySQL server during query", Unreachable, "Lost connection"),
        (1064, "syntax \x1b[31m", BadAnswer, "error 1064: syntax ␛[31m"),
    ],
)
def test_error_numbers_become_plain_words(number: int, message: str, kind: type[SourceError], words: str) -> None:
    error = translate(aiomysql.OperationalError(number, message), "db:3306", "x")
    assert type(error) is kind
    assert words in str(error)
