"""Job queues on a private Redis: hand-written keys of each layout, and the real BullMQ of each major."""

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from perftui.collectors.redis import RedisCollector
from perftui.config.kinds import QueueOptions, RedisOptions
from perftui.core.clock import Clock, ManualClock, SystemClock
from perftui.core.reading import Reading
from tests.support.bullmq import BullMQ, installed
from tests.support.redis_server import RedisServer, Wire, redis_server
from tests.support.servers import eventually

pytestmark = pytest.mark.integration

STATES = ("wait", "active", "paused", "prioritized", "delayed", "completed", "failed", "waiting-children")
VERSIONS = ("3.16.2", "4.18.3", "5.81.5", "6.7.0")


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@asynccontextmanager
async def collecting(options: RedisOptions, clock: Clock | None = None) -> AsyncIterator[RedisCollector]:
    collector = RedisCollector("jobs", options, clock or SystemClock())
    await collector.open()
    try:
        yield collector
    finally:
        await collector.close()


def value(reading: Reading, metric: str, queue: str, kind: str = "bullmq", **more: str) -> float | None:
    wanted = tuple(sorted({"queue": queue, "kind": kind, **more}.items()))
    return next((each.value for each in reading.samples if (each.metric, each.attributes) == (metric, wanted)), None)


def jobs(reading: Reading, queue: str) -> dict[str, float | None]:
    return {state: value(reading, "queue.jobs", queue, state=state) for state in STATES}


def write_queue(wire: Wire, name: str | bytes, version: str, *, paused: bool = False) -> None:
    """Write a queue in all states as that version does: 3 wait, 1 active, 2 delayed, 4 completed, 5 failed …"""
    key = b"bull:" + (name.encode() if isinstance(name, str) else name) + b":"
    major = int(version.split(".")[0])
    wire("HSET", key + b"meta", "version", f"bullmq:{version}", "opts.maxLenEvents", "10000")
    waiting = b"paused" if paused and major < 6 else b"wait"
    if paused:
        wire("HSET", key + b"meta", "paused", "1")
    if major < 5:
        wire("RPUSH", key + waiting, "3", "2", "1", "0:0" if major == 4 else "0:1700000000000")
    else:
        wire("RPUSH", key + waiting, "3", "2", "1")
        wire("ZADD", key + b"marker", 0, "0")
    wire("HSET", key + b"1", "timestamp", "1700000000000")
    wire("LPUSH", key + b"active", "4")
    for state, count in {"delayed": 2, "completed": 4, "failed": 5, "waiting-children": 1}.items():
        for number in range(count):
            wire("ZADD", key + state.encode(), 1700000000000 + number, f"{state}-{number}")
    if major > 3:
        wire("ZADD", key + b"prioritized", 1, "8", 2, "9")
    else:
        wire("ZADD", key + b"priority", 5, "3")


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize("version", VERSIONS)
async def test_the_layout_of_each_major(server: RedisServer, version: str, paused: bool) -> None:
    with server.wire() as wire:
        write_queue(wire, "mail", version, paused=paused)
        async with collecting(server.options()) as collector:
            reading = await collector.poll()
    waits_in = "paused" if paused and not version.startswith("6") else "wait"
    prioritized = 0 if version.startswith("3") else 2
    expected = {"active": 1, "delayed": 2, "completed": 4, "failed": 5, "waiting-children": 1}
    expected |= {"wait": 0, "paused": 0, "prioritized": prioritized} | {waits_in: 3}
    assert jobs(reading, "mail") == expected
    assert value(reading, "queue.depth", "mail") == 3 + prioritized
    assert value(reading, "queue.paused", "mail") == paused
    assert reading.tables["queues"].rows[0][:4] == ("mail", "bullmq", version, int(paused))


async def test_the_age_of_the_next_job_is_measured_by_the_servers_clock(server: RedisServer) -> None:
    with server.wire() as wire:
        seconds = wire("TIME")
        assert isinstance(seconds, list) and isinstance(seconds[0], bytes)
        write_queue(wire, "mail", "4.18.3")
        wire("HSET", "bull:mail:1", "timestamp", (int(seconds[0]) - 90) * 1000)
        async with collecting(server.options()) as collector:
            await collector.poll()
            await collector.poll()
            age = value(await collector.poll(), "queue.oldest_age", "mail")
            assert age is not None and 89 < age < 100
            wire("DEL", "bull:mail:wait")
            assert value(await collector.poll(), "queue.oldest_age", "mail") is None


async def test_names_with_escape_sequences_are_made_visible(server: RedisServer) -> None:
    hostile = b"\x1b]0;owned\x07\xff\r\n\xe2\x80\xae"
    with server.wire() as wire:
        write_queue(wire, hostile, "5.81.5")
        async with collecting(server.options(queues=QueueOptions(lists=("\x1b[2J",)))) as collector:
            reading = await collector.poll()
    names = [row[0] for row in reading.tables["queues"].rows]
    assert len(names) == 2
    assert all("\x1b" not in str(name) and "\n" not in str(name) and "\u202e" not in str(name) for name in names)
    assert value(reading, "queue.depth", str(names[0])) == 5


async def test_plain_lists_have_depth_and_drain_time(server: RedisServer) -> None:
    clock = ManualClock()
    with server.wire() as wire:
        wire("RPUSH", "celery", *range(100))
        async with collecting(server.options(queues=QueueOptions(lists=("celery", "none"))), clock) as collector:
            first = await collector.poll()
            assert value(first, "queue.depth", "celery", "list") == 100
            assert value(first, "queue.depth", "none", "list") == 0
            assert value(first, "queue.drain_time", "celery", "list") is None
            wire("LTRIM", "celery", 10, -1)
            clock.advance(1)
            second = await collector.poll()
            assert value(second, "queue.change", "celery", "list") == -10
            assert value(second, "queue.drain_time", "celery", "list") == 9
            wire("RPUSH", "celery", *range(500))
            clock.advance(1)
            assert value(await collector.poll(), "queue.drain_time", "celery", "list") is None


async def test_a_queue_nobody_wrote_yet_is_found_by_its_worker(server: RedisServer) -> None:
    name = base64.b64encode(b"fresh").decode()
    with server.wire() as one, server.wire() as two, server.wire() as listener:
        one("CLIENT", "SETNAME", f"bull:{name}")
        two("CLIENT", "SETNAME", f"bull:{name}:w:second")
        listener("CLIENT", "SETNAME", f"bull:{name}:qe")
        async with collecting(server.options()) as collector:
            reading = await collector.poll()
    assert value(reading, "queue.workers", "fresh") == 2
    assert value(reading, "queue.depth", "fresh") == 0


async def test_workers_are_unknown_where_no_client_may_say_its_name(server: RedisServer) -> None:
    with server.wire() as wire:
        write_queue(wire, "mail", "5.81.5")
        async with collecting(server.options()) as collector:
            assert value(await collector.poll(), "queue.workers", "mail") is None
            wire("DEL", "bull:mail:active")
            assert value(await collector.poll(), "queue.workers", "mail") == 0


async def test_a_replica_does_not_say_that_there_are_no_workers(server: RedisServer) -> None:
    with redis_server() as replica, server.wire() as wire, replica.wire() as other:
        write_queue(wire, "mail", "5.81.5")
        wire("DEL", "bull:mail:active")
        other("REPLICAOF", "127.0.0.1", server.port)
        async with collecting(replica.options(queues=QueueOptions(bullmq=("mail",)))) as collector:

            async def replicated() -> bool:
                return value(await collector.poll(), "queue.depth", "mail") == 5

            await eventually(replicated)
            assert value(await collector.poll(), "queue.workers", "mail") is None


async def test_the_walk_over_many_keys_finds_queues_and_forgets_those_that_went(server: RedisServer) -> None:
    clock = ManualClock()
    with server.wire() as wire:
        wire("DEBUG", "POPULATE", 30_000)
        write_queue(wire, "mail", "5.81.5")
        async with collecting(server.options(), clock) as collector:

            async def seen() -> bool:
                clock.advance(1)
                return value(await collector.poll(), "queue.depth", "mail") is not None

            await eventually(seen)
            wire("FLUSHALL")

            async def gone() -> bool:
                return not await seen()

            await eventually(gone)


async def test_more_queues_than_it_polls_are_counted(server: RedisServer) -> None:
    with server.wire() as wire:
        for number in range(130):
            wire("HSET", f"bull:q{number}:meta", "version", "bullmq:5.81.5")
        async with collecting(server.options(queues=QueueOptions(bullmq=("q129",)))) as collector:
            reading = await collector.poll()
    assert len(reading.tables["queues"].rows) == 100
    assert reading.tables["queues"].rows[0][0] == "q129"
    assert reading.overflow >= 30


@pytest.fixture(params=VERSIONS)
def library(request: pytest.FixtureRequest, server: RedisServer) -> Iterator[BullMQ]:
    version: str = request.param
    installed(version)
    with BullMQ(version, server.port) as bullmq:
        yield bullmq


async def test_counts_equal_those_of_the_real_library(server: RedisServer, library: BullMQ) -> None:
    for order in ("fill", "pause"):
        counts = library(order)
        counts |= {"wait": counts.pop("waiting")} if "waiting" in counts else {}
        async with collecting(server.options()) as collector:
            reading = await collector.poll()
        ours = jobs(reading, "fill")
        assert {state: ours[state] for state in counts if state in ours} == {
            state: count for state, count in counts.items() if state in ours
        }
        assert ours["completed"] == 4 and ours["failed"] == 2 and ours["delayed"] == 2 and ours["waiting-children"] == 1
        assert value(reading, "queue.depth", "fill") == 5
        assert value(reading, "queue.paused", "fill") == (order == "pause")
        age = value(reading, "queue.oldest_age", "fill")
        assert age is None or age < 60


async def test_workers_and_rates_equal_those_of_the_real_library(server: RedisServer, library: BullMQ) -> None:
    assert library("hire") == 2
    library("work 10")
    clock = ManualClock()
    async with collecting(server.options(), clock) as collector:
        reading = await collector.poll()
        assert value(reading, "queue.workers", "manned") == 2
        assert value(reading, "queue.completed", "busy") is None
        library("work 40")
        clock.advance(1)
        reading = await collector.poll()
        assert value(reading, "queue.added", "busy") == 40
        assert value(reading, "queue.completed", "busy") == 36
        assert value(reading, "queue.failed", "busy") == 4
        clock.advance(1)
        assert value(await collector.poll(), "queue.completed", "busy") == 18  # the mean of both seconds


async def test_workers_that_were_killed_are_missed_by_a_collector_that_never_saw_them(
    server: RedisServer, library: BullMQ
) -> None:
    library("toil 1500")
    library.kill()
    await missed_once_its_lock_lapsed(server)


async def test_a_worker_that_may_not_say_its_name_is_not_missed_while_it_renews_its_lock(
    server: RedisServer, library: BullMQ
) -> None:
    left: list[int] = []
    clock = ManualClock()
    with server.wire() as wire:
        wire("ACL", "SETUSER", "default", "-client|setname")
        library("toil 1000")
        async with collecting(server.options(), clock) as collector:

            async def renewed_twice() -> bool:
                clock.advance(2)
                assert value(await collector.poll(), "queue.workers", "toil") is None
                milliseconds = wire("PTTL", "bull:toil:1:lock")
                assert isinstance(milliseconds, int)
                left.append(milliseconds)
                return sum(later > before for before, later in pairwise(left)) >= 2

            await eventually(renewed_twice)
    library.kill()
    await missed_once_its_lock_lapsed(server)


async def missed_once_its_lock_lapsed(server: RedisServer) -> None:
    """Assert that a fresh collector says no worker in the end, and never while the job is locked."""
    clock = ManualClock()
    with server.wire() as wire:
        async with collecting(server.options(), clock) as collector:

            async def missed() -> bool:
                clock.advance(1)
                locked = wire("EXISTS", "bull:toil:1:lock")
                reading = await collector.poll()
                assert value(reading, "queue.jobs", "toil", state="active") == 1
                workers = value(reading, "queue.workers", "toil")
                assert workers is None or (workers == 0 and not wire("EXISTS", "bull:toil:1:lock"))
                return workers == 0 and not locked

            await eventually(missed)
