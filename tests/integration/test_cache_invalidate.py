"""`cache.invalidate` on real servers: what was planned goes, and nothing else, ever."""

import asyncio
import itertools
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from perftui.actions.cache import finding
from perftui.actions.cache.invalidate import CacheInvalidate
from perftui.actions.contract import Job, make_plan
from perftui.actions.params import read_params
from perftui.actions.redis.link import RedisLink
from perftui.config.kinds import QueueOptions
from perftui.config.remedies import ActionRules
from perftui.core.action import Outcome, Plan, Proof, Risk, Run
from perftui.core.clock import SystemClock
from perftui.core.errors import Refused
from tests.support.redis_cluster import redis_cluster
from tests.support.redis_server import RedisServer, Wire, redis_server
from tests.support.servers import eventually, require
from tests.unit.actions.stage import ADMIN, Stage

pytestmark = pytest.mark.integration

USERS, PAGES = 300, 2700
_FILL = "for i=1,ARGV[1] do redis.call('SET', KEYS[1]..i, ARGV[2]) end"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        with running.wire() as wire:
            wire("EVAL", _FILL, 1, "user:", USERS, "x" * 100)
            wire("EVAL", _FILL, 1, "page:", PAGES, "x")
        yield running


def action_stage(server: RedisServer, folder: Path, username: str = "", password: str = "") -> Stage:
    options = server.options(username=username, password=password)
    stage = Stage(folder, lambda ground, _: CacheInvalidate(ground, SystemClock(), verify_after=0.0), options=options)
    stage.settings = msgspec.structs.replace(stage.settings, actions=ActionRules(max_share=1.0))
    return stage


async def planned(stage: Stage, **params: str) -> Plan:
    return await stage.runner.plan("cache.invalidate", "cache-1", params)


async def applied(stage: Stage, plan: Plan) -> Run:
    await stage.runner.apply(plan.id, plan.confirm, ADMIN)
    return await stage.ended(plan)


def keys(wire: Wire) -> set[bytes]:
    found = wire("KEYS", "*")
    assert isinstance(found, list)
    return {key for key in found if isinstance(key, bytes)}


async def test_a_pattern_takes_what_it_matches_and_the_preview_nothing(server: RedisServer, tmp_path: Path) -> None:
    stage = action_stage(server, tmp_path)
    plan = await planned(stage, pattern="user:*")
    with server.wire() as wire:
        assert wire("DBSIZE") == USERS + PAGES
        assert (plan.count, plan.risk) == (USERS, Risk.MEDIUM)
        assert plan.share == pytest.approx(0.1)
        assert len(plan.targets) == 200 and all(name.startswith("user:") for name in plan.targets)
        lines = {line.label: (line.before, line.after) for line in plan.lines}
        assert lines["keys"] == ("3,000", "2,700")
        assert lines["user:*"] == ("300", "0 of these")
        assert lines["memory that they take"][0].startswith("about 4")
        run = await applied(stage, plan)
        assert (run.outcome, run.proof, run.applied, run.left) == (Outcome.SUCCEEDED, Proof.HELD, USERS, 0), run
        assert wire("DBSIZE") == PAGES
        assert not any(key.startswith(b"user:") for key in keys(wire))
        assert b"keyspace_misses:0\r" in bytes(wire("INFO", "stats"))  # type: ignore[arg-type]


async def test_a_key_a_tag_and_another_database(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        plan = await planned(stage := action_stage(server, tmp_path), key="user:7")
        assert (plan.subject, plan.targets, plan.title) == ("user:7", ("user:7",), "invalidate user:7 on cache-1")
        await applied(stage, plan)
        assert wire("EXISTS", "user:7", "user:8") == 1
        wire("SADD", "tag:news", "page:1", "page:2", "gone")
        stage.clock.advance(60)
        run = await applied(stage, await planned(stage, tag="tag:news"))
        assert (run.applied, run.left) == (2, 1)
        assert wire("EXISTS", "page:1", "page:2", "page:3", "tag:news") == 1
        wire("SELECT", 4)
        wire("SET", "user:1", "elsewhere")
        stage.clock.advance(60)
        await applied(stage, await planned(stage, pattern="user:*", database="4"))
        assert wire("DBSIZE") == 0
        wire("SELECT", 0)
        assert wire("EXISTS", "user:1") == 1


async def test_what_was_tagged_since_the_preview_keeps_its_tag(server: RedisServer, tmp_path: Path) -> None:
    stage = action_stage(server, tmp_path)
    with server.wire() as wire:
        wire("SADD", "tag:news", "page:1", "page:2")
        plan = await planned(stage, tag="tag:news")
        wire("SADD", "tag:news", "page:3")
        await applied(stage, plan)
        assert wire("SMEMBERS", "tag:news") == [b"page:3"]
        assert wire("EXISTS", "page:3") == 1


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "exactly one of"),
        ({"key": "a", "tag": "b"}, "exactly one of"),
        ({"key": "nowhere"}, "no key there for nowhere"),
        ({"pattern": "nowhere:*"}, "no key there"),
        ({"tag": "user:1"}, "user:1 is a string"),
        ({"key": "user:1", "database": "-1"}, "database"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    server: RedisServer, tmp_path: Path, params: dict[str, str], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        await planned(action_stage(server, tmp_path), **params)


@pytest.mark.parametrize("pattern", ["*", "bull:*", "bull:mail:1*"])
async def test_the_state_of_a_queue_is_refused(server: RedisServer, tmp_path: Path, pattern: str) -> None:
    with server.wire() as wire:
        wire("HSET", "bull:mail:meta", "version", "bullmq:5.81.5")
        wire("HSET", "bull:mail:1", "timestamp", 1)
    with pytest.raises(Refused, match="keys of the queue bull:mail are among them"):
        await planned(action_stage(server, tmp_path), pattern=pattern)


async def test_a_list_that_is_a_queue_is_refused(server: RedisServer, tmp_path: Path) -> None:
    stage = action_stage(server, tmp_path)
    options = server.options(queues=QueueOptions(lists=("user:list",)))
    stage.source = msgspec.structs.replace(stage.source, options=options)
    with server.wire() as wire:
        wire("RPUSH", "user:list", "job")
    with pytest.raises(Refused, match="user:list is a queue"):
        await planned(stage, pattern="user:*")


async def test_many_of_all_keys_are_a_high_risk_and_our_own_are_left_out(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        wire("SET", "perftui:lease", "mine")
    plan = await planned(action_stage(server, tmp_path), pattern="*e*")
    assert (plan.count, plan.risk, plan.confirm) == (USERS + PAGES, Risk.HIGH, "cache-1")


async def test_more_keys_than_one_action_may_touch_are_refused(server: RedisServer, tmp_path: Path) -> None:
    stage = action_stage(server, tmp_path)
    stage.settings = msgspec.structs.replace(stage.settings, actions=ActionRules(max_targets=100))
    with pytest.raises(Refused, match="more than 100 keys match"):
        await planned(stage, pattern="user:*")


async def test_a_scan_that_takes_too_long_says_how_far_it_came_and_which_setting_it_is(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = action_stage(server, tmp_path)
    stage.rule(scan_seconds=2)
    assert stage.runner._actions["cache.invalidate"].plan_deadline > 2
    late = itertools.count()
    monkeypatch.setattr(SystemClock, "monotonic", lambda _: float(next(late)))
    monkeypatch.setattr(finding, "rest", lambda *_: asyncio.sleep(0))
    with pytest.raises(Refused, match=r"[\d,]+ of 3,000 keys looked at in 2 s, .*raise scan_seconds in \[actions\]"):
        await planned(stage, pattern="user:*")


async def test_between_two_steps_of_a_scan_it_rests_as_long_as_it_worked(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "SCAN_COUNT", 100)
    rests: list[float] = []

    async def rest(_never: asyncio.Event, pause: float) -> None:
        rests.append(pause)

    clock = SystemClock()
    add = finding.Keys._add

    def slow(self: finding.Keys, keys: Iterable[bytes]) -> None:
        add(self, keys)
        until = clock.monotonic() + 0.01
        while clock.monotonic() < until:
            pass

    monkeypatch.setattr(finding, "rest", rest)
    monkeypatch.setattr(finding.Keys, "_add", slow)
    await planned(action_stage(server, tmp_path), pattern="user:*")
    assert rests and all(pause >= 0.01 for pause in rests)


async def test_a_replica_is_refused(server: RedisServer, tmp_path: Path) -> None:
    with (
        redis_server(replicaof=f"127.0.0.1 {server.port}") as replica,
        pytest.raises(Refused, match=f"do it on its primary, 127.0.0.1:{server.port}"),
    ):
        await planned(action_stage(replica, tmp_path), key="user:1")


@pytest.mark.parametrize("params", [{"pattern": "user:*"}, {"key": "user:1"}, {"tag": "tag:it's"}])
async def test_the_command_that_is_shown_does_the_same(
    server: RedisServer, tmp_path: Path, params: dict[str, str]
) -> None:
    require("redis-cli", "redis-tools")
    with server.wire() as wire:
        wire("SADD", "tag:it's", "page:1", "page:2")
        plan = await planned(action_stage(server, tmp_path), **params)
        done = await asyncio.to_thread(
            subprocess.run, plan.command, shell=True, capture_output=True, text=True, timeout=30
        )
        assert (done.returncode, done.stderr) == (0, "")
        tag = 0 if "tag" in params else 1
        assert wire("DBSIZE") == USERS + PAGES - plan.count + tag


async def test_cancelled_in_the_middle_it_stops_between_two_batches(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        wire("EVAL", _FILL, 1, "many:", 60_000, "x")
        stage = action_stage(server, tmp_path)
        plan = await planned(stage, pattern="many:*")
        await stage.runner.apply(plan.id, plan.confirm, ADMIN)

        async def under_way() -> bool:
            return (stage.runner.runs[0].fraction or 0.0) > 0.0

        stage.clock.advance(1)
        await eventually(under_way, every=0.001)
        stage.runner.cancel(plan.id, ADMIN)
        run = await stage.ended(plan)
        assert run.outcome is Outcome.CANCELLED
        assert wire("DBSIZE") == USERS + PAGES + 60_000 - run.applied > USERS + PAGES


async def test_a_server_that_dies_meanwhile_is_told_with_what_was_done(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = action_stage(server, tmp_path)
    plan = await planned(stage, pattern="user:*")
    command = RedisLink.command

    async def dying(link: RedisLink, *words: str | bytes | int) -> object:
        answer = await command(link, *words)
        if words[0] == "UNLINK":
            server.stop()
        return answer

    monkeypatch.setattr(RedisLink, "command", dying)
    run = await applied(stage, plan)
    assert (run.outcome, run.applied) == (Outcome.PARTIAL, 200)
    assert run.message.startswith("200 keys removed; ")


async def test_the_rights_that_are_documented_are_enough(server: RedisServer, tmp_path: Path) -> None:
    needed = "+info +ping +dbsize +memory|usage +type +unlink +scan +sscan +srem +multi +exec"
    with server.wire() as wire:
        wire("SADD", "tag:news", "page:1")
        wire("ACL", "SETUSER", "purger", "on", ">secret", "~*", "-@all", *needed.split())
        stage = action_stage(server, tmp_path, username="purger", password="secret")
        for params in ({"pattern": "user:*"}, {"tag": "tag:news"}, {"key": "page:5"}):
            run = await applied(stage, await planned(stage, **params))
            assert run.outcome is Outcome.SUCCEEDED and run.applied == run.plan.count, run.message
            stage.clock.advance(60)
        wire("ACL", "SETUSER", "purger", "-unlink")
        run = await applied(stage, await planned(stage, key="page:6"))
        assert (run.outcome, run.applied) == (Outcome.FAILED, 0)
        assert wire("EXISTS", "page:6") == 1


async def test_every_primary_of_a_cluster_is_reached(tmp_path: Path) -> None:
    with redis_cluster() as nodes:
        spread(nodes, [f"user:{number}" for number in range(600)] + [f"page:{number}" for number in range(2400)])
        spread_tag(nodes, "tag:news", ["page:1", "page:2", "page:3", "page:4", "nowhere"])
        stage = action_stage(nodes[1], tmp_path)
        plan = await planned(stage, pattern="user:*")
        assert plan.count == 600
        assert plan.lines[0].before == "3,001"
        assert plan.identity["address"].count(",") == 2
        assert plan.command.count("--scan") == 3
        run = await applied(stage, plan)
        assert (run.outcome, run.proof, run.applied) == (Outcome.SUCCEEDED, Proof.HELD, 600), run
        assert all(not any(key.startswith(b"user:") for key in found) for found in contents(nodes))
        assert sum(len(found) for found in contents(nodes)) == 2401
        stage.clock.advance(60)
        run = await applied(stage, await planned(stage, tag="tag:news"))
        assert (run.applied, run.left) == (4, 1)
        assert sum(len(found) for found in contents(nodes)) == 2396
        with pytest.raises(Refused, match="database 0 alone"):
            await planned(stage, pattern="page:*", database="3")


async def test_a_slot_that_moved_since_the_connection_leaves_its_keys_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with redis_cluster() as nodes:
        spread(nodes, [f"user:{number}" for number in range(60)])
        stage = action_stage(nodes[0], tmp_path)
        plan = await planned(stage, pattern="user:*")
        pipeline = RedisLink.pipeline
        foreign = min(contents(nodes)[0])

        async def answering(link: RedisLink, commands: list[tuple[str | bytes | int, ...]]) -> list[object]:
            """Let one node answer as it does for a slot that has moved away."""
            if link.where.port != nodes[2].port:
                return await pipeline(link, commands)
            return await pipeline(link, [("UNLINK", foreign)] * len(commands))

        monkeypatch.setattr(RedisLink, "pipeline", answering)
        run = await applied(stage, plan)
        stayed = sum(len(found) for found in contents(nodes))
        assert (run.outcome, run.failed) == (Outcome.PARTIAL, stayed)
        assert run.applied == 60 - stayed
        assert f"slots have moved away from 127.0.0.1:{nodes[2].port}" in run.message


def spread(nodes: list[RedisServer], names: list[str]) -> None:
    """Write keys to whichever node takes them."""
    for name in names:
        put(nodes, "SET", name, "x")


def spread_tag(nodes: list[RedisServer], tag: str, members: list[str]) -> None:
    put(nodes, "SADD", tag, *members)


def put(nodes: list[RedisServer], *command: str) -> None:
    for node in nodes:
        try:
            with node.wire() as wire:
                wire(*command)
            return
        except RuntimeError as error:
            assert str(error).startswith("MOVED")
    raise AssertionError("no node takes it")


def contents(nodes: list[RedisServer]) -> list[set[bytes]]:
    found = []
    for node in nodes:
        with node.wire() as wire:
            found.append(keys(wire))
    return found


# Preview equals effect, whatever the keys are and whatever others do meanwhile.

_PART = some.binary(min_size=1, max_size=3) | some.sampled_from([b"user", b"page", b"*", b"\xff", b" ", b"\n"])
_KEY = some.builds(lambda *parts: b":".join(parts), some.sampled_from([b"user", b"page", b"a"]), _PART, _PART)
_KEYS = some.sets(_KEY, min_size=1, max_size=12)
_PATTERN = some.sampled_from(["user:*", "*", "page:?:*", "*a*", "user:[a-m]*", "a:\\**"])
CASES = 1000


@pytest.fixture(scope="module")
def shared() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.mark.timeout(300)
def test_in_a_thousand_cases_what_changes_was_planned(shared: RedisServer, tmp_path: Path) -> None:
    with asyncio.Runner() as runner, shared.wire() as wire:

        @settings(max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(there=_KEYS, pattern=_PATTERN, deleted=some.data(), written=some.sets(_KEY, max_size=4))
        def case(there: set[bytes], pattern: str, deleted: some.DataObject, written: set[bytes]) -> None:
            wire("FLUSHALL")
            for key in there:
                wire("SET", key, "x")
            lost = deleted.draw(some.sets(some.sampled_from(sorted(there)), max_size=3))
            runner.run(one_case(shared, tmp_path, wire, (pattern, lost, written)))

        case()


async def one_case(server: RedisServer, folder: Path, wire: Wire, case: tuple[str, set[bytes], set[bytes]]) -> None:
    """Plan, let others write and delete, apply, and compare what changed with what was planned."""
    pattern, lost, written = case
    clock = SystemClock()
    stage = Stage(folder, options=server.options())
    action = CacheInvalidate(stage, clock, verify_after=0.0)  # without the runner, whose audit would take most time
    params = read_params(action.info, {"pattern": pattern})
    matching = wire("KEYS", pattern)
    assert isinstance(matching, list)
    if not matching:
        with pytest.raises(Refused):
            await action.plan(stage.source, params)
        return
    found = await action.plan(stage.source, params)
    pinned = {key for block in found.work for key in block}
    assert pinned == set(matching) and found.count == len(pinned)
    for key in lost:
        wire("DEL", key)
    for key in written:
        wire("SET", key, "new")
    before = keys(wire)
    plan = make_plan(action.info, stage.source, found, params, clock)
    receipt = await action.apply(Job(stage.source, plan, found.work, lambda share, words: None, asyncio.Event()))
    changed = before - keys(wire)
    assert changed <= pinned
    assert changed == pinned & before
    assert (receipt.applied, receipt.left) == (len(changed), len(pinned) - len(changed))
