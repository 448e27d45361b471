"""The mysql collector against a private MariaDB."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import certifi
import msgspec
import pymysql
import pytest

from perftui.collectors.mysql import MySQLCollector
from perftui.config.kinds import MySQLOptions
from perftui.connect.mysql import STATEMENT_LIMIT, MySQLConnection
from perftui.core.clock import Clock, ManualClock, SystemClock
from perftui.core.errors import Denied, Unreachable
from perftui.core.reading import Cell, Reading
from tests.support.certificate import self_signed
from tests.support.mariadb_server import MariaDBServer, mariadb_server
from tests.support.servers import eventually

pytestmark = pytest.mark.integration

MARIADB_GRANTS = "PROCESS, BINLOG MONITOR, SLAVE MONITOR"


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDBServer]:
    with mariadb_server() as running:
        running.run(
            "CREATE DATABASE shop",
            "CREATE TABLE shop.orders (id INT PRIMARY KEY, amount INT) ENGINE=InnoDB",
            "INSERT INTO shop.orders VALUES (1, 10), (2, 20), (3, 30)",
            "CREATE USER watcher IDENTIFIED BY 'w4tch'",
            f"GRANT {MARIADB_GRANTS} ON *.* TO watcher",
            "CREATE USER nobody IDENTIFIED BY 'n0body'",
        )
        yield running


@asynccontextmanager
async def collecting(options: MySQLOptions, clock: Clock | None = None) -> AsyncIterator[MySQLCollector]:
    collector = MySQLCollector("orders-db", options, clock or SystemClock())
    try:
        await collector.open()
        yield collector
    finally:
        await collector.close()


def value(reading: Reading, metric: str, **pairs: str) -> float | None:
    wanted = tuple(sorted(pairs.items()))
    return next((each.value for each in reading.samples if (each.metric, each.attributes) == (metric, wanted)), None)


def rows(reading: Reading, table: str) -> list[dict[str, Cell]]:
    found = reading.tables[table]
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


@contextmanager
def session(server: MariaDBServer, *statements: str) -> Iterator[pymysql.cursors.Cursor]:
    """A transaction that has run `statements` and now sleeps."""
    with server.client("shop") as cursor:
        cursor.execute("BEGIN")
        for statement in statements:
            cursor.execute(statement)
        yield cursor
        cursor.execute("ROLLBACK")


@contextmanager
def blocked(server: MariaDBServer, *statements: str) -> Iterator[None]:
    """Each of `statements` in a session and thread of its own; they are joined at the end."""

    def execute(statement: str) -> None:
        with server.client("shop") as cursor, contextlib.suppress(pymysql.err.OperationalError):
            cursor.execute("SET SESSION lock_wait_timeout = 10, innodb_lock_wait_timeout = 10")
            cursor.execute(statement)

    threads = [threading.Thread(target=execute, args=(statement,)) for statement in statements]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join(15)


async def poll_until(collector: MySQLCollector, metric: str, wanted: float) -> Reading:
    readings: list[Reading] = []

    async def reached() -> bool:
        readings.append(await collector.poll())
        return value(readings[-1], metric) == wanted

    # InnoDB shows the same transactions until nobody has asked for 0.1 s.
    await eventually(reached, every=0.15)
    return readings[-1]


async def test_known_load_is_the_known_rate_and_our_own_statements_are_not_in_it(server: MariaDBServer) -> None:
    async with collecting(server.options()) as collector:
        before = await collector.poll()
        idle = await collector.poll()
        await asyncio.to_thread(server.run, *["SELECT 1"] * 300)
        after = await collector.poll()
    assert value(before, "mysql.query.client.count") is None
    assert value(idle, "mysql.query.client.count") == 0
    assert value(idle, "mysql.tmp_resources", resource="disk_tables") == 0
    rate = value(after, "mysql.query.client.count")
    assert rate is not None
    seconds = (after.monotonic - after.duration) - (idle.monotonic - idle.duration)
    assert 300 <= round(rate * seconds) <= 303


async def test_a_quiet_server_shows_no_session_but_says_so(server: MariaDBServer) -> None:
    async with collecting(server.options()) as collector:
        await collector.poll()
        reading = await poll_until(collector, "mysql.connections", 0)
    assert value(reading, "mysql.threads.running") == 0
    assert value(reading, "mysql.query.oldest") == 0
    assert value(reading, "mysql.connections.max") == 151
    assert value(reading, "mysql.connections.utilization") == pytest.approx(1 / 151)
    assert value(reading, "mysql.query.duration.p95") is None
    assert value(reading, "mysql.replica.running") is None
    assert value(reading, "mysql.lock.root_blocker.age") == 0
    assert rows(reading, "statements") == rows(reading, "locks") == []
    assert reading.facts["family"] == "MariaDB"
    assert not reading.denied


async def test_slow_statements_are_counted_and_ours_never_are(server: MariaDBServer) -> None:
    server.run("SET GLOBAL long_query_time = 0", "SET GLOBAL log_queries_not_using_indexes = ON")
    async with collecting(server.options()) as collector:
        await collector.poll()
        ours = await collector.poll()
        await asyncio.to_thread(server.run, *["SELECT SLEEP(0.01)"] * 7)
        theirs = await collector.poll()
    server.run("SET GLOBAL long_query_time = 10", "SET GLOBAL log_queries_not_using_indexes = OFF")
    assert value(ours, "mysql.query.slow.recent") == 0
    recent = value(theirs, "mysql.query.slow.recent")
    assert recent is not None
    assert 7 <= recent <= 9


async def test_a_metadata_lock_pile_up_names_the_sleeping_blocker(server: MariaDBServer) -> None:
    waiting = ("ALTER TABLE orders ADD COLUMN note INT", "SELECT * FROM orders WHERE amount = 4242")
    async with collecting(server.options()) as collector:
        with session(server, "SELECT * FROM orders") as blocker:
            number = blocker.connection.thread_id()
            with blocked(server, *waiting[:1]):
                await poll_until(collector, "mysql.metadata_locks.waiting", 1)
                with blocked(server, *waiting[1:]):
                    reading = await poll_until(collector, "mysql.metadata_locks.waiting", 2)
                    blocker.execute("ROLLBACK")
        await poll_until(collector, "mysql.metadata_locks.waiting", 0)
        server.run("ALTER TABLE shop.orders DROP COLUMN note")
    locks = rows(reading, "locks")
    assert [lock["blocker"] for lock in locks] == [number, number]
    assert {lock["blocker_doing"] for lock in locks} == {"Sleep"}
    assert {lock["sure"] for lock in locks} == {"likely"}
    assert {lock["statement"] for lock in locks} == {waiting[0], "SELECT * FROM orders WHERE amount = ?"}
    assert value(reading, "mysql.row_locks.waiting") == 0
    assert value(reading, "mysql.query.slow.recent") == 0


async def test_with_the_metadata_lock_plugin_the_blocker_is_known(server: MariaDBServer) -> None:
    server.run("INSTALL SONAME 'metadata_lock_info'")
    async with collecting(server.options()) as collector:
        # An older transaction on something else must not be blamed.
        with session(server, "SELECT * FROM mysql.user"), session(server, "SELECT * FROM orders") as blocker:
            number = blocker.connection.thread_id()
            with blocked(server, "ALTER TABLE orders ADD COLUMN note INT"):
                reading = await poll_until(collector, "mysql.metadata_locks.waiting", 1)
                blocker.execute("ROLLBACK")
    server.run("ALTER TABLE shop.orders DROP COLUMN note", "UNINSTALL SONAME 'metadata_lock_info'")
    (lock,) = rows(reading, "locks")
    assert (lock["blocker"], lock["sure"], lock["object"]) == (number, "yes", "shop.orders")


async def test_row_lock_waits_lead_to_the_root_blocker(server: MariaDBServer) -> None:
    async with collecting(server.options()) as collector:
        await collector.poll()
        with session(server, "UPDATE orders SET amount = 11 WHERE id = 1") as blocker:
            number = blocker.connection.thread_id()
            with blocked(server, *["UPDATE orders SET amount = 12 WHERE id = 1"] * 2):
                reading = await poll_until(collector, "mysql.row_locks.waiting", 2)
                oldest = value(reading, "mysql.transaction.oldest")
                older = await poll_until(collector, "mysql.lock.root_blocker.age", (oldest or 0) + 1)
                blocker.execute("ROLLBACK")
        after = await poll_until(collector, "mysql.row_locks.waiting", 0)
    locks = rows(reading, "locks")
    assert [(lock["blocker"], lock["kind"], lock["object"]) for lock in locks] == [(number, "row", "shop.orders")] * 2
    assert {lock["sure"] for lock in locks} == {"yes"}
    assert oldest is not None
    assert value(older, "mysql.transaction.oldest") == oldest + 1
    assert value(after, "mysql.lock.root_blocker.age") == 0
    waited = value(after, "mysql.row_locks.time")
    assert waited is not None
    assert waited > 0


async def test_a_deadlock_is_counted(server: MariaDBServer) -> None:
    async with collecting(server.options()) as collector:
        await collector.poll()
        before = await collector.poll()
        # The second one takes row 3, then waits for row 2.
        with (
            session(server, "UPDATE orders SET amount = 5 WHERE id = 2") as one,
            blocked(server, "UPDATE orders SET amount = 6 WHERE id IN (2, 3) ORDER BY id DESC"),
        ):
            await poll_until(collector, "mysql.row_locks.waiting", 1)
            with contextlib.suppress(pymysql.err.OperationalError):
                one.execute("UPDATE orders SET amount = 5 WHERE id = 3")
            one.execute("ROLLBACK")
        after = await collector.poll()
    assert value(before, "mysql.deadlocks.recent") == 0
    assert value(after, "mysql.deadlocks.recent") == 1


async def test_statement_text_is_harmless_and_free_of_user_data(server: MariaDBServer) -> None:
    hostile = "SELECT SLEEP(5) /* \x1b]0;owned\x07 */ FROM orders WHERE amount <> 'top \udcff secret'"
    async with collecting(server.options()) as collector:
        with blocked(server, hostile.encode("utf-8", "surrogateescape").decode("latin1")):
            reading = await poll_until(collector, "mysql.threads.running", 1)
            (statement,) = rows(reading, "statements")
            server.run(f"KILL QUERY {statement['id']}")
    assert statement["statement"] == "SELECT SLEEP(?) FROM orders WHERE amount <> ?"
    assert (statement["user"], statement["db"]) == ("root", "shop")


async def test_response_times_give_windowed_quantiles(server: MariaDBServer) -> None:
    server.run("INSTALL SONAME 'query_response_time'", "SET GLOBAL query_response_time_stats = ON")
    try:
        clock = ManualClock()
        async with collecting(server.options(), clock) as collector:
            await collector.poll()
            await asyncio.to_thread(server.run, *["SELECT SLEEP(0.05)"] * 20)
            clock.advance(6)
            reading = await collector.poll()
    finally:
        server.run("SET GLOBAL query_response_time_stats = OFF", "UNINSTALL SONAME 'query_response_time'")
    p90, p95 = (value(reading, f"mysql.query.duration.{name}") for name in ("p90", "p95"))
    assert p90 is not None
    assert p95 is not None
    assert 0.03 < p90 <= p95 < 0.13


async def test_the_documented_grants_suffice(server: MariaDBServer) -> None:
    async with collecting(server.options("watcher", "w4tch")) as collector:
        with (
            session(server, "UPDATE orders SET amount = 1 WHERE id = 1") as blocker,
            blocked(server, "UPDATE orders SET amount = 2 WHERE id = 1"),
        ):
            reading = await poll_until(collector, "mysql.row_locks.waiting", 1)
            blocker.execute("ROLLBACK")
    assert not reading.denied
    assert len(rows(reading, "locks")) == 1


async def test_an_account_without_grants_is_degraded_and_told_what_is_missing(server: MariaDBServer) -> None:
    async with collecting(server.options("nobody", "n0body")) as collector:
        await collector.poll()
        reading = await collector.poll()
    assert value(reading, "mysql.query.client.count") is not None
    assert value(reading, "mysql.query.oldest") is None
    assert reading.denied["statements"] == "needs GRANT PROCESS ON *.*"
    assert reading.denied["mysql.replica.running"] == "needs GRANT SLAVE MONITOR ON *.*"
    assert "statements" not in reading.tables


async def test_a_wrong_password_is_denied_without_showing_it(server: MariaDBServer) -> None:
    with pytest.raises(Denied, match='refused the user "watcher"') as refused:
        async with collecting(server.options("watcher", "guessed-wrong", tcp=True)):
            pass
    assert "guessed-wrong" not in str(refused.value)


async def test_a_cancelled_statement_is_not_left_running(server: MariaDBServer) -> None:
    connection = MySQLConnection(server.options())
    await connection.open()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await connection.rows("SELECT SLEEP(30)")
    with pytest.raises(Unreachable):
        await connection.rows("SELECT 1")
    await connection.close()

    async def gone() -> bool:
        return not server.run("SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'")

    await eventually(gone, deadline=STATEMENT_LIMIT + 2)


async def test_a_server_that_hangs_can_be_left(server: MariaDBServer) -> None:
    async with collecting(server.options(tcp=True)) as collector:
        await collector.poll()
        server.freeze()
        try:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await collector.poll()
            await collector.close()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await collector.open()
        finally:
            server.thaw()
        await collector.open()
        assert value(await collector.poll(), "mysql.uptime") is not None


async def test_a_stopped_server_is_unreachable_and_recovers_as_restarted(server: MariaDBServer) -> None:
    async with collecting(server.options()) as collector:
        await collector.poll()
        await collector.poll()
        server.stop()
        with pytest.raises(Unreachable):
            await collector.poll()
        with pytest.raises(Unreachable):
            await collector.open()
        server.start()
        await collector.open()
        reading = await collector.poll()
    assert value(reading, "mysql.query.client.count") is None
    uptime = value(reading, "mysql.uptime")
    assert uptime is not None
    assert uptime < 5


async def test_all_slots_taken_is_said(server: MariaDBServer) -> None:
    server.run("SET GLOBAL max_connections = 10")
    connections = [MySQLConnection(server.options("watcher", "w4tch", tcp=True)) for _ in range(12)]
    try:
        with pytest.raises(Unreachable, match="no free connection"):
            for connection in connections:
                await connection.open()
    finally:
        for connection in connections:
            await connection.close()
        server.run("SET GLOBAL max_connections = 151")


async def test_tls_is_used_and_never_silently_left_out(server: MariaDBServer, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    options = msgspec.structs.replace(server.options("watcher", "w4tch", tcp=True), ca_file=str(certificate))
    with pytest.raises(Unreachable, match="offers none"):
        await MySQLConnection(options).open()
    server.stop()
    server.start(f"--ssl-cert={certificate}", f"--ssl-key={key}")
    connection = MySQLConnection(options)
    await connection.open()
    ((_, cipher),) = await connection.rows("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
    await connection.close()
    assert cipher
    with pytest.raises(Unreachable, match="not trusted"):
        await MySQLConnection(msgspec.structs.replace(options, ca_file=certifi.where())).open()
