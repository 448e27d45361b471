"""How many sources one core polls each second: the engine in this process, against servers in others."""

import asyncio
import math
import time

from perftui.config.kinds import HttpMetric, HttpOptions, QueueOptions, RedisOptions
from perftui.config.settings import Settings, SourceSettings
from perftui.core.clock import SystemClock
from perftui.engine.engine import Engine
from tests.bench.endpoint import endpoint
from tests.bench.report import Row
from tests.support.redis_server import redis_server

WARMUP = 5.0
PROBE = 0.01


def measured(http: int, redis: int, seconds: float) -> list[Row]:
    """Poll `http` HTTP sources, then `redis` Redis sources, at 1 Hz for `seconds`; say how well that went."""
    metrics = {"app.n1": HttpMetric(path="n1")}
    rows = []
    with endpoint() as port:
        sources = [
            SourceSettings(
                name=f"h{n}", kind="http", options=HttpOptions(url=f"http://127.0.0.1:{port}/", metrics=metrics)
            )
            for n in range(http)
        ]
        rows += asyncio.run(_polled("HTTP", sources, seconds))
    with redis_server(maxclients="20000") as server:
        options = RedisOptions(url=server.url, queues=QueueOptions(discover=False), slow_log=False)
        sources = [SourceSettings(name=f"r{n}", kind="redis", options=options) for n in range(redis)]
        rows += asyncio.run(_polled("Redis", sources, seconds))
    return rows


async def _polled(kind: str, sources: list[SourceSettings], seconds: float) -> list[Row]:
    engine = Engine(Settings(sources=tuple(sources), discover=False), SystemClock())
    engine.start()
    try:
        await asyncio.sleep(WARMUP)
        polls, cpu, began = _polls(engine), time.process_time(), time.perf_counter()
        lags = await _lags(seconds)
        passed = time.perf_counter() - began
        rate = (_polls(engine) - polls) / passed
        busy = 100 * (time.process_time() - cpu) / passed
    finally:
        await engine.stop()
    lag = sorted(lags)[math.floor(0.99 * (len(lags) - 1))]
    wanted = float(len(sources))
    return [
        Row(f"{kind}: polls a second of {len(sources)} sources", rate, 0.98 * wanted, 0.98 * wanted, "1/s", more=True),
        Row(f"{kind}: loop lag, 99th percentile", 1000 * lag, 50, 50, "ms"),
        Row(f"{kind}: CPU", busy, 100, 100, "% of a core"),
    ]


def _polls(engine: Engine) -> int:
    return sum(poller.status.polls - poller.status.failures for poller in engine.pollers.values())


async def _lags(seconds: float) -> list[float]:
    """Return how late each of many short sleeps ended."""
    lags, end = [], time.perf_counter() + seconds
    while (now := time.perf_counter()) < end:
        await asyncio.sleep(PROBE)
        lags.append(time.perf_counter() - now - PROBE)
    return lags
