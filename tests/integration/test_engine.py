"""The engine over real servers: one that stops is shown, holds nobody up, and comes back by itself."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from perftui.config.kinds import HttpOptions, SystemOptions
from perftui.config.settings import Settings, SourceSettings
from perftui.core.clock import SystemClock
from perftui.core.status import SourceState, SourceStatus
from perftui.engine.engine import Engine
from tests.support.redis_server import RedisServer, redis_server
from tests.support.servers import eventually

pytestmark = pytest.mark.integration
INTERVAL = 0.2


class Watched(Engine):
    """An engine that remembers when each source was read, and what was said of it."""

    def __init__(self, *sources: SourceSettings) -> None:
        super().__init__(Settings(sources=sources, discover=False), SystemClock())
        self.read_at: dict[str, list[float]] = {source.name: [] for source in sources}

    def state(self, name: str) -> SourceState:
        return self.status(name).state

    def status(self, name: str) -> SourceStatus:
        poller = self.pollers[name]
        if name in self.readings and self.readings[name].monotonic not in self.read_at[name]:
            self.read_at[name].append(self.readings[name].monotonic)
        return poller.status

    async def reach(self, name: str, *states: SourceState) -> float:
        """Wait until `name` is in one of `states`, looking at all others meanwhile; return when (monotonic)."""

        async def reached() -> bool:
            return [self.state(each) for each in self.read_at][list(self.read_at).index(name)] in states

        await eventually(reached, deadline=15, every=0.005)
        return SystemClock().monotonic()


@asynccontextmanager
async def watched(*sources: SourceSettings) -> AsyncIterator[Watched]:
    engine = Watched(*sources)
    engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def system() -> SourceSettings:
    return SourceSettings(name="system", kind="system", options=SystemOptions(), interval=INTERVAL)


def redis(server: RedisServer) -> SourceSettings:
    return SourceSettings(name="cache", kind="redis", options=server.options(), interval=INTERVAL)


async def test_a_stopped_server_fails_within_three_intervals_alone_and_recovers_at_the_next_probe() -> None:
    with redis_server() as server:
        async with watched(system(), redis(server)) as engine:
            await engine.reach("cache", SourceState.OK)
            server.stop()
            stopped = SystemClock().monotonic()
            failed = await engine.reach("cache", SourceState.FAILING, SourceState.OPEN)
            assert failed - stopped < 3 * INTERVAL
            await engine.reach("cache", SourceState.OPEN)
            assert "connection refused" in engine.status("cache").error
            server.start()
            await engine.reach("cache", SourceState.OK)
            assert engine.status("cache").error == ""
            gaps = [later - earlier for earlier, later in pairwise(engine.read_at["system"])]
            assert len(gaps) > 5
            assert max(gaps) < 3 * INTERVAL


async def test_a_poll_that_hangs_ends_at_its_deadline_and_delays_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as never_accepts:
        options = HttpOptions(url=f"http://127.0.0.1:{never_accepts.getsockname()[1]}/")
        slow = SourceSettings(name="web", kind="http", options=options, interval=INTERVAL, timeout=1.0)
        async with watched(system(), slow) as engine:
            await engine.reach("web", SourceState.FAILING)
            assert "no answer within 1 s" in engine.status("web").error
            gaps = [later - earlier for earlier, later in pairwise(engine.read_at["system"])]
            assert gaps
            assert max(gaps) < 3 * INTERVAL


async def test_many_sources_are_polled_spread_over_the_interval() -> None:
    sources = [
        SourceSettings(name=f"s{number}", kind="system", options=SystemOptions(processes=False), interval=1.0)
        for number in range(10)
    ]
    async with watched(*sources) as engine:

        async def polled_twice() -> bool:
            return all(poller.status.polls >= 2 for poller in engine.pollers.values())

        await eventually(polled_twice)
        moments = sorted(reading.monotonic % 1.0 for reading in engine.readings.values())
        assert max(later - earlier for earlier, later in pairwise(moments)) < 0.3
