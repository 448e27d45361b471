"""Leases on real servers: one holder at a time, named to who comes second, free again however it went."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perftui.actions.lease import mysql as leasing_mysql
from perftui.actions.lease import redis as leasing_redis
from perftui.actions.lease.kinds import lease_on
from perftui.config.kinds import HttpOptions, Options, RedisOptions, SystemOptions
from perftui.config.settings import SourceSettings
from perftui.core.clock import SystemClock
from perftui.core.errors import Refused, Unreachable
from tests.support.mariadb_server import MariaDBServer, mariadb_server
from tests.support.redis_cluster import redis_cluster
from tests.support.redis_server import RedisServer, Wire, redis_server
from tests.support.servers import eventually, free_port

pytestmark = pytest.mark.integration
CLOCK = SystemClock()
HOLD = """
import asyncio, sys
from perftui.actions.lease.kinds import lease_on
from perftui.config.kinds import RedisOptions, SystemOptions
from perftui.config.settings import SourceSettings
from perftui.core.clock import SystemClock

async def hold(url):
    options = RedisOptions(url=url) if url else SystemOptions()
    source = SourceSettings(name="there", kind="redis" if url else "system", options=options)
    async with lease_on(source, "mortal", SystemClock(), life=1.0):
        print("held", flush=True)
        await asyncio.sleep(60)

asyncio.run(hold(sys.argv[1]))
"""


class Forgetful(set[object]):
    """Knows nothing of what this process holds."""

    def __contains__(self, _: object) -> bool:
        return False


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two holders in this process stand for two agents."""
    monkeypatch.setattr(leasing_redis, "_OURS", Forgetful())
    monkeypatch.setattr(leasing_mysql, "_OURS", Forgetful())


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running


@pytest.fixture(scope="module")
def database() -> Iterator[MariaDBServer]:
    with mariadb_server() as running:
        yield running


def source_of(options: Options, kind: str = "redis") -> SourceSettings:
    return SourceSettings(name="there", kind=kind, options=options)


def misses(wire: Wire) -> int:
    lines = bytes(wire("INFO", "stats")).split()  # type: ignore[arg-type]
    return next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"keyspace_misses"))


def held_by_another_process(url: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


@pytest.mark.usefixtures("strangers")
async def test_a_second_one_is_refused_with_the_name_of_the_first(server: RedisServer) -> None:
    source = source_of(server.options())
    async with lease_on(source, "web-3 pid 7 cleanup.expired\x1b[2J", CLOCK) as lease:
        assert (lease.note, lease.lost.is_set()) == ("", False)
        with pytest.raises(Refused, match=r"lock: web-3 pid 7 cleanup\.expired␛.2J holds there") as refusal:
            async with lease_on(source, "web-4", CLOCK):
                pytest.fail("two hold it")
        assert refusal.value.check == "lock"
    async with lease_on(source, "web-4", CLOCK) as second:
        assert second.note == ""
    with server.wire() as wire:
        assert wire("EXISTS", "perftui:lease") == 0


@pytest.mark.usefixtures("strangers")
async def test_another_database_of_the_same_server_is_the_same_server(server: RedisServer) -> None:
    other = RedisOptions(url=server.url.removesuffix("0") + "5")
    async with lease_on(source_of(other), "five", CLOCK, life=0.6) as lease:
        await asyncio.sleep(0.9)
        assert not lease.lost.is_set()
        with pytest.raises(Refused, match="five holds"):
            await lease_on(source_of(server.options()), "zero", CLOCK).__aenter__()


async def test_it_is_renewed_and_lowers_no_hit_rate(server: RedisServer) -> None:
    with server.wire() as wire:
        before = misses(wire)
        async with lease_on(source_of(server.options()), "me", CLOCK, life=0.6) as lease:
            await asyncio.sleep(1.5)
            assert not lease.lost.is_set()
            assert 0 < int(str(wire("PTTL", "perftui:lease"))) <= 600
        assert misses(wire) == before


async def test_without_the_right_to_eval_it_is_renewed_and_released_all_the_same(server: RedisServer) -> None:
    with server.wire() as wire:
        wire("ACL", "SETUSER", "poor", "on", ">pw", "~perftui:*", "+@all", "-@scripting")
        async with lease_on(source_of(server.options(username="poor", password="pw")), "me", CLOCK, life=0.6) as lease:
            await asyncio.sleep(1.5)
            assert not lease.lost.is_set()
            assert bytes(wire("GET", "perftui:lease")).endswith(b" me")  # type: ignore[arg-type]
        assert wire("EXISTS", "perftui:lease") == 0


@pytest.mark.parametrize("rights", [("+@all", "-set"), ("-@all", "+ping", "+info")])
async def test_who_may_not_set_goes_on_without_and_is_told(server: RedisServer, rights: tuple[str, ...]) -> None:
    with server.wire() as wire:
        wire("ACL", "SETUSER", "poor", "on", ">pw", "~*", *rights)
    async with lease_on(source_of(server.options(username="poor", password="pw")), "me", CLOCK) as lease:
        assert lease.note.startswith("no lease: ")
        assert "would not be noticed" in lease.note


async def test_a_replica_and_a_full_server_hold_nothing(server: RedisServer) -> None:
    with redis_server(replicaof=f"127.0.0.1 {server.port}") as replica:
        async with lease_on(source_of(replica.options()), "me", CLOCK) as lease:
            assert "no lease" in lease.note
    with redis_server(maxmemory="1") as full:
        async with lease_on(source_of(full.options()), "me", CLOCK) as lease:
            assert "no lease" in lease.note


async def test_taken_by_somebody_else_meanwhile_it_is_lost_and_left_to_them(server: RedisServer) -> None:
    with server.wire() as wire:
        async with lease_on(source_of(server.options()), "me", CLOCK, life=0.6) as lease:
            wire("SET", "perftui:lease", "token of another one", "PX", 60_000)
            async with asyncio.timeout(5):
                await lease.lost.wait()
        assert wire("GET", "perftui:lease") == b"token of another one"


async def test_evicted_or_flushed_it_is_taken_again(server: RedisServer) -> None:
    with server.wire() as wire:
        async with lease_on(source_of(server.options()), "me", CLOCK, life=0.6) as lease:
            wire("FLUSHALL")

            async def back() -> bool:
                return wire("EXISTS", "perftui:lease") == 1

            await eventually(back)
            assert not lease.lost.is_set()


async def test_a_server_that_hangs_for_longer_than_it_lives_has_lost_it(server: RedisServer) -> None:
    async with lease_on(source_of(server.options()), "me", CLOCK, life=0.6) as lease:
        server.freeze()
        try:
            async with asyncio.timeout(5):
                await lease.lost.wait()
        finally:
            server.thaw()


async def test_a_short_interruption_costs_nothing(server: RedisServer) -> None:
    with server.wire() as wire:
        async with lease_on(source_of(server.options()), "me", CLOCK, life=1.5) as lease:
            wire("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            await asyncio.sleep(1.8)
            assert not lease.lost.is_set()
            assert wire("EXISTS", "perftui:lease") == 1


async def test_a_dead_server_is_a_source_error() -> None:
    with pytest.raises(Unreachable):
        await lease_on(source_of(RedisOptions(url=f"redis://127.0.0.1:{free_port()}/0")), "me", CLOCK).__aenter__()


async def test_the_lease_of_a_killed_holder_expires(server: RedisServer) -> None:
    holder = held_by_another_process(server.url)
    try:
        source = source_of(server.options())
        with pytest.raises(Refused, match="mortal holds"):
            await lease_on(source, "me", CLOCK).__aenter__()
        holder.kill()
        async with asyncio.timeout(5):
            while True:
                try:
                    async with lease_on(source, "me", CLOCK):
                        break
                except Refused:
                    await asyncio.sleep(0.05)
    finally:
        holder.kill()
        holder.communicate()


async def test_two_agents_on_different_nodes_of_a_cluster_meet_on_the_one_that_owns_the_key() -> None:
    with redis_cluster() as nodes:
        first, second, owner = (source_of(node.options()) for node in nodes)
        for source in (second, owner):
            holder = held_by_another_process(nodes[0].url)
            try:
                with pytest.raises(Refused, match="mortal holds there"):
                    await lease_on(source, "me", CLOCK).__aenter__()
            finally:
                holder.kill()
                holder.communicate()

            async def expired() -> bool:
                with nodes[2].wire() as wire:
                    return wire("EXISTS", "perftui:lease") == 0

            await eventually(expired)
        async with lease_on(first, "me", CLOCK, life=0.6) as lease:
            await asyncio.sleep(0.9)
            assert (lease.note, lease.lost.is_set()) == ("", False)
        assert await expired(), "given back where it was taken"


async def test_a_cluster_whose_owner_of_the_key_is_gone_holds_nothing_and_says_so() -> None:
    with redis_cluster() as nodes:
        nodes[2].stop()
        async with lease_on(source_of(nodes[0].options()), "me", CLOCK) as lease:
            assert lease.note.startswith(f"no lease: 127.0.0.1:{nodes[2].port}")


@pytest.mark.usefixtures("strangers")
async def test_of_fifty_at_once_one_at_a_time_has_it(server: RedisServer) -> None:
    source, inside, most, refused = source_of(server.options()), 0, 0, 0

    async def work(number: int) -> None:
        nonlocal inside, most, refused
        try:
            async with lease_on(source, f"worker {number}", CLOCK):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.01)
                inside -= 1
        except Refused:
            refused += 1

    await asyncio.gather(*(work(number) for number in range(50)))
    assert most == 1
    assert refused > 0


async def test_the_host_is_held_by_one_process_and_free_with_its_death() -> None:
    source = source_of(SystemOptions(), "system")
    holder = held_by_another_process("")
    try:
        with pytest.raises(Refused, match=rf"\(pid {holder.pid}\) of uid \d+ holds there"):
            await lease_on(source, "me", CLOCK).__aenter__()
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait(10)
        async with lease_on(source, "me", CLOCK) as lease:
            assert lease.note == ""
    finally:
        holder.kill()
        holder.communicate()


async def test_what_can_hold_nothing_says_nothing() -> None:
    async with lease_on(source_of(HttpOptions(url="http://127.0.0.1:9/"), "http"), "me", CLOCK) as lease:
        assert lease.note == ""


@pytest.mark.usefixtures("strangers")
async def test_a_database_has_one_holder(database: MariaDBServer) -> None:
    source = source_of(database.options(), "mysql")
    async with lease_on(source, "me", CLOCK, life=0.3) as lease:
        with pytest.raises(Refused, match=r"connection \d+ of .* from .* holds there"):
            await lease_on(source, "you", CLOCK).__aenter__()
        await asyncio.sleep(0.5)
        assert not lease.lost.is_set()
    async with lease_on(source, "you", CLOCK) as second:
        assert second.note == ""


async def test_a_database_that_drops_the_connection_has_lost_it(database: MariaDBServer) -> None:
    async with lease_on(source_of(database.options(), "mysql"), "me", CLOCK, life=0.3) as lease:
        with database.client() as cursor:
            cursor.execute("SELECT IS_USED_LOCK('perftui.action')")
            cursor.execute(f"KILL {cursor.fetchone()[0]}")
        async with asyncio.timeout(5):
            await lease.lost.wait()


async def test_one_server_under_two_names_does_not_refuse_itself(server: RedisServer, database: MariaDBServer) -> None:
    for source in (source_of(server.options()), source_of(database.options(), "mysql")):
        async with lease_on(source, "me", CLOCK), lease_on(source, "me", CLOCK) as second:
            assert "this agent holds the same server already" in second.note
        async with lease_on(source, "me", CLOCK) as again:
            assert again.note == ""


def test_importing_it_loads_no_driver(tmp_path: Path) -> None:
    loaded = "[name for name in ('redis', 'aiomysql') if name in sys.modules]"
    code = f"import sys, perftui.actions.lease.kinds; print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "[]\n"
