"""The little system itself: started in order, ended in reverse, whatever happens in between."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from pymysql.err import MySQLError
from redis.exceptions import RedisError

from tests.staging.application import Application
from tests.staging.cache import CacheTraffic
from tests.staging.database import DatabaseLoad
from tests.staging.jobs import Jobs
from tests.staging.processes import Absent, started_mariadb, started_redis
from tests.support.redis_server import RedisServer

Incident = Callable[[], Awaitable[None]]
CONFIG = """\
[sources.cache-1]
kind = "redis"
url = "redis://127.0.0.1:{cache}/0"

[sources.jobs]
kind = "redis"
url = "redis://127.0.0.1:{jobs}/0"
{database}
[sources.orders-api]
kind = "http"
url = "http://127.0.0.1:{application}/stats"
interval = "2s"

[sources.orders-api.metrics."orders.requests"]
path = "requests_total"
counter = true
unit = "1/s"
kind = "rate"
description = "Requests served"

[sources.orders-api.metrics."orders.latency.p95"]
path = "latency_ms.p95"
unit = "s"
scale = 0.001
bad = "up"
description = "95th percentile of the time to answer"

[sources.orders-api.metrics."orders.pool.used"]
path = "pool.used"
unit = "{{connection}}"
bad = "up"
description = "Connections of the pool in use"
"""
DATABASE = """
[sources.orders-db]
kind = "mysql"
socket = "{socket}"
user = "root"
"""
WORKERS = """
[sources.workers]
kind = "supervisor"
url = "unix://{socket}"

[scale.webhook-workers]
source = "workers"
unit = "webhook:worker_{{n}}"
queues = ["webhook"]
max = 4
step = 2
"""
WARM = """
[warm.hot-users]
target = "cache-1"
query = { source = "orders-db", sql = "SELECT id, body FROM shop.users ORDER BY id" }
key = "user:{id}"
value = "body"
ttl = "1h"
"""


class Stage:
    """A cache, job queues, a database and an application, with incidents on demand; `absent` says what is missing."""

    def __init__(self) -> None:
        self.config = Path()
        self.absent: list[str] = []
        self._cache: CacheTraffic | None = None
        self._jobs: Jobs | None = None
        self._database: DatabaseLoad | None = None

    @property
    def incidents(self) -> dict[str, Incident]:
        """What can go wrong here, by name, and `heal`."""
        offered: dict[str, Incident] = {"hit-rate": self._lose_hits}
        if self._cache is not None:
            offered["cold-cache"] = self._cache.forget
        if self._jobs is not None:
            offered["workers-gone"] = self._jobs.dismiss
        if self._database is not None:
            offered |= {"slow-queries": self._database.slow_queries, "lock-pile-up": self._database.lock_pile_up}
        return offered | {"heal": self.heal}

    async def heal(self) -> None:
        """End every incident."""
        if self._cache is not None:
            self._cache.hit_rate = 0.97
            await self._cache.prepare()
        if self._jobs is not None:
            await self._jobs.hire()
        if self._database is not None:
            await self._database.heal()

    async def _lose_hits(self) -> None:
        if self._cache is not None:
            self._cache.hit_rate = 0.6

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Stage"]:
        """Start everything, yield, and end everything."""
        async with contextlib.AsyncExitStack() as ending:
            folder = Path(tempfile.mkdtemp(prefix="perftui-stage-"))
            ending.callback(shutil.rmtree, folder, ignore_errors=True)
            application = Application()
            await application.start()
            ending.push_async_callback(application.stop)
            cache = await ending.enter_async_context(started_redis(maxmemory="64mb"))
            jobs = await ending.enter_async_context(started_redis())
            await self._start_cache(ending, cache)
            await self._start_jobs(ending, jobs.port, folder)
            database = await self._start_database(ending)
            self.config = folder / "perftui.toml"
            ports = {"cache": cache.port, "jobs": jobs.port, "application": application.port}
            workers = WORKERS.format(socket=self._jobs.socket) if self._jobs is not None else ""
            recipe = WARM if database else ""
            self.config.write_text(CONFIG.format(database=database + workers + recipe, **ports))
            yield self

    async def _start_cache(self, ending: contextlib.AsyncExitStack, server: RedisServer) -> None:
        with server.wire() as wire:
            wire("DEBUG", "SET-ACTIVE-EXPIRE", "0")  # leave what expires to whoever cleans it up
        self._cache = CacheTraffic(server.port)
        await self._cache.prepare()
        _go_on(ending, self._cache.run)

    async def _start_jobs(self, ending: contextlib.AsyncExitStack, port: int, folder: Path) -> None:
        try:
            self._jobs = await ending.enter_async_context(Jobs.started(port, folder))
        except Absent as absent:
            self.absent.append(str(absent))

    async def _start_database(self, ending: contextlib.AsyncExitStack) -> str:
        try:
            server = await ending.enter_async_context(started_mariadb())
        except Absent as absent:
            self.absent.append(str(absent))
            return ""
        self._database = DatabaseLoad(server.socket)
        await self._database.prepare()
        _go_on(ending, self._database.run)
        return DATABASE.format(socket=server.socket)


def _go_on(ending: contextlib.AsyncExitStack, load: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.create_task(_insist(load))
    ending.push_async_callback(_end, task)


async def _insist(load: Callable[[], Awaitable[None]]) -> None:
    """Keep up `load` over a server that goes and comes back."""
    while True:
        try:
            await load()
        except* (RedisError, MySQLError, OSError):
            await asyncio.sleep(1)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
