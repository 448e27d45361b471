"""`cache.warm` on a target that has no room, evicts, refuses, hangs or dies: it stops, and says how far it came."""

import asyncio
import itertools
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from perftui.actions.cache.warm import CacheWarm
from perftui.actions.cache.warming import writer
from perftui.actions.params import Params
from perftui.actions.redis.link import RedisLink
from perftui.connect import redis
from perftui.core.action import Outcome, Run
from perftui.core.clock import SystemClock
from perftui.core.errors import Refused
from tests.support.redis_server import RedisServer, Wire, redis_server
from tests.support.servers import eventually
from tests.support.warming import WarmStage, key_file, stage_for, stat
from tests.unit.actions.stage import ADMIN

pytestmark = pytest.mark.integration


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


async def test_more_than_fits_is_refused_and_what_fits_is_not(tmp_path: Path) -> None:
    with redis_server(maxmemory="4mb", maxmemory_policy="allkeys-lru") as server:
        stage = stage_for(server, tmp_path, file=key_file(tmp_path, 3000, value="x" * 1500))
        with pytest.raises(Refused, match=r"refused by target: the items need about .* and cache-1 has .* free"):
            await stage.plan()
        stage = stage_for(server, tmp_path, file=key_file(tmp_path, 1000, value="x" * 1500))
        assert (await stage.run()).applied == 1000
        with server.wire() as wire:
            assert stat(wire, "evicted_keys") == 0


@pytest.mark.parametrize("size", [10, 100, 1000])
async def test_the_memory_that_it_takes_is_estimated_and_not_too_low(
    server: RedisServer, tmp_path: Path, size: int
) -> None:
    stage = stage_for(server, tmp_path, file=key_file(tmp_path, 8000, value="x" * size))
    action = CacheWarm(stage, SystemClock(), apart=0.0)
    found = await action.plan(stage.source, Params({"recipe": "users"}))
    estimate: float = found.work.memory
    with server.wire() as wire:
        before = used(wire)
        await stage.run()
        taken = used(wire) - before
    assert taken <= estimate <= taken * 1.6


def used(wire: Wire) -> int:
    found = re.search(r"used_memory:(\d+)", bytes(wire("INFO", "memory")).decode())  # type: ignore[arg-type]
    assert found is not None
    return int(found[1])


async def test_a_target_that_evicts_is_refused(tmp_path: Path) -> None:
    with redis_server(maxmemory="3mb", maxmemory_policy="allkeys-random") as server:
        stage = stage_for(server, tmp_path, file=key_file(tmp_path, 10))
        done = threading.Event()
        writing = asyncio.create_task(asyncio.to_thread(write_on, server, done))
        with server.wire() as wire:
            await eventually(lambda: asyncio.sleep(0, stat(wire, "evicted_keys") > 0))
        with pytest.raises(Refused, match=r"evicts .*; give it more memory"):
            await stage.plan()
        done.set()
        await writing


def write_on(server: RedisServer, done: threading.Event) -> None:
    with server.wire() as wire:
        for each in itertools.count():
            if done.is_set():
                return
            wire("SET", f"other:{each}", "y" * 400)


def at_half(stage: WarmStage, monkeypatch: pytest.MonkeyPatch, then: Callable[[], Awaitable[None]]) -> None:
    """Let something happen once half of the batches are written; from then on the target is looked at each time."""
    sent = [0]

    send_packed = RedisLink.send_packed

    async def sending(link: RedisLink, commands: bytes, number: int) -> list[object]:
        sent[0] += number
        if 1000 <= sent[0] < 1000 + number:
            await then()
        return await send_packed(link, commands, number)

    monkeypatch.setattr(RedisLink, "send_packed", sending)
    monkeypatch.setattr(writer, "LOOK_EVERY", 0.0)


async def test_it_stops_when_the_target_begins_to_evict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_server(maxmemory="50mb", maxmemory_policy="allkeys-random") as server:
        stage = stage_for(server, tmp_path, file=key_file(tmp_path, 2000, value="x" * 1000))

        async def shrink() -> None:
            with server.wire() as wire:
                wire("CONFIG", "SET", "maxmemory", "2mb")

        at_half(stage, monkeypatch, shrink)
        run = await stage.run()
    assert run.outcome is Outcome.PARTIAL
    assert re.search(r"[\d,]+ keys written, .*; it began to evict \([\d,]+ keys\)", run.message), run.message
    assert 800 <= run.applied < 2000
    assert ("not written", f"{2000 - run.applied:,}") in [(line.label, line.after) for line in run.lines]


async def test_it_stops_at_the_first_refused_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_server(maxmemory="50mb") as server:
        stage = stage_for(server, tmp_path, file=key_file(tmp_path, 2000, value="x" * 1000))

        async def shrink() -> None:
            with server.wire() as wire:
                wire("CONFIG", "SET", "maxmemory", "1mb")

        at_half(stage, monkeypatch, shrink)
        run = await stage.run()
    assert run.outcome is Outcome.PARTIAL
    assert "it refuses writes: " in run.message
    assert run.applied + run.failed < 2000
    assert run.failed <= 200, "one round at most"


async def test_a_lost_connection_is_told_with_what_was_done(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_for(server, tmp_path, file=key_file(tmp_path, 2000))

    async def die() -> None:
        server.stop()

    at_half(stage, monkeypatch, die)
    run = await stage.run()
    assert run.outcome is Outcome.PARTIAL
    assert "broke off" in run.message
    lines = {line.label: line.after for line in run.lines}
    in_doubt = int(lines["not known"].partition(" ")[0])
    assert 0 < in_doubt <= 200
    assert run.applied + in_doubt + int(lines["not written"].replace(",", "")) == 2000


async def test_a_target_that_hangs_is_told_within_a_deadline(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_for(server, tmp_path, file=key_file(tmp_path, 2000))
    monkeypatch.setattr(redis, "ANSWER_TIMEOUT", 0.3)

    async def freeze() -> None:
        server.freeze()
        asyncio.get_running_loop().call_later(0.6, server.thaw)

    at_half(stage, monkeypatch, freeze)
    run = await stage.run()
    assert run.outcome is Outcome.PARTIAL
    assert f"broke off: no answer from 127.0.0.1:{server.port} in time" in run.message


async def test_it_slows_down_when_the_target_does(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[tuple[float, int]] = []
    timed, send_packed = RedisLink.timed, RedisLink.send_packed

    async def slow(link: RedisLink, *words: str) -> tuple[float, object]:
        took, answer = await timed(link, *words)
        return took + (0.05 if rounds else 0.0), answer

    async def counting(link: RedisLink, commands: bytes, number: int) -> list[object]:
        rounds.append((time.monotonic(), number))
        return await send_packed(link, commands, number)

    stage = stage_for(server, tmp_path, file=key_file(tmp_path, 900))
    monkeypatch.setattr(RedisLink, "timed", slow)
    monkeypatch.setattr(RedisLink, "send_packed", counting)
    assert (await stage.run()).applied == 900
    assert [number for _, number in rounds[:4]] == [200, 100, 50, 50]
    gaps = [later - sooner for (sooner, _), (later, _) in itertools.pairwise(rounds)]
    assert gaps[-1] > 0.2 > 0.02 > gaps[0]


async def test_cancelled_it_stops_between_two_batches(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_for(server, tmp_path, file=key_file(tmp_path, 2000))
    plan = await stage.plan()

    async def cancel() -> None:
        stage.runner.cancel(plan.id, ADMIN)

    at_half(stage, monkeypatch, cancel)
    await stage.runner.apply(plan.id, "y", ADMIN)
    run = await stage.ended(plan)
    assert run.outcome is Outcome.CANCELLED
    with server.wire() as wire:
        assert 1000 <= run.applied < 2000
        assert wire("DBSIZE") == run.applied


async def test_a_replica_is_refused(server: RedisServer, tmp_path: Path) -> None:
    with redis_server(replicaof=f"127.0.0.1 {server.port}") as replica:
        stage = stage_for(replica, tmp_path, file=key_file(tmp_path, 10))
        with pytest.raises(Refused, match=f"warm its primary, 127.0.0.1:{server.port}"):
            await stage.plan()


async def test_missing_rights_fail_and_are_named(tmp_path: Path) -> None:
    with redis_server() as server, server.wire() as wire:
        wire("ACL", "SETUSER", "warmer", "on", ">s3cret-pw", "~*", "+info", "+ping", "+memory|usage", "+client|setname")
        stage = stage_for(server, tmp_path, file=key_file(tmp_path, 500))
        options = server.options(username="warmer", password="s3cret-pw")
        stage.source = msgspec.structs.replace(stage.source, options=options)
        run: Run = await stage.run()
        assert wire("DBSIZE") == 0
    assert run.outcome is Outcome.FAILED
    assert "it refuses writes: " in run.message
    assert "set" in run.message
    assert b"s3cret-pw" not in msgspec.json.encode(run)
