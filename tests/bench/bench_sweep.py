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
from tests.bench.pings import watched
from tests.support.redis_server import RedisServer, redis_server
from tests.support.servers import eventually
from tests.unit.actions.stage import ADMIN, Stage

KEYS = 1_000_000
CHUNK = 50_000
_FILL = (
    "for i=tonumber(ARGV[1]),tonumber(ARGV[2]) do local k=KEYS[1]..i "
    "if i%2==0 then redis.call('SET',k,ARGV[3],'PX',1) else redis.call('SET',k,ARGV[3],'EX',9999) end end"
)


def fill(server: RedisServer, keys: int) -> None:
    with server.wire() as wire:
        wire("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        for first in range(1, keys, CHUNK):
            wire("EVAL", _FILL, 1, "session:", first, min(first + CHUNK - 1, keys), "x" * 100)


async def measure(keys: int) -> None:
    with redis_server() as server, tempfile.TemporaryDirectory() as folder:
        fill(server, keys)
        print(await watched(server, "idle", asyncio.sleep(2.0)))
        print(await watched(server, "swept", sweep(server, Path(folder))))


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
