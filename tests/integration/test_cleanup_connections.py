"""`cleanup.connections` on a private MariaDB: sleepers go, and nobody else does."""

import asyncio
import contextlib
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pymysql
import pytest

from perftui.actions.cleanup.connections import CleanupConnections
from perftui.actions.contract import Ask, Findings, Job, Receipt, make_plan
from perftui.actions.lease.kinds import lease_on
from perftui.actions.params import read_params
from perftui.collectors.mysql import MySQLCollector
from perftui.config.settings import SourceSettings
from perftui.connect.mysql import MySQLConnection
from perftui.core.action import Offer, Proof, Risk
from perftui.core.alert import Alert
from perftui.core.clock import SystemClock
from perftui.core.errors import Refused, Unreachable
from tests.support.mariadb_server import MariaDBServer, mariadb_server
from tests.support.servers import eventually
from tests.unit.actions.stage import Stage

pytestmark = pytest.mark.integration

IDLE = 2


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDBServer]:
    with mariadb_server("--performance-schema=ON") as running:
        running.run(
            "CREATE DATABASE shop",
            "CREATE TABLE shop.orders (id INT PRIMARY KEY, amount INT) ENGINE=InnoDB",
            "INSERT INTO shop.orders VALUES (1, 10), (2, 20), (3, 30)",
            *(f"CREATE USER {name} IDENTIFIED BY 'pw'" for name in ("app", "night_backup", "keeper", "blind", "weak")),
            "GRANT ALL ON shop.* TO app, night_backup",
            "GRANT PROCESS, CONNECTION ADMIN ON *.* TO keeper",
            "GRANT SELECT ON performance_schema.* TO keeper",
            "GRANT PROCESS ON *.* TO weak",
        )
        yield running


Client: TypeAlias = Any
"""A pymysql connection, which has no types."""


@contextmanager
def client(server: MariaDBServer, user: str = "app", program: str = "shop") -> Iterator[Client]:
    """A client that has asked once and sleeps from then on."""
    connection = pymysql.connect(
        unix_socket=server.socket, user=user, password="pw", autocommit=True, program_name=program
    )
    try:
        yield connection
    finally:
        with contextlib.suppress(pymysql.err.Error):
            connection.close()


def asks(connection: Client, sql: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def is_open(connection: Client) -> bool:
    try:
        asks(connection, "SELECT 1")
    except pymysql.err.OperationalError:
        return False
    return True


class Played:
    """The action on a server, with `idle` low enough for a test."""

    def __init__(self, folder: Path, server: MariaDBServer, user: str = "keeper") -> None:
        options = server.options(user, "pw")
        self.target = SourceSettings(name="db-1", kind="mysql", options=options)
        self.ground = Stage(folder)
        self.action = CleanupConnections(self.ground, SystemClock(), verify_after=0.0)
        idle, *others = CleanupConnections.info.params
        params = (msgspec.structs.replace(idle, least=1.0), *others)
        self.action.info = msgspec.structs.replace(self.action.info, params=params)
        self.cancelled = asyncio.Event()

    async def plan(self, **given: str) -> Findings:
        return await self.action.plan(self.target, read_params(self.action.info, {"idle": f"{IDLE}s", **given}))

    async def plan_of(self, number: int, **given: str) -> Findings:
        """Return the plan once `number` connections have slept for long enough."""
        found = [await self.plan(**given)]

        async def enough() -> bool:
            found.append(await self.plan(**given))
            return len(found[-1].targets) == number

        await eventually(enough, every=0.2)
        return found[-1]

    def job(self, found: Findings) -> Job:
        params = read_params(self.action.info, {})
        plan = make_plan(self.action.info, self.target, found, params, self.action.clock)
        return Job(self.target, plan, found.work, lambda *_: None, self.cancelled)

    async def apply(self, found: Findings) -> Receipt:
        return await self.action.apply(self.job(found))


def left(found: Findings) -> set[str]:
    return {line.label.removeprefix("left alone, ") for line in found.lines if line.label.startswith("left alone")}


async def test_sleepers_are_closed_and_others_are_not(tmp_path: Path, server: MariaDBServer) -> None:
    played = Played(tmp_path, server)
    with ExitStack() as stack:
        writer, dump, backup, own = (
            stack.enter_context(client(server, *who))
            for who in (("app", "shop"), ("app", "mysqldump"), ("night_backup", "x"), ("app", "perftui"))
        )
        asks(writer, "BEGIN")
        asks(writer, "UPDATE shop.orders SET amount = 11 WHERE id = 1")
        asks(dump, "START TRANSACTION WITH CONSISTENT SNAPSHOT")
        sleepers = [stack.enter_context(client(server)) for _ in range(3)]
        found = await played.plan_of(3)
        busy = stack.enter_context(client(server))
        running = asyncio.create_task(asyncio.to_thread(asks, busy, "SELECT SLEEP(2)"))
        assert {int(words.split()[0][1:]) for words in found.targets} == {each.thread_id() for each in sleepers}
        assert {"of a backup", "perftui's own", "with an open transaction (transactions=yes closes them, too)"} <= left(
            found
        )
        receipt = await played.apply(found)
        assert (receipt.applied, receipt.left, receipt.failed, receipt.problem) == (3, 0, 0, "")
        verdict = await played.action.verify(played.job(found), receipt)
        assert verdict.proof is Proof.RECOVERED
        await running
        assert [is_open(each) for each in sleepers] == [False] * 3
        assert all(is_open(each) for each in (writer, dump, backup, own, busy))


async def test_one_that_wakes_up_after_the_preview_is_left(tmp_path: Path, server: MariaDBServer) -> None:
    played = Played(tmp_path, server)
    with client(server) as asleep, client(server) as awake:
        found = await played.plan_of(2)
        assert is_open(awake)
        receipt = await played.apply(found)
        assert (receipt.applied, receipt.left) == (1, 1)
        assert (is_open(asleep), is_open(awake)) == (False, True)


async def test_a_transaction_is_rolled_back_only_when_asked_for(tmp_path: Path, server: MariaDBServer) -> None:
    played = Played(tmp_path, server)
    with client(server) as writer:
        asks(writer, "BEGIN")
        asks(writer, "UPDATE shop.orders SET amount = 99 WHERE id = 2")
        assert (await played.plan_of(0)).risk is None
        found = await played.plan_of(1, transactions="yes")
        assert found.risk is Risk.HIGH
        assert "1 row changed" in found.targets[0]
        assert (await played.apply(found)).applied == 1
        assert not is_open(writer)
    assert server.run("SELECT amount FROM shop.orders WHERE id = 2") == [(20,)]


async def test_the_root_blocker_is_offered_shown_and_closed(tmp_path: Path, server: MariaDBServer) -> None:
    played = Played(tmp_path, server)
    change = "UPDATE shop.orders SET amount = {} WHERE id = 3"
    collector = MySQLCollector("db-1", server.options("root", ""), SystemClock())
    await collector.open()
    with client(server) as blocker, client(server) as waiter:
        asks(blocker, "BEGIN")
        asks(blocker, change.format(98))
        waiting = asyncio.create_task(asyncio.to_thread(asks, waiter, change.format(31)))
        offers: list[Offer] = []

        async def is_offered() -> bool:
            played.ground.readings = {"db-1": await collector.poll()}
            alert = Alert(rule="root-blocker", source="db-1", metric="mysql.lock.root_blocker.age")
            offers[:] = played.action.offers(played.target, Ask(alert))
            return len(offers) == 2

        await eventually(is_offered, every=0.2)
        assert offers[0].params["id"] == str(blocker.thread_id())
        found = await played.plan_of(1, **{**offers[0].params, "idle": "1s"})
        assert (found.targets[0].split()[0], found.risk) == (f"#{blocker.thread_id()}", Risk.HIGH)
        (line,) = [line for line in found.lines if line.label == f"#{blocker.thread_id()} holds up others"]
        assert re.fullmatch(r"open for .+, 1 session waits for it; locks shop\.orders \(row\)", line.before), line
        assert (await played.apply(found)).applied == 1
        await waiting
    await collector.close()
    assert server.run("SELECT amount FROM shop.orders WHERE id = 3") == [(31,)]


async def test_a_server_that_dies_in_between_leaves_a_clear_end(tmp_path: Path, server: MariaDBServer) -> None:
    class Mortal(MySQLConnection):
        async def rows(self, sql: str) -> tuple[tuple[bytes | None, ...], ...]:
            found = await super().rows(sql)
            if sql.startswith("KILL"):
                server.stop()
            return found

    played = Played(tmp_path, server)
    with client(server), client(server):
        found = await played.plan_of(2)
        mortal = CleanupConnections(Stage(tmp_path), SystemClock(), connect=Mortal)
        receipt = await mortal.apply(played.job(found))
    assert (receipt.applied, receipt.complete) == (1, False)
    assert receipt.problem.startswith("broke off after 1 of 2: ")
    with pytest.raises(Unreachable):
        await played.apply(found)
    server.start("--performance-schema=ON")


async def test_rights_that_are_missing_are_told_as_the_exact_grant(tmp_path: Path, server: MariaDBServer) -> None:
    grant = r"GRANT PROCESS, CONNECTION ADMIN ON \*\.\* TO '{}'@'%'"
    with pytest.raises(Refused, match="may not see the connections of db-1; " + grant.format("blind")):
        await Played(tmp_path, server, "blind").plan()
    with client(server):
        await Played(tmp_path, server).plan_of(1)
        with pytest.raises(Refused, match="may not close others' connections on db-1; " + grant.format("weak")):
            await Played(tmp_path, server, "weak").plan()


async def test_a_full_server_still_lets_it_in(tmp_path: Path, server: MariaDBServer) -> None:
    server.run("SET GLOBAL max_connections = 10")
    try:
        with ExitStack() as stack:
            clients = [stack.enter_context(client(server)) for _ in range(10)]
            with pytest.raises(Refused, match=r"db-1 is full .* CONNECTION ADMIN .* extra_port"):
                await Played(tmp_path, server, "weak").plan()
            played = Played(tmp_path, server)
            found = await played.plan_of(10)
            async with lease_on(played.target, "me", SystemClock()) as lease:
                assert lease.note.startswith("no lease: the server is full")
                assert (await played.apply(found)).applied == 10
            assert not any(is_open(each) for each in clients)
    finally:
        await eventually(lambda: _may_log_in(server))
        server.run("SET GLOBAL max_connections = 151")


async def _may_log_in(server: MariaDBServer) -> bool:
    with contextlib.suppress(pymysql.err.OperationalError):
        server.run("SELECT 1")
        return True
    return False
