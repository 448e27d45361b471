"""The redis collector against private servers: known traffic gives known figures, faults give plain words."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from perftui.collectors.redis import RedisCollector
from perftui.config.kinds import QueueOptions, RedisOptions
from perftui.config.secret import Secret
from perftui.core.catalogue import CATALOGUE
from perftui.core.clock import SystemClock
from perftui.core.errors import Denied, Unreachable
from perftui.core.reading import Reading
from tests.support.redis_server import RedisServer, redis_server
from tests.support.servers import eventually

pytestmark = pytest.mark.integration

READ_ONLY = (
    "-@all +ping +hello +auth +info +dbsize +role +latency|histogram +latency|latest +slowlog|get +slowlog|len "
    "+client|list +client|setname +client|id +config|get +memory|stats +cluster|info +cluster|shards +cluster|slots"
)
QUEUES_TOO = " +llen +zcard +lindex +hmget +scan %R~bull:*"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@asynccontextmanager
async def collecting(options: RedisOptions) -> AsyncIterator[RedisCollector]:
    collector = RedisCollector("cache", options, SystemClock())
    await collector.open()
    try:
        yield collector
    finally:
        await collector.close()


def value(reading: Reading, metric: str, **attributes: str) -> float | None:
    wanted = tuple(sorted(attributes.items()))
    return next((each.value for each in reading.samples if (each.metric, each.attributes) == (metric, wanted)), None)


async def test_73_hits_of_100_lookups_read_73_percent_while_missing_queues_are_polled(server: RedisServer) -> None:
    queues = QueueOptions(bullmq=tuple(f"absent-{number}" for number in range(20)), lists=("nothing",))
    with server.wire() as wire:
        for number in range(73):
            wire("SET", f"key:{number}", "x")
        async with collecting(server.options(queues=queues)) as collector:
            for _ in range(3):
                idle = await collector.poll()
            assert value(idle, "redis.hit_ratio") is None
            assert value(idle, "redis.lookups") == 0
            assert value(idle, "redis.commands") == 0
            assert idle.commands > 200
            for number in range(100):
                wire("GET", f"key:{number}")
            busy = await collector.poll()
            assert value(busy, "redis.hit_ratio") == pytest.approx(0.73, abs=0.001)
            assert value(await collector.poll(), "redis.hit_ratio") is None


async def test_our_own_lookups_of_queues_that_exist_are_taken_out(server: RedisServer) -> None:
    with server.wire() as wire:
        wire("HSET", "bull:q:meta", "opts.maxLenEvents", "10000", "version", "bullmq:5.81.5")
        wire("HSET", "bull:q:7", "timestamp", "1")
        wire("LPUSH", "bull:q:wait", "7")
        wire("ZADD", "bull:q:failed", 1, "5")
        wire("SET", "bull:wrong", "a string where a list should be")
        async with collecting(server.options(queues=QueueOptions(lists=("bull:wrong",)))) as collector:
            for _ in range(6):
                reading = await collector.poll()
            assert value(reading, "redis.lookups") == 0
            assert value(reading, "redis.commands") == 0
            assert "queue bull:wrong" in reading.denied


async def test_everything_it_says_is_in_the_catalogue(server: RedisServer) -> None:
    with server.wire() as wire:
        wire("HSET", "bull:q:meta", "version", "bullmq:5.81.5")
        async with collecting(server.options()) as collector:
            reading = await collector.poll()
            wire("GET", "x")
            reading = await collector.poll()
    assert {sample.metric for sample in reading.samples} <= set(CATALOGUE)
    assert reading.facts["version"].startswith("Redis ")
    assert reading.facts["role"] == "primary"


async def test_a_full_memory_shows_its_share_and_the_refused_writes() -> None:
    with redis_server(maxmemory="3mb", maxmemory_policy="noeviction") as server, server.wire() as wire:
        async with collecting(server.options()) as collector:
            assert value(await collector.poll(), "redis.memory.max") == 3 * 1024 * 1024
            assert value(await collector.poll(), "redis.writes.refused") == 0
            refused = 0
            for number in range(400):
                try:
                    wire("SET", f"key:{number}", b"x" * 10_000)
                except RuntimeError:
                    refused += 1
            reading = await collector.poll()
            assert refused > 0
            assert (value(reading, "redis.writes.refused") or 0) > 0
            assert (value(reading, "redis.memory.utilization") or 0) > 0.9


async def test_evicted_and_expired_keys_and_latency_show(server: RedisServer) -> None:
    async with collecting(server.options()) as collector:
        await collector.poll()
        with server.wire() as wire:
            for number in range(50):
                wire("SET", f"key:{number}", "x", "PX", 1)
            wire("DEBUG", "SLEEP", "0.01")
            for number in range(50):
                wire("GET", f"key:{number}")
            reading = await collector.poll()
    assert (value(reading, "redis.keys.expired") or 0) > 0
    assert 0 < (value(reading, "redis.latency.p95") or 0) <= (value(reading, "redis.latency.p99") or 0) < 1


async def test_the_slow_log_shows_commands_and_nobodys_data(server: RedisServer) -> None:
    with server.wire() as wire:
        wire("CONFIG", "SET", "slowlog-log-slower-than", 0)
        async with collecting(server.options()) as collector:
            await collector.poll()
            wire("SET", "user:1234:alice@example.org", "secret-body")
            wire("SET", "\x1b]0;owned\x07", "secret-body")
            reading = await collector.poll()
    rows = {row[3]: row for row in reading.tables["slowlog"].rows}
    assert rows["SET"][4] in ("user:*:*", "*")
    assert {row[4] for row in reading.tables["slowlog"].rows if row[3] == "SET"} == {"user:*:*", "*"}
    assert "alice" not in str(reading.tables) and "secret" not in str(reading.tables) and "\x1b" not in str(reading)
    assert (value(reading, "redis.slowlog.rate") or 0) > 0


async def test_setting_the_counters_back_gives_no_false_rates(server: RedisServer) -> None:
    with server.wire() as wire:
        async with collecting(server.options()) as collector:
            await collector.poll()
            wire("GET", "x")
            await collector.poll()
            wire("CONFIG", "RESETSTAT")
            for _ in range(50):
                wire("GET", "x")
            reading = await collector.poll()
            assert value(reading, "redis.hit_ratio") is None
            assert value(reading, "redis.commands") is None
            wire("GET", "x")
            assert value(await collector.poll(), "redis.hit_ratio") == 0


async def test_a_stopped_server_is_unreachable_and_a_restarted_one_has_no_false_rates(server: RedisServer) -> None:
    collector = RedisCollector("cache", server.options(), SystemClock())
    await collector.open()
    await collector.poll()
    with server.wire() as wire:
        for _ in range(100):
            wire("GET", "x")
    first = await collector.poll()
    server.stop()
    with pytest.raises(Unreachable, match=f"127.0.0.1:{server.port}"):
        await collector.poll()
    await collector.close()
    with pytest.raises(Unreachable, match=f"127.0.0.1:{server.port}: connection refused"):
        await collector.open()
    server.start()
    await collector.open()
    again = await collector.poll()
    assert again.facts["run_id"] != first.facts["run_id"]
    assert {sample.metric for sample in again.samples if CATALOGUE[sample.metric].kind == "rate"} == set()
    assert all(sample.value >= 0 for sample in (await collector.poll()).samples)
    await collector.close()
    await collector.close()


async def test_a_server_that_hangs_is_left_at_once_and_read_again_later(server: RedisServer) -> None:
    collector = RedisCollector("cache", server.options(), SystemClock())
    await collector.open()
    await collector.poll()
    server.freeze()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await collector.poll()
    async with asyncio.timeout(0.5):
        await collector.close()
    server.thaw()
    await collector.open()
    assert value(await collector.poll(), "redis.commands") is None
    assert value(await collector.poll(), "redis.commands") == 0
    await collector.close()


async def test_missing_and_wrong_credentials_are_denied_without_the_secret() -> None:
    with redis_server(password="right-one") as server:
        for password, words in (("", "needs credentials"), ("wrong-one", "refused the username or password")):
            with pytest.raises(Denied, match=words) as caught:
                async with collecting(server.options(password=password)) as collector:
                    await collector.poll()
            assert "one" not in str(caught.value).replace("127.0.0.1", "")
        async with collecting(server.options(password="right-one")) as collector:
            assert (await collector.poll()).facts["role"] == "primary"


async def test_a_unix_socket_serves_as_well(server: RedisServer) -> None:
    async with collecting(RedisOptions(url=f"unix://{server.socket}")) as collector:
        assert (await collector.poll()).facts["role"] == "primary"


async def test_the_read_only_user_is_enough(server: RedisServer) -> None:
    with server.wire() as wire:
        wire("ACL", "SETUSER", "watch", "on", ">pw", "resetkeys", *(READ_ONLY + QUEUES_TOO).split())
        wire("HSET", "bull:q:meta", "version", "bullmq:6.7.0")
        wire("LPUSH", "bull:q:wait", "1", "2")
        async with collecting(server.options(username="watch", password="pw")) as collector:
            for _ in range(2):
                reading = await collector.poll()
            assert value(reading, "queue.depth", queue="q", kind="bullmq") == 2
            assert value(reading, "redis.memory.used") is not None
            assert value(reading, "redis.slowlog.rate") is not None
            assert reading.denied == {"queue.added": "not permitted: the user needs +get"}
            wire("ACL", "SETUSER", "watch", "+get", "+zcount")
        async with collecting(server.options(username="watch", password="pw")) as collector:
            assert (await collector.poll()).denied == {}


async def test_a_user_without_some_commands_is_degraded_not_failed(server: RedisServer) -> None:
    with server.wire() as wire:
        wire("ACL", "SETUSER", "few", "on", ">pw", "resetkeys", "-@all", "+info")
        async with collecting(server.options(username="few", password="pw")) as collector:
            reading = await collector.poll()
            reading = await collector.poll()
        assert value(reading, "redis.memory.used") is not None
        assert set(reading.denied) == {"slowlog", "redis.latency.p95", "queue.workers", "queue discovery"}
        assert reading.denied["slowlog"] == "not permitted: the user needs +slowlog|get"
        wire("ACL", "SETUSER", "none", "on", ">pw", "resetkeys", "-@all", "+ping")
        with pytest.raises(Denied, match="info"):
            async with collecting(server.options(username="none", password="pw")) as collector:
                await collector.poll()


async def test_a_secret_that_is_not_there_is_said_without_trying(server: RedisServer) -> None:
    options = RedisOptions(url=server.url, password=Secret("env:PERFTUI_TEST_NOT_THERE"))
    with pytest.raises(Denied, match="PERFTUI_TEST_NOT_THERE"):
        await RedisCollector("cache", options, SystemClock()).open()


async def test_a_replica_shows_its_link_and_the_primary_its_lag(server: RedisServer) -> None:
    with redis_server(replicaof=f"127.0.0.1 {server.port}") as replica:
        async with collecting(replica.options()) as copy, collecting(server.options()) as primary:

            async def linked() -> bool:
                return value(await copy.poll(), "redis.replication.link") == 1

            await eventually(linked)
            reading = await primary.poll()
            assert value(reading, "redis.replicas.connected") == 1
            name = f"127.0.0.1:{replica.port}"
            assert value(reading, "redis.replication.lag_bytes", replica=name) is not None
            assert (await copy.poll()).facts["role"] == "replica"
