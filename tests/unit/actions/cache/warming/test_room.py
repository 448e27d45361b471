"""When a Redis may be warmed."""

from pathlib import Path

import pytest

from perftui.actions.cache.warming.room import free_memory, refuse_eviction, refuse_role, refuse_too_large
from perftui.config.kinds import RedisOptions
from perftui.core.errors import Refused
from perftui.core.reading import Reading, Sample
from tests.unit.actions.stage import Stage

MIB = 1 << 20


def stage(folder: Path, **samples: float) -> Stage:
    made = Stage(folder)
    made.readings = {
        source: Reading(source=source, monotonic=0.0, wall=0.0, duration=0.0, samples=(Sample(metric, value),))
        for source, metric, value in (
            ("cache-1", "redis.keys.evicted", samples.get("evicted")),
            ("system", "system.linux.memory.available", samples.get("available")),
        )
        if value is not None
    }
    return made


def test_evictions_in_the_sources_own_reading_refuse_unless_it_is_old(tmp_path: Path) -> None:
    ground = stage(tmp_path, evicted=12.0)
    with pytest.raises(Refused, match=r"cache-1 evicts \(12 keys a second\)"):
        refuse_eviction(ground.source, ground, {}, {})
    ground.stale.add("cache-1")
    refuse_eviction(ground.source, ground, {}, {})


def test_evictions_between_two_looks_refuse_and_old_ones_do_not(tmp_path: Path) -> None:
    ground = stage(tmp_path, evicted=0.0)
    refuse_eviction(ground.source, ground, {"evicted_keys": "500"}, {"evicted_keys": "500"})
    with pytest.raises(Refused, match=r"evicts \(7 keys just now\)"):
        refuse_eviction(ground.source, ground, {"evicted_keys": "500"}, {"evicted_keys": "507"})


@pytest.mark.parametrize(
    ("info", "free", "words"),
    [
        ({"maxmemory": str(100 * MIB), "used_memory": str(60 * MIB)}, 40, "of maxmemory 100 MiB"),
        (
            {"maxmemory": str(100 * MIB), "used_memory": str(60 * MIB), "mem_not_counted_for_evict": str(10 * MIB)},
            50,
            "of maxmemory 100 MiB",
        ),
        ({"maxmemory": str(10 * MIB), "used_memory": str(60 * MIB)}, 0, "of maxmemory 10 MiB"),
        ({"total_system_memory": str(500 * MIB), "used_memory_rss": str(60 * MIB)}, 300, "maxmemory is unlimited"),
    ],
)
def test_free_memory_is_of_maxmemory_or_else_of_the_host(
    tmp_path: Path, info: dict[str, str], free: float, words: str
) -> None:
    ground = stage(tmp_path, available=300.0 * MIB)
    found, said = free_memory(ground.source, ground, info)
    assert found == free * MIB
    assert words in said


def test_the_memory_of_this_host_says_nothing_of_a_redis_elsewhere(tmp_path: Path) -> None:
    ground = stage(tmp_path, available=1.0 * MIB)
    ground.source = type(ground.source)(name="cache-1", kind="redis", options=RedisOptions(url="redis://10.0.0.5:6379"))
    assert free_memory(ground.source, ground, {})[0] == float("inf")
    assert free_memory(ground.source, ground, {"total_system_memory": "100", "used_memory_rss": "40"})[0] == 60


def test_a_tenth_stays_free(tmp_path: Path) -> None:
    ground = stage(tmp_path)
    refuse_too_large(ground.source, 90.0, 100.0)
    with pytest.raises(Refused, match="10 % stay free"):
        refuse_too_large(ground.source, 90.1, 100.0)


def test_a_node_of_a_cluster_is_refused(tmp_path: Path) -> None:
    ground = stage(tmp_path)
    with pytest.raises(Refused, match="one node of a cluster"):
        refuse_role(ground.source, {"role": "master", "cluster_enabled": "1"})
