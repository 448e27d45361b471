"""Going over to new settings, and what is discovered beside them."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from perftui.config.kinds import RedisOptions, SystemOptions
from perftui.config.settings import Settings, SourceSettings
from perftui.core.clock import ManualClock
from perftui.core.errors import Unreachable
from perftui.core.metric import Metric
from perftui.core.reading import Reading
from perftui.engine import engine as module
from perftui.engine.engine import Engine
from tests.support.servers import eventually

FOUND = SourceSettings(
    name="redis-6379", kind="redis", options=RedisOptions(), discovered=True, read_only=True, address="127.0.0.1:6379"
)


class Nobody:
    """A collector of a server that is not there."""

    metrics: tuple[Metric, ...] = ()

    async def open(self) -> None:
        raise Unreachable("nobody there")

    async def close(self) -> None:
        return

    async def poll(self) -> Reading:
        raise Unreachable("nobody there")


@pytest.fixture
async def engine(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    async def discover(settings: Settings, note: Callable[[str], None]) -> tuple[SourceSettings, ...]:
        taken = {source.address for source in settings.sources}
        return () if FOUND.address in taken else (FOUND,)

    monkeypatch.setattr(module, "discover", discover)
    monkeypatch.setattr(module, "collector_for", lambda source, clock: Nobody())
    engine = Engine(settings(), ManualClock())
    engine.start()
    await engine.discovered.wait()
    yield engine
    await engine.stop()


def settings(*sources: SourceSettings, discover: bool = True) -> Settings:
    host = SourceSettings(name="system", kind="system", options=SystemOptions())
    return Settings(sources=(host, *sources), discover=discover)


async def test_what_is_found_is_polled_and_is_read_only_only_as_long_as_the_settings_say_so(engine: Engine) -> None:
    assert list(engine.sources) == ["system", "redis-6379"]
    assert not engine.sources["redis-6379"].read_only


async def test_a_source_that_gets_a_name_is_not_polled_twice(engine: Engine) -> None:
    named = SourceSettings(name="cache-1", kind="redis", options=RedisOptions(), address="127.0.0.1:6379")
    await engine.reload(settings(named))
    assert list(engine.sources) == ["system", "cache-1"]


async def test_discovery_stops_and_starts_with_the_settings(engine: Engine) -> None:
    await engine.reload(settings(discover=False))
    assert list(engine.sources) == ["system"]
    await engine.reload(settings())

    async def found_again() -> bool:
        return "redis-6379" in engine.sources

    await eventually(found_again)


async def test_two_reloads_at_once_end_with_the_settings_of_the_second(engine: Engine) -> None:
    other = SourceSettings(name="other", kind="redis", options=RedisOptions(), address="10.0.0.1:6379")
    await asyncio.gather(engine.reload(settings(other, discover=False)), engine.reload(settings(discover=False)))
    assert list(engine.sources) == ["system"]


async def test_a_note_is_replaced_by_the_next_on_its_subject_and_goes_when_it_is_over(engine: Engine) -> None:
    engine.note("config", "a mistake", "another")
    engine.note("audit", "disk full")
    engine.note("config", "one mistake")
    assert list(engine.notes) == ["one mistake", "disk full"]
    engine.note("config")
    assert list(engine.notes) == ["disk full"]
