"""One connection to a MySQL or MariaDB server, made for watching: read-only, guarded, raw and cheap.

- Rows are tuples of raw bytes (or None). aiomysql's own decoding costs 6 times as much and fails on a statement
  that holds invalid UTF-8; who needs a number calls `float`, who needs text calls `clean`.
- The session is read-only, waits at most a second for a lock, and the server stops a statement of ours after
  STATEMENT_LIMIT (`max_statement_time` on MariaDB; `max_execution_time` on MySQL, which holds for SELECT only), so
  that a cancelled poll leaves nothing running. It takes itself out of the slow-query count.
- A cancelled or overdue statement closes the connection at once: what comes late would answer the next question.

Errors: Unreachable, Denied (naming the privilege that is missing), DeadlineExceeded, BadAnswer.
"""

import asyncio
import re
import struct
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import aiomysql
from pymysql.constants import CLIENT

from perftui.config.address import address_of
from perftui.config.kinds import MySQLOptions
from perftui.connect.mysql_errors import translate
from perftui.connect.plain import network_reason, no_secret, trust
from perftui.core.errors import BadAnswer, ConfigError, DeadlineExceeded, Unreachable
from perftui.core.text import clean

Row = tuple[bytes | None, ...]
Record = dict[str, bytes | None]


class Chunk(NamedTuple):
    """Some rows of a result, with the names of its columns and their types (numbers of the protocol)."""

    names: tuple[str, ...]
    types: tuple[int, ...]
    rows: list[Row]


CONNECT_LIMIT = 5.0
STATEMENT_LIMIT = 5
ANSWER_LIMIT = 10.0
QUIT_LIMIT = 0.5

_GUARDS = "lock_wait_timeout=1, long_query_time=3600, min_examined_row_limit=4294967295"
_NOT_THE_PROTOCOL = (struct.error, IndexError, ValueError, AssertionError, AttributeError)


class MySQLConnection:
    """A connection to one server; `statements` counts what was sent to it since it was made, over all connections."""

    def __init__(self, options: MySQLOptions) -> None:
        self.address = address_of(options)
        self.statements = 0
        self.version = ""
        self._options = options
        self._driver: _Driver | None = None

    @property
    def is_mariadb(self) -> bool:
        """Whether the server is MariaDB; MySQL, Percona and Aurora are not."""
        return "mariadb" in self.version.lower()

    @property
    def release(self) -> tuple[int, ...]:
        """The numbers of the version: `8.0.36-debug` is (8, 0, 36)."""
        return tuple(int(number) for number in re.findall(r"\d+", self.version.partition("-")[0])[:3])

    @property
    def is_mysql_8(self) -> bool:
        """Whether it is MySQL of release 8 or later, whose locks are in performance_schema."""
        return not self.is_mariadb and self.release >= (8,)

    async def open(self) -> None:
        """Connect and guard the session."""
        await self.close()
        self._driver = await self._make_driver()
        try:
            with self._in_plain_words():
                async with asyncio.timeout(CONNECT_LIMIT):
                    await self._driver._connect()
            self.version = clean(self._driver.get_server_info().removeprefix("5.5.5-"), 80)
            limit = f"max_statement_time={STATEMENT_LIMIT}"
            if not self.is_mariadb:
                limit = f"max_execution_time={STATEMENT_LIMIT * 1000}"
            await self.rows(f"SET SESSION {limit}, {_GUARDS}")
            await self.rows("SET SESSION TRANSACTION READ ONLY")
        except BaseException:
            self._drop()
            raise

    async def rows(self, sql: str) -> tuple[Row, ...]:
        """Run one statement and return its rows."""
        _, rows = await self._run(sql)
        return rows

    async def records(self, sql: str) -> list[Record]:
        """Run one statement and return each row by the names of its columns."""
        names, rows = await self._run(sql)
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def stream(self, sql: str, seconds: int, size: int = 500) -> AsyncGenerator[Chunk]:
        """Yield the rows of one statement as they come, none kept; the server stops it after `seconds`.

        Close it (`aclosing`): one that is left before its end closes the connection.
        """
        limit = f"max_statement_time={seconds}" if self.is_mariadb else f"max_execution_time={seconds * 1000}"
        await self.rows(f"SET SESSION {limit}")
        driver = self._driver
        if driver is None:
            raise Unreachable(f"{self.address}: not connected")
        self.statements += 1
        try:
            with self._in_plain_words():
                async with asyncio.timeout(seconds + ANSWER_LIMIT):
                    cursor = await driver.cursor(aiomysql.SSCursor)
                    await cursor.execute(sql)
                    columns = cursor.description or ()
                    names, types = tuple(each[0] for each in columns), tuple(each[1] for each in columns)
                while True:
                    async with asyncio.timeout(ANSWER_LIMIT):
                        rows = await cursor.fetchmany(size)
                    yield Chunk(names, types, rows)
                    if len(rows) < size:
                        break
        except BaseException:
            self._drop()  # the rest of the rows would answer the next question
            raise

    async def close(self) -> None:
        """Say goodbye (else the server counts an aborted client) and close; never raises."""
        driver, self._driver = self._driver, None
        if driver is None or driver.closed:
            return
        try:
            async with asyncio.timeout(QUIT_LIMIT):
                await driver.ensure_closed()
        except (OSError, TimeoutError, aiomysql.Error):
            pass
        finally:
            driver.abort()
        await asyncio.sleep(0)

    async def _run(self, sql: str) -> tuple[list[str], tuple[Row, ...]]:
        driver = self._driver
        if driver is None:
            raise Unreachable(f"{self.address}: not connected")
        self.statements += 1
        try:
            with self._in_plain_words():
                async with asyncio.timeout(ANSWER_LIMIT), driver.cursor() as cursor:
                    await cursor.execute(sql)
                    names = [column[0] for column in cursor.description or ()]
                    return names, tuple(await cursor.fetchall()) if names else ()
        except (asyncio.CancelledError, DeadlineExceeded):
            self._drop()
            raise

    def _drop(self) -> None:
        if self._driver is not None:
            self._driver.abort()

    async def _make_driver(self) -> "_Driver":
        options = self._options
        try:
            password = await options.password.ask() if options.password else ""
            context = await trust(options.ca_file, self.address) if options.ca_file else None
        except ConfigError as error:
            raise no_secret(self.address, error) from error
        return _Driver(
            host=options.host,
            port=options.port,
            unix_socket=options.socket or None,
            user=options.user or None,
            password=password,
            ssl=None if options.socket else context,
            autocommit=True,
            charset="utf8mb4",
            use_unicode=False,
            conv={},
            program_name="perftui",
        )

    @contextmanager
    def _in_plain_words(self) -> Iterator[None]:
        """Turn whatever the driver raises into an error of ours."""
        try:
            yield
        except aiomysql.Error as error:
            raise translate(error, self.address, self._driver.user if self._driver else "") from error
        except TimeoutError as error:
            raise DeadlineExceeded(f"{self.address}: no answer in time") from error
        except OSError as error:
            raise Unreachable(f"{self.address}: {network_reason(error)}") from error
        except _NOT_THE_PROTOCOL as error:
            self._drop()
            raise BadAnswer(f"{self.address}: it does not speak the MySQL protocol") from error


class _Driver(aiomysql.Connection):  # type: ignore[misc]  # aiomysql has no types
    """aiomysql's connection, made by hand so that one that is cancelled while connecting can be closed."""

    async def _request_authentication(self) -> None:
        if self._ssl_context and not self.server_capabilities & CLIENT.SSL:
            # aiomysql would go on in clear text, with the password.
            raise aiomysql.OperationalError(2026, "TLS is configured (ca_file) and the server offers none")
        await super()._request_authentication()

    def abort(self) -> None:
        """Close at once, without waiting for the peer."""
        if self._writer is not None:
            self._writer.transport.abort()
        self.close()
