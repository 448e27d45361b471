"""A little world in which every action of perftui has something to do, and what each server of it was told to change.

Real Redis, MariaDB, HTTP server, files and process; a stand-in for systemctl, as no systemd runs where tests do.
"""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import pymysql
import pytest

from perftui.actions.cleanup.connections import CleanupConnections
from perftui.collectors.registry import collector_for
from perftui.config.duration import Duration
from perftui.config.kinds import HttpOptions, Options, SystemdOptions, SystemOptions
from perftui.config.remedies import CdnHook, FileRule, HttpCall, Runbook, ScaleGroup, WarmRecipe
from perftui.config.settings import Settings, SourceSettings
from perftui.core.clock import SystemClock
from perftui.core.reading import Reading, Sample, Table
from tests.support.ground import StillGround
from tests.support.http_app import HttpApp, http_app, reply
from tests.support.mariadb_server import MariaDBServer, mariadb_server
from tests.support.redis_server import RedisServer, redis_server
from tests.support.servers import eventually
from tests.support.stand_in_systemctl import StandIn, stand_in

MONTH = 30 * 86400.0
IDLE = 1.0
_JOBS = """
local now = tonumber(ARGV[1])
for i = 1, 20 do
  redis.call('HSET', 'bull:mail:' .. i, 'timestamp', now, 'finishedOn', now - i * 3600000)
  redis.call('ZADD', 'bull:mail:completed', now - i * 3600000, i)
end
redis.call('HSET', 'bull:mail:meta', 'version', 'bullmq:5.81.5')
for i = 1, 50 do redis.call('SET', 'page:' .. i, 'x') end
for i = 1, 500 do redis.call('SET', 'stays:' .. i, 'x', 'EX', 10000) end
"""
_SQL_WRITES = ("Com_kill", "Com_insert", "Com_update", "Com_delete", "Com_replace", "Com_drop_table", "Com_alter_table")


class LaterClock(SystemClock):
    """This machine's clock, a month on, so that what is made now is old; `ahead` lets previews expire."""

    ahead = 0.0

    def wall(self) -> float:
        return time.time() + MONTH

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class World(NamedTuple):
    """Its parts."""

    ground: StillGround
    clock: LaterClock
    redis: RedisServer
    database: MariaDBServer
    app: HttpApp
    systemd: StandIn
    process: subprocess.Popen[bytes]
    folder: Path

    def told(self) -> dict[str, object]:
        """Return what each of them was told to change, as it is counted or remembered there."""
        with self.redis.wire() as wire:
            writes = {bytes(name).decode() for name in _array(wire("COMMAND", "LIST", "FILTERBY", "ACLCAT", "write"))}
            writes |= {"config|set", "eval", "evalsha", "script|load"}
            counted = dict(_calls(bytes(wire("INFO", "commandstats")).decode()))  # type: ignore[arg-type]
        rows = self.database.run("SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Com\\_%'")
        return {
            "redis": {name: calls for name, calls in counted.items() if name in writes},
            "sql": {name: count for name, count in rows if name in _SQL_WRITES},
            "http": [asked.method for asked in self.app.asked if asked.method != "GET"],
            "systemctl": self.systemd.changes,
            "process": (self.process.poll(), os.getpriority(os.PRIO_PROCESS, self.process.pid)),
            "files": sorted(path.name for path in self.folder.rglob("*") if path.is_file()),
        }


def _array(value: object) -> Iterable[bytes]:
    assert isinstance(value, list)
    return value


def _calls(text: str) -> Iterable[tuple[str, int]]:
    for line in text.splitlines():
        if line.startswith("cmdstat_"):
            name, _, fields = line.removeprefix("cmdstat_").partition(":calls=")
            yield name, int(fields.partition(",")[0])


@asynccontextmanager
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Make it, and end all of it."""
    folder = tmp_path / "temp-files"
    folder.mkdir()
    for name in ("old.log", "older.log"):
        (folder / name).write_text("x" * 100)
    (tmp_path / "items.jsonl").write_text('{"key": "page:900", "value": "x"}\n{"key": "page:901", "value": "y"}\n')
    systemd = stand_in(tmp_path, monkeypatch)
    systemd.add("web.service", running=True, reload=True)
    systemd.add("idle.service")
    systemd.add("worker@.service")
    _let_sleepers_be_young(monkeypatch)
    with ExitStack() as ending:
        redis = ending.enter_context(redis_server())
        with redis.wire() as wire:
            wire("EVAL", _JOBS, 0, int(time.time() * 1000))
        database = ending.enter_context(mariadb_server())
        database.run("CREATE USER shop@localhost", "GRANT ALL ON *.* TO shop@localhost")
        sleeper = pymysql.connect(unix_socket=str(database.socket), user="shop")
        ending.callback(sleeper.close)
        process = ending.enter_context(_sleeping())
        async with http_app(reply(200, b'{"freed": 3}')) as app:
            settings = _settings(tmp_path, folder)
            ground = StillGround(settings, *_sources(redis, database, app))
            made = World(ground, LaterClock(), redis, database, app, systemd, process, folder)
            await _read(made)
            await eventually(lambda: _sleeps(database))
            yield made


@contextmanager
def _sleeping() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def _let_sleepers_be_young(monkeypatch: pytest.MonkeyPatch) -> None:
    info = CleanupConnections.info
    idle, *others = info.params
    young = msgspec.structs.replace(idle, least=IDLE, default=f"{IDLE:g}s")
    monkeypatch.setattr(CleanupConnections, "info", msgspec.structs.replace(info, params=(young, *others)))


async def _sleeps(database: MariaDBServer) -> bool:
    """Return whether a connection has slept for so long that it may go."""
    found = await asyncio.to_thread(
        database.run,
        "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'shop' AND command = 'Sleep' AND time > 2",
    )
    return bool(found[0][0])


def _settings(tmp_path: Path, folder: Path) -> Settings:
    hook = HttpCall(url="http://127.0.0.1:9/purge", body='{"paths": {paths}}')
    return Settings(
        files={"logs": FileRule(paths=(f"{folder}/*.log",), older_than=Duration(3600.0))},
        warm={"pages": WarmRecipe(target="cache", file=str(tmp_path / "items.jsonl"))},
        scale={"workers": ScaleGroup(unit="worker@{n}.service", max=4)},
        cdn={"shop": CdnHook(source="app", purge=hook, warm=hook)},
        runbooks={"touch": Runbook(title="Leave a trace", command=("/usr/bin/touch", f"{folder}/trace"))},
    )


def _sources(redis: RedisServer, database: MariaDBServer, app: HttpApp) -> list[SourceSettings]:
    kinds: dict[str, tuple[str, Options]] = {
        "system": ("system", SystemOptions()),
        "cache": ("redis", redis.options()),
        "db": ("mysql", database.options()),
        "app": ("http", HttpOptions(url=app.url, cleanup=f"{app.url}/cleanup")),
        "systemd": ("systemd", SystemdOptions()),
    }
    return [SourceSettings(name=name, kind=kind, options=options) for name, (kind, options) in kinds.items()]


async def _read(made: World) -> None:
    """Let the units be read, and the cache look as if it missed much."""
    collector = collector_for(made.ground.sources["systemd"], made.clock)
    await collector.open()
    made.ground.readings["systemd"] = await collector.poll()
    await collector.close()
    values = {"redis.hit_ratio": 0.4, "redis.lookups": 900.0, "redis.keys.evicted": 0.0}
    queues = Table(columns=("queue", "kind", "version", "paused", "workers"), rows=(("mail", "bullmq", "5", 0, 1),))
    made.ground.readings["cache"] = Reading(
        source="cache",
        monotonic=made.clock.monotonic(),
        wall=made.clock.wall(),
        duration=0.0,
        samples=tuple(Sample(name, value) for name, value in values.items()),
        tables={"queues": queues},
    )


Given = dict[str, str]
WORK: dict[str, tuple[str, Callable[[World], Given]]] = {
    "cleanup.memory": ("system", lambda _: {}),
    "optimise.run": ("system", lambda _: {}),
    "cleanup.expired": ("cache", lambda _: {}),
    "cleanup.jobs": ("cache", lambda _: {"queue": "mail", "older_than": "1h"}),
    "cleanup.temp": ("system", lambda made: {"paths": str(made.folder)}),
    "cleanup.connections": ("db", lambda _: {}),
    "cleanup.files": ("system", lambda _: {"rule": "logs"}),
    "cleanup.app": ("app", lambda _: {}),
    "cache.invalidate": ("cache", lambda _: {"pattern": "page:*"}),
    "cache.warm": ("cache", lambda _: {"recipe": "pages"}),
    "cache.tune": ("cache", lambda _: {"samples": "7"}),
    "cdn.purge": ("app", lambda _: {"hook": "shop", "paths": "/a.png"}),
    "cdn.warm": ("app", lambda _: {"hook": "shop", "paths": "/a.png"}),
    "service.start": ("systemd", lambda _: {"unit": "idle.service"}),
    "service.stop": ("systemd", lambda _: {"unit": "web.service"}),
    "service.restart": ("systemd", lambda _: {"unit": "web.service"}),
    "service.reload": ("systemd", lambda _: {"unit": "web.service"}),
    "service.scale": ("systemd", lambda _: {"group": "workers", "count": "1"}),
    "service.limit": ("systemd", lambda _: {"unit": "web.service", "cpu": "50%"}),
    "process.signal": ("system", lambda made: {"pid": str(made.process.pid)}),
    "process.renice": ("system", lambda made: {"pid": str(made.process.pid), "nice": "5"}),
    "process.ionice": ("system", lambda made: {"pid": str(made.process.pid), "class": "idle"}),
    "runbook.touch": ("system", lambda _: {}),
}
"""Every action, on which source of the world, and with which parameters."""
