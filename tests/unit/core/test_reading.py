"""Readings: missing is absent, too much is counted, time is measured."""

import math

import msgspec
import pytest

from perftui.core.clock import ManualClock
from perftui.core.reading import Reading, ReadingBuilder, Sample, Table


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
def test_missing_values_leave_no_sample(missing: float | None) -> None:
    building = ReadingBuilder("cache-1", ManualClock())
    building.add("redis.memory.used", missing)
    building.add("redis.clients", 0)
    assert building.build().samples == (Sample("redis.clients", 0.0),)


def test_a_reading_knows_when_it_was_taken_and_how_long_it_took() -> None:
    clock = ManualClock(monotonic=50.0, wall=1_700_000_000.0)
    building = ReadingBuilder("cache-1", clock)
    clock.advance(0.25)
    reading = building.build()
    assert (building.started, reading.monotonic, reading.duration) == (50.0, 50.25, 0.25)
    assert reading.wall == 1_700_000_000.25


def test_too_many_series_are_counted_and_not_kept() -> None:
    building = ReadingBuilder("cache-1", ManualClock(), max_series=2)
    for queue in "abcde":
        building.add("queue.wait", 1, queue=queue)
    reading = building.build()
    assert [dict(sample.attributes)["queue"] for sample in reading.samples] == ["a", "b"]
    assert reading.overflow == 3


def test_of_a_series_that_comes_twice_the_first_is_kept_and_the_rest_counted() -> None:
    building = ReadingBuilder("api", ManualClock())
    for value, queue in ((1, "a"), (2, "b"), (3, "a")):
        building.add("queue.wait", value, queue=queue, kind="list")
    building.add("queue.wait", 4, kind="list", queue="a")
    building.add("http.up", 1)
    building.add("http.up", 0)
    reading = building.build()
    assert [sample.value for sample in reading.samples] == [1, 2, 1]
    assert reading.overflow == 3


def test_words_tables_and_refusals_travel_with_the_samples() -> None:
    building = ReadingBuilder("orders-db", ManualClock())
    building.fact("version", "10.11")
    building.table("processes", Table(columns=("id",), rows=((7,),), denied=2))
    building.deny("mysql.deadlocks", "needs PROCESS")
    building.commands = 3
    reading = msgspec.json.decode(msgspec.json.encode(building.build()), type=Reading)
    assert reading.facts == {"version": "10.11"}
    assert reading.tables["processes"].denied == 2
    assert reading.denied == {"mysql.deadlocks": "needs PROCESS"}
    assert reading.commands == 3


def test_two_readings_share_nothing_that_can_change() -> None:
    first, second = ReadingBuilder("a", ManualClock()), ReadingBuilder("b", ManualClock())
    first.fact("role", "primary")
    assert second.build().facts == {}
