"""A shop's database under load, and two ways for it to hurt."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import aiomysql
from pymysql.err import MySQLError

READERS = 8
ROWS = 5000
USERS = 2000
"""Those that the cache keeps: `user:0` to `user:1999`."""
SCHEMA = (
    "CREATE DATABASE shop",
    "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, customer INT, amount INT, note TEXT, KEY (customer))",
    "INSERT INTO shop.orders (customer, amount, note) VALUES "
    + ", ".join(f"({number % 500}, {number % 90}, 'order {number}')" for number in range(ROWS)),
    "CREATE TABLE shop.users (id INT PRIMARY KEY, body TEXT)",
    "INSERT INTO shop.users VALUES " + ", ".join(f"({number}, '{'x' * 400}')" for number in range(USERS)),
    "CREATE USER shop@localhost",
    "GRANT ALL ON shop.* TO shop@localhost",
    "SET GLOBAL long_query_time = 0.2",
    "SET GLOBAL slow_query_log = ON",
)
READ = "SELECT COUNT(*), SUM(amount) FROM shop.orders WHERE customer = %s"
WRITE = "INSERT INTO shop.orders (customer, amount, note) VALUES (%s, 9, 'late order')"
TRIM = f"DELETE FROM shop.orders WHERE id > {ROWS} AND customer < %s LIMIT 200"
REPORT = "SELECT SUM(amount), SLEEP(0.4) FROM shop.orders WHERE note LIKE '%late%'"
ALTER = "ALTER TABLE shop.orders ADD COLUMN colour INT, ALGORITHM=COPY"


class DatabaseLoad:
    """About 80 short reads and 4 writes a second on one MySQL or MariaDB server, as the account of the shop."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._random = random.Random(2)
        self._troubles: list[asyncio.Task[None]] = []
        self._troubled: list[int] = []

    async def prepare(self) -> None:
        """Make the tables and fill them."""
        async with self._cursor(user="root") as cursor:
            for statement in SCHEMA:
                await cursor.execute(statement)

    async def run(self) -> None:
        """Read and write until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(READERS):
                    tasks.create_task(self._repeat(READ, 0.1))
                tasks.create_task(self._repeat(WRITE, 0.25))
                tasks.create_task(self._repeat(TRIM, 20.0))
        finally:
            await self.heal()

    async def slow_queries(self) -> None:
        """Begin a report without an index that takes 0.4 s or more, about twice a second."""
        self._begin(self._report())

    async def lock_pile_up(self) -> None:
        """Leave a transaction open, then change its table: the ALTER waits, and every reader behind the ALTER."""
        self._begin(self._pile_up())

    async def heal(self) -> None:
        """End every trouble, on the server too: a cancelled client leaves its statement running there."""
        for task in self._troubles:
            task.cancel()
        await asyncio.gather(*self._troubles, return_exceptions=True)
        self._troubles.clear()
        for thread in self._troubled:
            with contextlib.suppress(MySQLError, OSError):
                async with self._cursor(user="root") as cursor:
                    await cursor.execute(f"KILL {thread}")
        self._troubled.clear()

    @contextlib.asynccontextmanager
    async def _cursor(self, *, trouble: bool = False, user: str = "shop") -> AsyncIterator[Any]:
        connection = await aiomysql.connect(unix_socket=self._socket, user=user, autocommit=True)
        if trouble:
            self._troubled.append(connection.thread_id())
        try:
            async with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    async def _repeat(self, statement: str, pause: float) -> None:
        async with self._cursor() as cursor:
            while True:
                await cursor.execute(statement, (self._random.randrange(500),))
                await asyncio.sleep(pause)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._troubles.append(asyncio.create_task(work))

    async def _report(self) -> None:
        async with self._cursor(trouble=True) as cursor:
            while True:
                await cursor.execute(REPORT)
                await asyncio.sleep(0.1)

    async def _pile_up(self) -> None:
        async with self._cursor(trouble=True) as forgotten, self._cursor(trouble=True) as altering:
            await forgotten.execute("BEGIN")
            await forgotten.execute("SELECT COUNT(*) FROM shop.orders")
            await altering.execute(ALTER)
