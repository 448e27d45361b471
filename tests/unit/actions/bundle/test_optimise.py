"""Which parts the bundles have: memory cleanup by what there is, optimise by what the health report recommends."""

import pytest

from perftui.actions.bundle.health import health_of
from perftui.actions.bundle.optimise import Optimise
from perftui.actions.bundle.parts import Part
from perftui.actions.cleanup.memory import CleanupMemory
from perftui.actions.params import Params, read_params
from perftui.config.kinds import HttpOptions, MySQLOptions, Options, QueueOptions, RedisOptions, SystemOptions
from perftui.config.remedies import FileRule, WarmRecipe
from perftui.config.settings import Settings, SourceSettings
from perftui.core.clock import ManualClock
from perftui.core.errors import Refused
from perftui.core.health import Health
from perftui.core.reading import Reading, Sample
from perftui.core.series import SeriesId
from tests.support.ground import StillGround

CLOCK = ManualClock()
SETTINGS = Settings(
    files={"logs": FileRule(paths=("/var/log/app/*.gz",)), "core": FileRule(paths=("/var/crash/*",))},
    warm={"hot": WarmRecipe(target="cache-1", urls=("http://127.0.0.1:9/",))},
)


def source(name: str, kind: str, options: Options) -> SourceSettings:
    return SourceSettings(name=name, kind=kind, options=options)


@pytest.fixture
def ground() -> StillGround:
    return StillGround(
        SETTINGS,
        source("system", "system", SystemOptions()),
        source("shop", "http", HttpOptions(url="http://127.0.0.1:9/", cleanup="http://127.0.0.1:9/clean")),
        source("blog", "http", HttpOptions(url="http://127.0.0.1:9/")),
        source("orders-db", "mysql", MySQLOptions()),
        source("cache-1", "redis", RedisOptions()),
        source("jobs-1", "redis", RedisOptions(queues=QueueOptions(bullmq=("mail",)))),
    )


def read(ground: StillGround, name: str, **values: float) -> None:
    samples = tuple(Sample(metric.replace("__", "."), value) for metric, value in values.items())
    ground.readings[name] = Reading(source=name, monotonic=0.0, wall=CLOCK.wall(), duration=0.0, samples=samples)


def optimise(ground: StillGround, choose: str = "") -> list[tuple[str, str, bool]]:
    """Return action, target and whether it is left out, of each part."""
    action = Optimise(ground, CLOCK, dict)
    params = read_params(action.info, {"choose": choose})
    return [(part.action, part.target, bool(part.skip)) for part in action.parts(ground.sources["system"], params)]


def sick(ground: StillGround) -> None:
    """Memory, hit rate and slow queries, each beyond its level."""
    read(ground, "system", system__memory__utilization=0.93)
    read(ground, "cache-1", redis__hit_ratio=0.5, redis__lookups=900.0, redis__keys__evicted=0.0)
    read(ground, "orders-db", mysql__query__slow__recent=30.0)


def test_memory_cleanup_has_its_parts_in_order(ground: StillGround) -> None:
    parts = CleanupMemory(ground, CLOCK, dict).parts(ground.sources["system"], Params({}))
    assert [(part.label, part.params) for part in parts] == [
        ("cleanup.expired on cache-1", {}),
        ("cleanup.expired on jobs-1", {}),
        ("cleanup.jobs on jobs-1", {}),
        ("cleanup.temp on system", {}),
        ("cleanup.connections on orders-db", {}),
        ("cleanup.files on system/logs", {"rule": "logs"}),
        ("cleanup.files on system/core", {"rule": "core"}),
        ("cleanup.app on shop", {"type": "memory"}),
    ]


def test_all_that_is_recommended_and_can_be_done_is_what_optimise_does(ground: StillGround) -> None:
    sick(ground)
    assert optimise(ground) == [("cleanup.memory", "system", False), ("cache.warm", "cache-1", False)]


def test_only_the_chosen_ones_and_why_the_others_cannot_be(ground: StillGround) -> None:
    sick(ground)
    assert optimise(ground, "cache.warm:hot") == [("cache.warm", "cache-1", False)]
    assert optimise(ground, " queries:orders-db , gone, gone,") == [
        ("queries:orders-db", "orders-db", True), ("gone", "system", True),
    ]  # fmt: skip


async def test_where_all_is_well_there_is_nothing_to_run(ground: StillGround) -> None:
    read(ground, "system", system__memory__utilization=0.3)
    with pytest.raises(Refused, match="no remedy is called for"):
        await Optimise(ground, CLOCK, dict).plan(ground.sources["system"], Params({}))


def test_the_report_rests_on_the_last_minute_and_on_fresh_readings(ground: StillGround) -> None:
    sick(ground)
    lookups = SeriesId("cache-1", "redis.hit_ratio")
    ground.past[lookups] = [(CLOCK.wall() - 300, 0.0), (CLOCK.wall() - 30, 0.95), (CLOCK.wall() - 20, None)]
    told = health_of(ground, CLOCK)
    assert told.status is Health.CRITICAL
    assert "cache.warm:hot" not in {each.id for each in told.recommendations}, "one bad reading in a good minute"
    ground.stale = set(ground.sources)
    assert health_of(ground, CLOCK).status is Health.UNKNOWN


def test_what_it_recommends_are_actions_that_take_these_parameters(ground: StillGround) -> None:
    from perftui.actions.cache.tune import CacheTune
    from perftui.actions.cache.warm import CacheWarm
    from perftui.actions.cleanup.connections import CleanupConnections
    from perftui.actions.cleanup.files import CleanupFiles
    from perftui.actions.cleanup.temp import CleanupTemp

    known = {each.info.id: each.info for each in (CacheTune, CacheWarm, CleanupConnections, CleanupFiles, CleanupTemp)}
    known["cleanup.memory"] = CleanupMemory.info
    read(ground, "system", system__memory__utilization=0.93, system__filesystem__utilization=0.99)
    read(ground, "orders-db", mysql__connections__utilization=0.99)
    read(ground, "cache-1", redis__hit_ratio=0.5, redis__lookups=900.0)
    read(ground, "jobs-1", redis__hit_ratio=0.5, redis__lookups=900.0, redis__keys__evicted=3.0, redis__memory__max=9e8)
    parts: list[Part] = [*Optimise(ground, CLOCK, dict).parts(ground.sources["system"], Params({}))]
    assert {part.action for part in parts} == set(known)
    for part in parts:
        read_params(known[part.action], part.params)
        assert ground.sources[part.target].kind in known[part.action].kinds
