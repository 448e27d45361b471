"""`cleanup.expired` on real servers: it frees what has expired, and nothing else, ever."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from perftui.actions.cleanup.expired import CleanupExpired
from perftui.actions.redis.link import RedisLink
from perftui.config.kinds import RedisOptions
from perftui.core.action import Outcome, Proof, Run
from perftui.core.clock import SystemClock
from perftui.core.errors import Refused, TargetChanged, Unreachable
from tests.support.redis_server import RedisServer, Wire, redis_server
from tests.support.servers import eventually, require
from tests.unit.actions.stage import ADMIN, Stage

pytestmark = pytest.mark.integration

EXPIRED, LIVE, LASTING = 5000, 3000, 400
_FILL = "for i=1,ARGV[2] do redis.call('SET', KEYS[1]..i, ARGV[1], unpack(ARGV, 3)) end"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        with running.wire() as wire:
            fill(wire)
        yield running


def fill(wire: Wire, expired: int = EXPIRED) -> None:
    """Hold expired keys that the server itself does not free, beside live ones with and without an expiry."""
    wire("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    wire("EVAL", _FILL, 1, "live:", "x" * 100, LIVE, "EX", 1000)
    wire("EVAL", _FILL, 1, "lasting:", "x" * 100, LASTING)
    wire("EVAL", _FILL, 1, "expired:", "x" * 100, expired, "PX", 1)
    wire("SELECT", 3)
    wire("EVAL", _FILL, 1, "expired:", "x" * 100, 700, "PX", 1)
    wire("SELECT", 5)
    wire("EVAL", _FILL, 1, "lasting:", "x" * 100, 10)
    wire("SELECT", 0)


def stage_for(server: RedisServer, folder: Path) -> Stage:
    return Stage(
        folder, lambda ground, _: CleanupExpired(ground, SystemClock(), verify_after=0.0), options=server.options()
    )


def shell(command: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, shell=True, input=typed, capture_output=True, text=True, timeout=30)


def count_live(wire: Wire) -> int:
    total = wire("EVAL", "local n=0 for i=1,3000 do n=n+redis.call('EXISTS','live:'..i) end return n", 0)
    assert isinstance(total, int)
    return total


async def test_a_preview_changes_nothing_and_says_what_it_cannot_know(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        for _ in range(3):
            plan = await stage_for(server, tmp_path).plan()
        assert wire("DBSIZE") == EXPIRED + LIVE + LASTING
        assert b"expired_keys:0\r" in bytes(wire("INFO", "stats"))  # type: ignore[arg-type]
    assert plan.targets == ("db0", "db3"), "db5 has no key that could expire"
    assert plan.count == 2, "databases that are swept: how many keys that frees is not known"
    assert plan.lines[0].before == "8,400 keys"
    assert plan.lines[0].after.startswith("at most 8,000 of them")
    assert any("how many keys have expired" in text for text in plan.unknown)
    assert plan.command.startswith(f"redis-cli -h 127.0.0.1 -p {server.port} -n 0 --scan")


async def test_it_frees_exactly_the_expired_and_proves_it(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    run = await stage.run()
    assert (run.outcome, run.proof) == (Outcome.SUCCEEDED, Proof.RECOVERED), run
    assert run.message.startswith("5,700 expired keys freed, ")
    assert run.applied == 5_700
    with server.wire() as wire:
        assert wire("DBSIZE") == LIVE + LASTING
        assert count_live(wire) == LIVE
        wire("SELECT", 5)
        assert wire("DBSIZE") == 10
    assert stage.events() == ["intent", "outcome", "proof"]
    assert stage.log.verify() == 3
    (intent, *_) = stage.log.records()
    assert intent["identity"]["role"] == "master"


@pytest.mark.parametrize("place", ["tcp", "socket"])
async def test_the_command_that_is_shown_does_the_same(server: RedisServer, tmp_path: Path, place: str) -> None:
    require("redis-cli", "redis-tools")
    stage = stage_for(server, tmp_path)
    if place == "socket":
        stage.source = msgspec.structs.replace(stage.source, options=RedisOptions(url=f"unix://{server.socket}"))
    plan = await stage.plan()
    done = await asyncio.to_thread(shell, plan.command)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with server.wire() as wire:
        assert wire("DBSIZE") == LIVE + LASTING
        wire("SELECT", 3)
        assert wire("DBSIZE") == 0


async def test_the_command_that_is_shown_asks_for_the_password(tmp_path: Path) -> None:
    require("redis-cli", "redis-tools")
    with redis_server(password="hunter2-secret") as server, server.wire() as wire:
        fill(wire)
        stage = stage_for(server, tmp_path)
        options = server.options(username="default", password="hunter2-secret")
        stage.source = msgspec.structs.replace(stage.source, options=options)
        plan = await stage.plan()
        first = plan.command.partition(";")[0]
        assert "--user default --askpass" in first
        done = await asyncio.to_thread(shell, first, "hunter2-secret\n")
        assert done.returncode == 0, done.stderr
        assert wire("DBSIZE") == LIVE + LASTING


async def test_applied_twice_it_runs_once(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    plan = await stage.plan()
    await asyncio.gather(*(stage.runner.apply(plan.id, "y", ADMIN) for _ in range(20)))
    first = await stage.ended(plan)
    assert await stage.runner.apply(plan.id, "y", ADMIN) == first
    assert stage.events().count("intent") == 1


async def test_where_nothing_has_expired_nothing_is_claimed(tmp_path: Path) -> None:
    with redis_server() as server:
        with server.wire() as wire:
            wire("SET", "here", "to stay")
        stage = stage_for(server, tmp_path)
        plan = await stage.plan()
        assert "nothing to free" in plan.warnings[0]
        with pytest.raises(Refused, match="there is nothing to do"):
            await stage.runner.apply(plan.id, "y", ADMIN)
        with server.wire() as wire:
            wire("SET", "later", "gone", "EX", "1000")
        run = await stage.run()
    assert (run.outcome, run.proof) == (Outcome.SUCCEEDED, Proof.UNCHANGED)
    assert run.message == "0 expired keys freed"


async def test_cancelled_in_the_middle_it_stops_and_says_how_far_it_came(server: RedisServer, tmp_path: Path) -> None:
    with server.wire() as wire:
        fill(wire, 60_000)
    stage = stage_for(server, tmp_path)
    plan = await stage.plan()
    await stage.runner.apply(plan.id, "y", ADMIN)

    async def under_way() -> bool:
        return (stage.runner.runs[0].fraction or 0.0) > 0.0

    stage.clock.advance(1)
    await eventually(under_way, every=0.001)
    stage.runner.cancel(plan.id, ADMIN)
    run = await stage.ended(plan)
    assert run.outcome is Outcome.CANCELLED
    assert run.message.endswith("cancelled before the end; cancelled by ada")
    with server.wire() as wire:
        left = wire("DBSIZE")
        assert isinstance(left, int)
        assert LIVE + LASTING < left < 60_000 + LIVE + LASTING
        assert count_live(wire) == LIVE


async def test_a_replica_is_refused_and_its_primary_named(server: RedisServer, tmp_path: Path) -> None:
    with redis_server(replicaof=f"127.0.0.1 {server.port}") as replica:
        stage = stage_for(replica, tmp_path)
        with pytest.raises(Refused, match=f"do it on its primary, 127.0.0.1:{server.port}"):
            await stage.plan()


async def test_a_primary_that_became_a_replica_is_not_touched(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    plan = await stage.plan()
    with redis_server() as other, server.wire() as wire:
        wire("REPLICAOF", "127.0.0.1", other.port)
        with pytest.raises(TargetChanged, match="role was master and is slave now"):
            await stage.runner.apply(plan.id, "y", ADMIN)
    assert stage.events() == []


async def test_a_restarted_server_is_another_one(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    plan = await stage.plan()
    server.stop()
    server.start()
    with server.wire() as wire:
        fill(wire)
        with pytest.raises(TargetChanged, match="run_id was"):
            await stage.runner.apply(plan.id, "y", ADMIN)
        assert wire("DBSIZE") == EXPIRED + LIVE + LASTING


async def test_production_wants_its_name(server: RedisServer, tmp_path: Path) -> None:
    stage = stage_for(server, tmp_path)
    stage.source = msgspec.structs.replace(stage.source, production=True)
    plan = await stage.plan()
    with pytest.raises(Refused, match="type cache-1"):
        await stage.runner.apply(plan.id, "y", ADMIN)
    with server.wire() as wire:
        assert wire("DBSIZE") == EXPIRED + LIVE + LASTING
    await stage.runner.apply(plan.id, "cache-1", ADMIN)
    assert (await stage.ended(plan)).outcome is Outcome.SUCCEEDED


async def test_a_server_that_dies_meanwhile_is_told_with_what_was_done(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_for(server, tmp_path)
    plan = await stage.plan()
    timed = RedisLink.timed

    async def dying(link: RedisLink, *words: str | int) -> tuple[float, object]:
        answer = await timed(link, *words)
        if words[0] == "SCAN":
            server.stop()
        return answer

    monkeypatch.setattr(RedisLink, "timed", dying)
    await stage.runner.apply(plan.id, "y", ADMIN)
    run = await stage.ended(plan)
    assert run.outcome is Outcome.FAILED
    assert run.message.startswith("about 1k keys looked at; ")
    with pytest.raises(Unreachable, match=f"127.0.0.1:{server.port}"):
        await stage.plan()


async def test_a_connection_that_drops_meanwhile_is_told_and_the_server_is_read_again(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = stage_for(server, tmp_path)
    plan = await stage.plan()
    timed = RedisLink.timed

    async def dropping(link: RedisLink, *words: str | int) -> tuple[float, object]:
        answer = await timed(link, *words)
        if words[0] == "SCAN":
            with server.wire() as wire:
                wire("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        return answer

    monkeypatch.setattr(RedisLink, "timed", dropping)
    run = await stage.applied(plan)
    assert (run.outcome, run.proof, run.applied) == (Outcome.FAILED, Proof.UNKNOWN, 0), run
    assert run.message.startswith("about 1k keys looked at; broke off: ")
    assert "defect" not in run.message and "not proved" not in run.message
    assert [line.label for line in run.proof_lines][-1] == "PING"


async def test_no_password_reaches_plan_run_or_log(tmp_path: Path) -> None:
    with redis_server(password="hunter2-secret") as server:
        with server.wire() as wire:
            fill(wire)
        stage = stage_for(server, tmp_path)
        stage.source = msgspec.structs.replace(stage.source, options=server.options(password="hunter2-secret"))
        run: Run = await stage.run()
    assert run.outcome is Outcome.SUCCEEDED
    assert b"hunter2" not in msgspec.json.encode(run)
    assert b"hunter2" not in stage.log.path.read_bytes()
