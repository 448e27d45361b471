"""How fast a cache is warmed, and what that costs the others: `python -m tests.bench.bench_warm [KEYS] [query|file]`.

200,000 rows of a private MariaDB (or lines of a file) become keys of a private Redis, through the runner. A second
connection, in a process of its own, PINGs every 2 ms all the while: its p99 is the figure to keep below 10 ms.
"""

import asyncio
import contextlib
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from perftui.actions.cache.warm import CacheWarm
from perftui.config.remedies import WarmQuery, WarmRecipe
from perftui.config.settings import Settings, SourceSettings
from perftui.core.clock import SystemClock
from tests.bench.report import Row, table
from tests.support.mariadb_server import mariadb_server
from tests.support.redis_server import RedisServer, Wire, redis_server
from tests.support.servers import eventually
from tests.unit.actions.stage import ADMIN, Stage

KEYS = 200_000
VALUE = 100
EVERY = 0.002


def ping_until_told(port: int, told: Connection) -> None:
    """PING and send back how long each took (seconds) once told to stop."""
    taken = []
    with Wire(port) as wire:
        told.send(None)
        while not told.poll(EVERY):
            started = time.perf_counter()
            wire("PING")
            taken.append(time.perf_counter() - started)
    told.send(taken)


@contextlib.contextmanager
def pings(server: RedisServer, taken: list[float]) -> Iterator[None]:
    """PING the server from a process of its own; what that took is in `taken` at the end."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=ping_until_told, args=(server.port, theirs))
    process.start()
    ours.recv()
    yield
    ours.send(None)
    taken += ours.recv()
    process.join()


def quantile(values: list[float], share: float) -> float:
    """Return a quantile in milliseconds."""
    return sorted(values)[int(share * (len(values) - 1))] * 1e3


@contextlib.contextmanager
def recipe_of(origin: str, keys: int, folder: Path) -> Iterator[tuple[WarmRecipe, tuple[SourceSettings, ...]]]:
    """Make the items, and yield their recipe with the sources that it needs."""
    if origin == "file":
        path = folder / "keys.jsonl"
        lines = (json.dumps({"key": f"user:{each}", "value": f"{each:0{VALUE}}"}) for each in range(1, keys + 1))
        path.write_text("\n".join(lines))
        yield WarmRecipe(target="cache-1", file=str(path)), ()
        return
    with mariadb_server() as database:
        database.run(
            "CREATE DATABASE shop",
            "USE shop",
            f"CREATE TABLE users AS SELECT seq AS id, LPAD(seq, {VALUE}, '0') AS body FROM seq_1_to_{keys}",
        )
        source = SourceSettings(name="orders-db", kind="mysql", options=database.options())
        query = WarmQuery(source="orders-db", sql="SELECT id, body FROM shop.users")
        yield WarmRecipe(target="cache-1", query=query, key="user:{id}", value="body"), (source,)


class WarmStage(Stage):
    """A stage with more sources."""

    more: tuple[SourceSettings, ...] = ()

    @property
    def sources(self) -> dict[str, SourceSettings]:
        return {**super().sources, **{source.name: source for source in self.more}}


async def measure(keys: int, origin: str) -> None:
    """Print the figures."""
    with redis_server() as server, tempfile.TemporaryDirectory() as name, recipe_of(origin, keys, Path(name)) as made:
        stage = WarmStage(
            Path(name), lambda ground, _: CacheWarm(ground, SystemClock(), verify_after=0.0), options=server.options()
        )
        recipe, stage.more = made
        stage.settings = msgspec.structs.replace(Settings(), warm={"users": recipe})
        idle: list[float] = []
        busy: list[float] = []
        with pings(server, idle):
            await asyncio.sleep(2.0)
        began = time.perf_counter()
        plan = await stage.runner.plan("cache.warm", "cache-1", {"recipe": "users"})
        planned = time.perf_counter() - began
        with pings(server, busy):
            began = time.perf_counter()
            await stage.runner.apply(plan.id, "y", ADMIN)
            await eventually(
                lambda: asyncio.sleep(0, stage.runner.runs[0].done is not None), deadline=600.0, every=0.01
            )
            written = time.perf_counter() - began
        await eventually(lambda: asyncio.sleep(0, not stage.runner.busy), deadline=100.0, every=0.01)
    run = stage.runner.runs[0]
    print(f"{origin}: {run.outcome}: {run.message}; proof {run.proof}")
    rows = [
        Row("preview", planned, None, None, "s"),
        Row("keys written", run.applied / written, 20_000, 20_000, "keys/s", more=True),
        Row("PING idle, p99", quantile(idle, 0.99), None, None, "ms"),
        Row("PING meanwhile, median", quantile(busy, 0.5), None, None, "ms"),
        Row("PING meanwhile, p99", quantile(busy, 0.99), 10, 10, "ms"),
        Row("PING meanwhile, worst", max(busy) * 1e3, None, None, "ms"),
    ]
    print(table(rows))


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else KEYS, sys.argv[2] if len(sys.argv) > 2 else "query"))
