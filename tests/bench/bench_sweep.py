"""What a sweep of 1,000,000 keys costs the others: `python -m tests.bench.bench_sweep [KEYS]`.

Half of the keys have expired. A second connection PINGs every 2 ms all the while; its p99 is the figure to keep
below 10 ms.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from perftui.actions.cleanup.expired import CleanupExpired
from perftui.core.clock import SystemClock
from tests.support.redis_server import RedisServer, Wire, redis_server
from tests.support.servers import eventually
from tests.unit.actions.stage import ADMIN, Stage

KEYS = 1_000_000
CHUNK = 50_000
EVERY = 0.002
_FILL = (
    "for i=tonumber(ARGV[1]),tonumber(ARGV[2]) do local k=KEYS[1]..i "
    "if i%2==0 then redis.call('SET',k,ARGV[3],'PX',1) else redis.call('SET',k,ARGV[3],'EX',9999) end end"
)


def fill(server: RedisServer, keys: int) -> None:
    with server.wire() as wire:
        wire("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        for first in range(1, keys, CHUNK):
            wire("EVAL", _FILL, 1, "session:", first, min(first + CHUNK - 1, keys), "x" * 100)


def ping(wire: Wire) -> float:
    started = time.perf_counter()
    wire("PING")
    return time.perf_counter() - started


async def watch(server: RedisServer, taken: list[float], done: asyncio.Event) -> None:
    with server.wire() as wire:
        while not done.is_set():
            taken.append(await asyncio.to_thread(ping, wire))
            await asyncio.sleep(EVERY)


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))] * 1e3


async def measure(keys: int) -> None:
    with redis_server() as server, tempfile.TemporaryDirectory() as folder:
        fill(server, keys)
        idle: list[float] = []
        busy: list[float] = []
        for taken, work in ((idle, asyncio.sleep(2.0)), (busy, sweep(server, Path(folder)))):
            done = asyncio.Event()
            watching = asyncio.create_task(watch(server, taken, done))
            await work
            done.set()
            await watching
    for name, taken in (("idle", idle), ("swept", busy)):
        figures = "  ".join(f"p{share * 100:g} {quantile(taken, share):.2f} ms" for share in (0.5, 0.99, 0.999))
        print(f"PING {name:<6} {figures}  worst {max(taken) * 1e3:.2f} ms  ({len(taken)} pings)")


async def sweep(server: RedisServer, folder: Path) -> None:
    stage = Stage(
        folder, lambda ground, _: CleanupExpired(ground, SystemClock(), verify_after=0.0), options=server.options()
    )
    plan = await stage.plan()
    started = time.perf_counter()
    await stage.runner.apply(plan.id, "y", ADMIN)
    await eventually(lambda: asyncio.sleep(0, not stage.runner.busy), deadline=600.0, every=0.01)
    (run,) = stage.runner.runs
    print(f"{run.outcome} in {time.perf_counter() - started:.1f} s (estimated {plan.estimate:.1f} s): {run.message}")


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else KEYS))
