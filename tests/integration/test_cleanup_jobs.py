"""`cleanup.jobs` on queues as each BullMQ wrote them: it removes what finished long ago, and the queue works on."""

import asyncio
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from perftui.actions.cleanup.jobs import CleanupJobs
from perftui.actions.redis.link import RedisLink
from perftui.config.kinds import QueueOptions
from perftui.core.action import Outcome, Plan, Proof, Run
from perftui.core.clock import ManualClock, SystemClock
from perftui.core.errors import BadAnswer, Denied, Refused
from perftui.core.reading import ReadingBuilder, Table
from tests.support.bullmq import BullMQ, installed
from tests.support.redis_cluster import redis_cluster
from tests.support.redis_server import RedisServer, Wire, redis_server
from tests.support.servers import eventually
from tests.unit.actions.stage import ADMIN, Stage

pytestmark = pytest.mark.integration

VERSIONS = ("3.16.2", "4.18.3", "5.81.5", "6.7.0")
_FILL = """
local now = redis.call('TIME')[1] * 1000
for i = 1, tonumber(ARGV[1]) do
  local job = 'bull:mail:' .. i
  redis.call('HSET', job, 'timestamp', now, 'finishedOn', now - i * 3600000)
  redis.call('RPUSH', job .. ':logs', 'a line')
  redis.call('ZADD', KEYS[1], now - i * 3600000, i)
end
"""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


def stage_for(server: RedisServer, folder: Path, *queues: str, username: str = "", password: str = "") -> Stage:
    options = server.options(username=username, password=password, queues=QueueOptions(bullmq=queues))
    return Stage(folder, lambda ground, _: CleanupJobs(ground, SystemClock(), verify_after=0.0), options=options)


async def planned(stage: Stage, **params: str) -> Plan:
    return await stage.runner.plan("cleanup.jobs", "cache-1", params)


async def applied(stage: Stage, plan: Plan) -> Run:
    await stage.runner.apply(plan.id, "y", ADMIN)
    return await stage.ended(plan)


def fill(wire: Wire, jobs: int = 48, version: str = "bullmq:5.81.5") -> None:
    """Write a queue whose job N completed N hours ago."""
    wire("HSET", "bull:mail:meta", "version", version)
    wire("EVAL", _FILL, 1, "bull:mail:completed", jobs)


def keys(wire: Wire) -> set[bytes]:
    found = wire("KEYS", "*")
    assert isinstance(found, list)
    return {key for key in found if isinstance(key, bytes)}


def ids(wire: Wire, state: str = "completed") -> set[int]:
    found = wire("ZRANGE", f"bull:mail:{state}", 0, -1)
    assert isinstance(found, list)
    return {int(each) for each in found if isinstance(each, bytes)}


@pytest.fixture(params=VERSIONS)
def library(request: pytest.FixtureRequest, server: RedisServer) -> Iterator[BullMQ]:
    version: str = request.param
    installed(version)
    with BullMQ(version, server.port) as bullmq:
        yield bullmq


async def test_a_queue_of_each_major_is_cleaned_and_works_on(
    server: RedisServer, library: BullMQ, tmp_path: Path
) -> None:
    assert library("finish 40")["failed"] == 5
    stage = stage_for(server, tmp_path, "done")
    with server.wire() as wire:
        others = {key for key in keys(wire) if not key.startswith(b"bull:done:job-")}
        plan = await planned(stage, queue="done", state="both", older_than="0s")
        assert plan.count == 41
        run = await applied(stage, plan)
        assert (run.outcome, run.proof, run.applied, run.left) == (Outcome.SUCCEEDED, Proof.HELD, 40, 1), run
        assert [line.label for line in run.lines][1] == "left: part of a flow that goes on"
        assert keys(wire) == others - {b"bull:done:completed"}, "every key of a removed job is gone, and no other"
        assert wire("LLEN", "bull:parents:wait") == 0, "the parent still waits for its child"
        assert wire("ZCARD", "bull:parents:waiting-children") == 1
    assert {state: library("counts")[state] for state in ("completed", "failed", "active")} == {
        "completed": 0,
        "failed": 1,
        "active": 0,
    }
    assert library("again")["completed"] == 3


async def test_the_command_that_is_shown_does_the_same(server: RedisServer, tmp_path: Path) -> None:
    environment = os.environ | {"NODE_PATH": str(installed("5.81.5"))}
    with server.wire() as wire:
        fill(wire)
        plan = await planned(stage_for(server, tmp_path), queue="mail", keep="30")
        command = [*shlex.split(plan.command)]
        done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, timeout=30)
        assert done.returncode == 0, done.stderr
        assert ids(wire) == set(range(1, 31))


async def test_the_newest_to_keep_and_the_young_stay(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        fill(wire)
        stage = stage_for(server, tmp_path)
        plan = await planned(stage, queue="mail", keep="30")
        assert (plan.count, plan.subject) == (18, "mail"), "25 are older than 24 h, of which 7 are kept"
        assert plan.lines[0].before == "48 jobs" and plan.lines[0].after == "30 jobs"
        assert (await applied(stage, plan)).applied == 18
        assert ids(wire) == set(range(1, 31))
        stage.clock.advance(60)
        plan = await planned(stage, queue="mail")
        assert (await applied(stage, plan)).applied == plan.count > 0
        assert ids(wire) == set(range(1, 31 - plan.count))


async def test_what_changed_since_the_preview_is_left(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        fill(wire)
        stage = stage_for(server, tmp_path)
        plan = await planned(stage, queue="mail", older_than="40h")
        assert plan.count == 9
        wire("ZREM", "bull:mail:completed", 48)
        wire("LPUSH", "bull:mail:wait", 48)
        wire("ZADD", "bull:mail:completed", 1, 47)
        wire("SET", "bull:mail:46:lock", "a worker's")
        wire("ZADD", "bull:mail:completed", 2, 1)
        run = await applied(stage, plan)
        assert (run.applied, run.left) == (6, 3)
        assert ids(wire) == {*range(1, 40), 46, 47}
        assert {b"bull:mail:48", b"bull:mail:47", b"bull:mail:46", b"bull:mail:1:logs"} <= keys(wire)


async def test_a_child_that_its_parent_waits_for_is_left(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        fill(wire)
        wire("HSET", "bull:other:1", "timestamp", 1)
        wire("HSET", "bull:mail:48", "parentKey", "bull:other:1")
        wire("HSET", "bull:other:2", "timestamp", 1, "finishedOn", 2)
        wire("HSET", "bull:mail:47", "parentKey", "bull:other:2")
        wire("SADD", "bull:mail:46:dependencies", "bull:other:3")
        stage = stage_for(server, tmp_path)
        run = await applied(stage, await planned(stage, queue="mail"))
        assert run.left == 2
        assert {46, 48} <= ids(wire) and 47 not in ids(wire)


async def test_the_mark_of_a_deduplicated_job_goes_only_while_it_is_its_own(
    server: RedisServer, tmp_path: Path
) -> None:
    with server.wire() as wire:
        fill(wire)
        wire("HSET", "bull:mail:48", "deid", "mine")
        wire("HSET", "bull:mail:47", "deid", "another")
        wire("MSET", "bull:mail:de:mine", 48, "bull:mail:dn:mine", "next", "bull:mail:de:another", 3)
        stage = stage_for(server, tmp_path)
        await applied(stage, await planned(stage, queue="mail"))
        assert {key for key in keys(wire) if key.startswith(b"bull:mail:d")} == {b"bull:mail:de:another"}


@pytest.mark.parametrize("version", ["", "bullmq:7.0.0", "bullmq-pro:7.1.2", "2.0", "bullmq:5"])
async def test_a_queue_of_an_unknown_version_is_refused(server: RedisServer, tmp_path: Path, version: str) -> None:
    with server.wire() as wire:
        fill(wire, version=version)
        if not version:
            wire("HSET", "bull:mail:meta", "concurrency", 4)
            wire("HDEL", "bull:mail:meta", "version")
        with pytest.raises(Refused, match="HSET bull:mail:meta version bullmq:MAJOR"):
            await planned(stage_for(server, tmp_path), queue="mail")


async def test_a_queue_that_is_not_there_is_refused_without_words_that_would_make_it(
    server: RedisServer, tmp_path: Path
) -> None:
    with server.wire() as wire:
        fill(wire)
        stage = stage_for(server, tmp_path, "mail", "reports")
        with pytest.raises(Refused, match=r"there is no queue nope on cache-1; there are mail, reports$"):
            await planned(stage, queue="nope")
        with pytest.raises(Refused, match=r"there is no queue nope on cache-1; none was found there$"):
            await planned(stage_for(server, tmp_path), queue="nope")
        assert (await planned(stage_for(server, tmp_path), queue="mail")).count, "known or not, its meta is there"


async def test_of_all_queues_those_of_unknown_version_are_left_out_and_named(
    server: RedisServer, tmp_path: Path
) -> None:
    with server.wire() as wire:
        fill(wire)
        plan = await planned(stage_for(server, tmp_path, "mail", "old"))
        assert "queue old does not say" in plan.warnings[0]
        assert plan.targets[0] == "mail completed 48"
    with pytest.raises(Refused, match="no BullMQ queue was found"):
        await planned(stage_for(server, tmp_path))


async def test_a_job_named_like_a_part_of_the_queue_is_never_touched(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        fill(wire)
        wire("ZADD", "bull:mail:completed", 1, "meta", 1, "wait")
        stage = stage_for(server, tmp_path)
        run = await applied(stage, await planned(stage, queue="mail", older_than="48h"))
        assert run.applied == 1
        assert b"bull:mail:meta" in keys(wire)


async def test_the_version_that_changed_since_the_preview_stops_it(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        fill(wire)
        stage = stage_for(server, tmp_path)
        plan = await planned(stage, queue="mail")
        wire("HSET", "bull:mail:meta", "version", "bullmq:3.16.2")
        with pytest.raises(Exception, match=r"version was bullmq:5\.81\.5"):
            await stage.runner.apply(plan.id, "y", ADMIN)
        assert len(ids(wire)) == 48


async def test_cancelled_in_the_middle_it_says_how_far_it_came(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        fill(wire, 30_000)
        stage = stage_for(server, tmp_path)
        plan = await planned(stage, queue="mail")
        await stage.runner.apply(plan.id, "y", ADMIN)

        async def under_way() -> bool:
            return (stage.runner.runs[0].fraction or 0.0) > 0.0

        stage.clock.advance(1)
        await eventually(under_way, every=0.001)
        stage.runner.cancel(plan.id, ADMIN)
        run = await stage.ended(plan)
        assert run.outcome is Outcome.CANCELLED and run.message.endswith("cancelled before the end; cancelled by ada")
        assert len(ids(wire)) == 30_000 - run.applied > 0


async def test_a_server_that_dies_meanwhile_is_told_with_what_was_done(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.wire() as wire:
        fill(wire, 1000)
    stage = stage_for(server, tmp_path)
    plan = await planned(stage, queue="mail")
    timed = RedisLink.timed

    async def dying(link: RedisLink, *words: str | bytes | int) -> tuple[float, object]:
        answer = await timed(link, *words)
        if words[0] == "EVAL":
            server.stop()
        return answer

    monkeypatch.setattr(RedisLink, "timed", dying)
    run = await applied(stage, plan)
    assert (run.outcome, run.applied) == (Outcome.PARTIAL, 200)
    assert run.message.startswith(f"200 of {plan.count} jobs removed; ")


async def test_the_rights_that_are_documented_are_enough_and_without_them_nothing_is_done(
    server: RedisServer, tmp_path: Path
) -> None:
    reads = [f"+{name}" for name in ("info", "ping", "time", "hget", "zcard", "zcount", "zrange", "llen")]
    inside = ("zscore", "exists", "type", "hmget", "scard", "sismember", "get", "unlink", "zrem", "xadd")
    writes = ["+eval", *(f"+{name}" for name in inside)]
    with server.wire() as wire:
        fill(wire)
        wire("ACL", "SETUSER", "cleaner", "on", ">secret", "~bull:*", "-@all", *reads)
        stage = stage_for(server, tmp_path, username="cleaner", password="secret")
        plan = await planned(stage, queue="mail")
        run = await applied(stage, plan)
        assert run.outcome is Outcome.FAILED and "no permissions" in run.message.lower(), run.message
        assert len(ids(wire)) == 48
        wire("ACL", "SETUSER", "cleaner", *writes)
        stage = stage_for(server, tmp_path / "again", username="cleaner", password="secret")
        run = await applied(stage, await planned(stage, queue="mail"))
        assert run.outcome is Outcome.SUCCEEDED, run.message
        wire("ACL", "SETUSER", "cleaner", "-zcount")
        with pytest.raises(Denied):
            await planned(stage, queue="mail")


async def test_on_a_node_of_a_cluster_that_has_no_part_of_the_queue_the_right_node_is_named(tmp_path: Path) -> None:
    with redis_cluster() as nodes:
        # The slot of bull:mail:meta; every node answers for it by its own keys or by the name of the owner.
        with nodes[0].wire() as wire:
            slot = wire("CLUSTER", "KEYSLOT", "bull:mail:meta")
        assert isinstance(slot, int)
        owner = nodes[slot * len(nodes) // 16384]
        other = next(node for node in nodes if node is not owner)
        with pytest.raises(BadAnswer, match=f"{other.port} is one node of a cluster, .*use 127.0.0.1:{owner.port}"):
            await planned(stage_for(other, tmp_path), queue="mail")


async def test_the_queues_with_the_most_finished_jobs_are_offered_and_that_of_an_alert_alone(
    server: RedisServer, tmp_path: Path
) -> None:
    stage = stage_for(server, tmp_path, "mail", "empty")
    assert stage.runner.offers("c") == ()
    builder = ReadingBuilder("cache-1", ManualClock())
    for queue, finished in (("mail", 40), ("video", 9000)):
        builder.add("queue.jobs", finished, queue=queue, kind="bullmq", state="completed")
    rows = tuple((queue, "bullmq", "5.81.5", 0, 1) for queue in ("mail", "video", "empty"))
    builder.table("queues", Table(columns=("queue", "kind", "version", "paused", "workers"), rows=rows))
    stage.readings = {"cache-1": builder.build()}
    every, *each = stage.runner.offers("c")
    assert (every.params, every.note) == ({}, "9.04k completed, 0 failed")
    assert [offer.params["queue"] for offer in each] == ["video", "mail"]
    (asked,) = stage.runner.offers("c", params={"queue": "mail"})
    assert (asked.params, asked.note) == ({"queue": "mail"}, "40 completed")
