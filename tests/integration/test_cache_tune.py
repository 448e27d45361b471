"""`cache.tune` on real servers: limits and policies change, nothing is lost unsaid, and the undo is exact."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perftui.actions.cache.tune import CacheTune
from perftui.actions.redis.link import RedisLink
from perftui.core.action import Outcome, Plan, Proof, Risk, Run
from perftui.core.clock import ManualClock, SystemClock
from perftui.core.errors import Denied, Refused, TargetChanged
from perftui.core.reading import Reading, ReadingBuilder
from tests.support.redis_server import RedisServer, Wire, redis_server
from tests.support.servers import eventually
from tests.unit.actions.stage import ADMIN, Stage

pytestmark = pytest.mark.integration

MIB = 1 << 20
GIB = 1 << 30
_FILL = "for i=1,ARGV[1] do redis.call('SET', KEYS[1]..i, ARGV[2]) end"
KEYS = 40_000


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


def stage_for(server: RedisServer, folder: Path, username: str = "", password: str = "") -> Stage:
    options = server.options(username=username, password=password)
    return Stage(folder, lambda ground, _: CacheTune(ground, SystemClock(), verify_after=0.0), options=options)


def host(limit: float, used: float) -> Reading:
    builder = ReadingBuilder("host", ManualClock())
    builder.add("system.memory.limit", limit)
    builder.add("system.memory.usage", used)
    return builder.build()


async def planned(stage: Stage, **params: str) -> Plan:
    return await stage.runner.plan("cache.tune", "cache-1", params)


async def applied(stage: Stage, plan: Plan) -> Run:
    stage.clock.advance(60)
    await stage.runner.apply(plan.id, plan.confirm, ADMIN)
    return await stage.ended(plan)


def config(wire: Wire, name: str) -> bytes:
    found = wire("CONFIG", "GET", name)
    assert isinstance(found, list) and isinstance(found[1], bytes)
    return found[1]


def used(wire: Wire) -> int:
    info = wire("INFO", "memory")
    assert isinstance(info, bytes)
    return int(info.split(b"used_memory:")[1].split(b"\r")[0])


def fill(wire: Wire, keys: int = KEYS) -> None:
    wire("EVAL", _FILL, 1, "page:", keys, "x" * 500)


async def test_all_three_are_set_and_taken_back_exactly(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    with server.wire() as wire:
        wire("CONFIG", "SET", "maxmemory", 123_456_789)
        plan = await planned(stage, maxmemory="200MiB", policy="allkeys-lru", samples="10")
        assert config(wire, "maxmemory") == b"123456789", "a preview changes nothing"
        assert (plan.reversible, plan.risk) == (True, Risk.MEDIUM)
        assert any("a restart takes it back" in text for text in plan.warnings)
        run = await applied(stage, plan)
        assert (run.outcome, run.proof, run.applied) == (Outcome.SUCCEEDED, Proof.HELD, 3), run
        assert config(wire, "maxmemory") == b"%d" % (200 * MIB)
        assert (config(wire, "maxmemory-policy"), config(wire, "maxmemory-samples")) == (b"allkeys-lru", b"10")
        assert run.undo is not None
        back = {"maxmemory": "123456789", "policy": "noeviction", "samples": "5", "restoring": "yes"}
        assert run.undo.params == back
        undo = await planned(stage, **back)
        assert undo.title == "set back maxmemory, maxmemory-policy, maxmemory-samples of cache-1"
        assert (await applied(stage, undo)).outcome is Outcome.SUCCEEDED
        assert config(wire, "maxmemory") == b"123456789"
        assert (config(wire, "maxmemory-policy"), config(wire, "maxmemory-samples")) == (b"noeviction", b"5")


async def test_the_undo_after_a_restart_of_the_agent_may_exceed_the_room_and_nothing_else_may(
    server: RedisServer, tmp_path: Path
) -> None:
    readings = {"host": host(limit=8 * GIB, used=2 * GIB)}
    stage = stage_for(server, tmp_path)
    stage.readings = readings
    with server.wire() as wire:
        wire("CONFIG", "SET", "maxmemory", 9 * GIB)
        run = await applied(stage, await planned(stage, maxmemory="1GiB"))
        again = stage_for(server, tmp_path)
        again.readings = readings
        with pytest.raises(Refused, match="choose at most"):
            await planned(again, maxmemory=str(9 * GIB))
        undo = await again.runner.undo(run.plan.id)
        assert any("9 GiB is more than the" in text for text in undo.warnings)
        await applied(again, undo)
        assert config(wire, "maxmemory") == b"%d" % (9 * GIB)
        with pytest.raises(Refused, match="nothing is said to change"):
            await planned(again, restoring="yes")


async def test_an_undo_that_would_evict_jobs_is_neither_promised_nor_made(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    with server.wire() as wire:
        wire("HSET", "bull:mail:meta", "version", "bullmq:5.81.5")
        wire("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        plan = await planned(stage, policy="noeviction")
        assert not plan.reversible
        assert any(text.startswith("it cannot be taken back: the BullMQ queue mail lives") for text in plan.warnings)
        assert (await applied(stage, plan)).undo is None
        with pytest.raises(Refused, match="allkeys-lru would evict its jobs"):
            await planned(stage, policy="allkeys-lru", restoring="yes")


async def test_only_what_evicts_or_takes_the_limit_away_wants_the_name(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    plan = await planned(stage, samples="10")
    assert (plan.risk, plan.confirm) == (Risk.MEDIUM, "y"), "there was no limit, and there is none"
    with server.wire() as wire:
        wire("CONFIG", "SET", "maxmemory", GIB)
        plan = await planned(stage, samples="10")
        assert (plan.risk, plan.confirm) == (Risk.MEDIUM, "y")
        plan = await planned(stage, maxmemory="0")
        assert (plan.risk, plan.confirm) == (Risk.HIGH, "cache-1")


async def test_a_share_is_one_of_what_the_host_or_its_cgroup_has(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    stage.readings = {"host": host(limit=8 * GIB, used=2 * GIB)}
    plan = await planned(stage, share="0.25")
    assert plan.targets == (f"maxmemory 0 → {2 * GIB}",)
    assert (plan.lines[0].before, plan.lines[0].after) == ("no limit", "2 GiB")
    with pytest.raises(Refused, match=r"8 GiB of the host or cgroup, less 1\.9"):
        await planned(stage, share="0.9")
    with pytest.raises(Refused, match="maxmemory and share say the same"):
        await planned(stage, share="0.9", maxmemory="1G")


async def test_a_server_that_forks_keeps_room_for_it(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    stage.readings = {"host": host(limit=8 * GIB, used=2 * GIB)}
    assert (await planned(stage, maxmemory="5G")).targets
    with server.wire() as wire:
        wire("CONFIG", "SET", "save", "3600 1")
        with pytest.raises(Refused, match=r"half as much again kept free to fork \(RDB\)"):
            await planned(stage, maxmemory="5G")


async def test_below_what_is_used_noeviction_is_refused(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    with server.wire() as wire:
        fill(wire)
    with pytest.raises(Refused, match="below that all writes fail at once"):
        await planned(stage, maxmemory="10MiB")
    with pytest.raises(Refused, match="no key has an expiry"):
        await planned(stage, maxmemory="10MiB", policy="volatile-lru")


async def test_lowering_it_evicts_in_steps_about_as_many_as_were_said(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    with server.wire() as wire:
        fill(wire)
        plan = await planned(stage, maxmemory="20MiB", policy="allkeys-random")
        assert plan.risk is Risk.HIGH
        (said,) = (text for text in plan.warnings if "are evicted, for good" in text)
        assert plan.share is not None and 0.1 < plan.share < 0.5
        assert "setting it back brings none of them back" in said
        run = await applied(stage, plan)
        assert (run.outcome, run.proof) == (Outcome.SUCCEEDED, Proof.HELD), run
        assert run.undo is not None and run.undo.title.endswith("; evicted keys stay gone")
        assert used(wire) <= 21 * MIB
        left = wire("DBSIZE")
        assert isinstance(left, int)
        assert (KEYS - left) / KEYS == pytest.approx(plan.share, abs=0.1), said
        assert config(wire, "maxmemory") == b"%d" % (20 * MIB)


async def test_cancelled_half_way_down_it_stays_there_and_can_be_taken_back(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_for(server, tmp_path)
    with server.wire() as wire:
        fill(wire)
        wire("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
        plan = await planned(stage, maxmemory="17MiB")
        command = RedisLink.command
        limits = 0

        async def cancelling(link: RedisLink, *words: str | bytes | int) -> object:
            nonlocal limits
            answer = await command(link, *words)
            limits += words[:3] == ("CONFIG", "SET", "maxmemory")
            if limits == 3:
                stage.runner.cancel(plan.id, ADMIN)
            return answer

        monkeypatch.setattr(RedisLink, "command", cancelling)
        run = await applied(stage, plan)
        assert (run.outcome, limits) == (Outcome.CANCELLED, 3), run
        assert int(config(wire, "maxmemory")) > 17 * MIB
        assert run.undo is not None and run.undo.params == {"maxmemory": "0", "restoring": "yes"}
        await applied(stage, await planned(stage, **run.undo.params))
        assert config(wire, "maxmemory") == b"0"


@pytest.mark.parametrize("params", [{"policy": "allkeys-lru"}, {"policy": "volatile-ttl", "maxmemory": "100MiB"}])
async def test_eviction_is_refused_where_jobs_live(server: RedisServer, tmp_path: Path, params: dict[str, str]) -> None:
    with server.wire() as wire:
        wire("SELECT", 2)
        wire("HSET", "bull:mail:meta", "version", "bullmq:5.81.5")
        with pytest.raises(Refused, match="the BullMQ queue mail lives on cache-1"):
            await planned(stage_for(server, tmp_path), **params)
        assert (await planned(stage_for(server, tmp_path), maxmemory="100MiB")).targets, "without eviction it may"
        wire("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        with pytest.raises(Refused, match="would evict its jobs"):
            await planned(stage_for(server, tmp_path), maxmemory="100MiB")


async def test_what_is_so_already_and_what_is_unknown_are_refused(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    with pytest.raises(Refused, match="is set so already"):
        await planned(stage, policy="noeviction")
    with pytest.raises(Refused, match="nothing is said to change"):
        await planned(stage)
    with pytest.raises(Refused, match="policy is lru"):
        await planned(stage, policy="lru")


async def test_a_setting_that_somebody_changed_since_the_preview_stops_it(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    plan = await planned(stage, samples="10")
    with server.wire() as wire:
        wire("CONFIG", "SET", "maxmemory-samples", 7)
        with pytest.raises(TargetChanged, match="maxmemory-samples was 5 and is 7 now"):
            await applied(stage, plan)
        assert config(wire, "maxmemory-samples") == b"7"


async def test_a_server_that_forbids_config_says_so_plainly(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        wire("ACL", "SETUSER", "tuner", "on", ">secret", "~*", "-@all", "+info", "+ping", "+config|get", "+scan")
        stage = stage_for(server, tmp_path, username="tuner", password="secret")
        run = await applied(stage, await planned(stage, samples="10"))
        assert run.outcome is Outcome.FAILED and "does not let us configure it" in run.message
        wire("ACL", "SETUSER", "tuner", "+config|set")
        stage.clock.advance(60)
        assert (await applied(stage, await planned(stage, samples="10"))).outcome is Outcome.SUCCEEDED
        wire("ACL", "SETUSER", "tuner", "-config")
        with pytest.raises(Denied, match="a managed service has a console"):
            await planned(stage, samples="10")
    (tmp_path / "managed.conf").write_text("rename-command CONFIG hidden\n")
    with (
        redis_server(include=str(tmp_path / "managed.conf")) as managed,
        pytest.raises(Denied, match="does not let us configure it"),
    ):
        await planned(stage_for(managed, tmp_path), samples="10")


async def test_writes_that_are_refused_afterwards_make_it_worse(server: RedisServer, tmp_path: Path) -> None:
    stage = Stage(
        tmp_path, lambda ground, _: CacheTune(ground, SystemClock(), verify_after=0.5), options=server.options()
    )
    with server.wire() as wire:
        fill(wire, 1000)
        limit = used(wire) + 600_000
        plan = await planned(stage, maxmemory=str(limit))
        stage.clock.advance(60)
        await stage.runner.apply(plan.id, plan.confirm, ADMIN)

        async def in_force() -> bool:
            return config(wire, "maxmemory") == b"%d" % limit

        await eventually(in_force)
        with pytest.raises(RuntimeError, match="OOM"):
            for number in range(2000):
                wire("SET", f"more:{number}", "x" * 1000)
        run = await stage.ended(plan)
    assert run.proof is Proof.WORSE
    assert run.proof_lines[-1].label == "writes refused since"


async def test_where_there_is_a_limit_a_higher_one_is_offered(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    assert [offer.params for offer in stage.runner.offers("o")] == [{}]
    builder = ReadingBuilder("cache-1", ManualClock())
    builder.add("redis.memory.max", 100 * MIB)
    stage.readings = {"cache-1": builder.build()}
    raised, _ = stage.runner.offers("o")
    assert (raised.title, raised.params) == ("Raise maxmemory to 125 MiB", {"maxmemory": str(125 * MIB)})
    (asked,) = stage.runner.offers("o", params={"policy": "allkeys-lru"})
    assert asked.params == {"policy": "allkeys-lru"}
