"""What invalidating 1,000,000 keys costs the others: `python -m tests.bench.bench_invalidate [KEYS]`.

Preview and apply by a pattern, among a quarter as many keys that stay. A second connection PINGs every 2 ms all the
while; its p99 is the figure to keep below 10 ms.
"""

import asyncio
import resource
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from perftui.actions.cache.invalidate import CacheInvalidate
from perftui.config.remedies import ActionRules
from perftui.core.action import Plan
from perftui.core.clock import SystemClock
from tests.bench.pings import watched
from tests.support.redis_server import RedisServer, redis_server
from tests.support.servers import eventually
from tests.unit.actions.stage import ADMIN, Stage

KEYS = 1_000_000
CHUNK = 50_000
_FILL = "for i=tonumber(ARGV[1]),tonumber(ARGV[2]) do redis.call('SET', KEYS[1]..i, ARGV[3]) end"


def fill(server: RedisServer, keys: int) -> None:
    with server.wire() as wire:
        for prefix, number in (("user:", keys), ("page:", keys // 4)):
            for first in range(1, number, CHUNK):
                wire("EVAL", _FILL, 1, prefix, first, min(first + CHUNK - 1, number), "x" * 100)


async def measure(keys: int) -> None:
    with redis_server() as server, tempfile.TemporaryDirectory() as folder:
        fill(server, keys)
        stage = Stage(
            Path(folder),
            lambda ground, _: CacheInvalidate(ground, SystemClock(), verify_after=0.0),
            options=server.options(),
        )
        stage.settings = msgspec.structs.replace(stage.settings, actions=ActionRules(max_share=1.0))
        print(await watched(server, "idle", asyncio.sleep(2.0)))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(await watched(server, "preview", preview(stage)))
        (plan,) = plans
        print(await watched(server, "apply", apply(stage, plan)))
        grew = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(f"this process grew by {grew / 1024:.0f} MiB")


plans: list[Plan] = []


async def preview(stage: Stage) -> None:
    started = time.perf_counter()
    plans.append(await stage.runner.plan("cache.invalidate", "cache-1", {"pattern": "user:*"}))
    print(f"{plans[0].count:,} keys found in {time.perf_counter() - started:.1f} s")


async def apply(stage: Stage, plan: Plan) -> None:
    started = time.perf_counter()
    await stage.runner.apply(plan.id, plan.confirm, ADMIN)
    await eventually(lambda: asyncio.sleep(0, not stage.runner.busy), deadline=600.0, every=0.01)
    (run,) = stage.runner.runs
    print(f"{run.outcome} in {time.perf_counter() - started:.1f} s (estimated {plan.estimate:.1f} s): {run.message}")


if __name__ == "__main__":
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else KEYS))
