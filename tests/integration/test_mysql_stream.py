"""Rows that come in parts: all of them, or an end that leaves nothing behind."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from perftui.connect.mysql import MySQLConnection
from perftui.core.errors import SourceError
from tests.support.mariadb_server import MariaDBServer, mariadb_server

pytestmark = pytest.mark.integration
SQL = "SELECT seq AS id, REPEAT('x', 50) AS body FROM mysql.seq_1_to_20000"


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDBServer]:
    with mariadb_server() as running:
        yield running


@contextlib.asynccontextmanager
async def connected(server: MariaDBServer) -> AsyncIterator[MySQLConnection]:
    connection = MySQLConnection(server.options())
    await connection.open()
    try:
        yield connection
    finally:
        await connection.close()


async def test_all_rows_come_in_parts_and_the_connection_goes_on(server: MariaDBServer) -> None:
    async with connected(server) as connection:
        sizes, total = set(), 0
        async with contextlib.aclosing(connection.stream(SQL, 20, size=300)) as chunks:
            async for chunk in chunks:
                assert chunk.names == ("id", "body")
                sizes.add(len(chunk.rows))
                total += len(chunk.rows)
        assert total == 20_000
        assert max(sizes) == 300
        assert await connection.rows("SELECT 1") == ((b"1",),)


async def test_left_before_its_end_it_closes_the_connection(server: MariaDBServer) -> None:
    async with connected(server) as connection:
        async with contextlib.aclosing(connection.stream(SQL, 20)) as chunks:
            async for _ in chunks:
                break
        with pytest.raises(SourceError):
            await connection.rows("SELECT 1")


async def test_the_server_stops_what_takes_too_long(server: MariaDBServer) -> None:
    async with connected(server) as connection:
        slow = "SELECT COUNT(*) FROM mysql.seq_1_to_100000000 a, mysql.seq_1_to_1000 b"
        with pytest.raises(SourceError, match=r"max_statement_time|time"):
            async for _ in connection.stream(slow, 1):
                pass


async def test_a_server_that_dies_meanwhile_is_told() -> None:
    with mariadb_server() as mortal:
        async with connected(mortal) as connection:
            with pytest.raises(SourceError, match=r"sock"):
                async for _ in connection.stream(SQL.replace("20000", "3000000"), 20):
                    mortal.stop()
