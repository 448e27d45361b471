"""The mysql collector in virtual time: what MySQL 8 is asked, replication, restarts, parts that fail."""

import pytest

from perftui.collectors.histogram import quantile
from perftui.collectors.mysql import MySQLCollector
from perftui.collectors.mysql_latency import parse
from perftui.config.kinds import MySQLOptions
from perftui.connect.mysql import MySQLConnection, Record, Row
from perftui.core.catalogue import CATALOGUE
from perftui.core.clock import ManualClock
from perftui.core.errors import BadAnswer, Denied, SourceError
from perftui.core.reading import Reading

MYSQL_8 = "8.0.36-0ubuntu0.22.04.1"
MARIADB = "10.11.6-MariaDB"


class FakeServer(MySQLConnection):
    """Answers by the first of `answers` whose key is in the statement; an error is raised, anything else empty."""

    def __init__(self, version: str) -> None:
        super().__init__(MySQLOptions())
        self.version = version
        self.status = {"Questions": 1000.0, "Uptime": 500.0, "Threads_connected": 5.0, "Threads_running": 2.0}
        self.own = {"Questions": 10.0}
        self.answers: dict[str, list[Row] | SourceError] = {"max_connections": [(b"100",)]}
        self.channels: list[Record] | SourceError = []
        self.asked: list[str] = []
        self.opened = 0

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        pass

    async def rows(self, sql: str) -> tuple[Row, ...]:
        self.asked.append(sql)
        self.statements += 1
        for scope, variables in (("GLOBAL", self.status), ("SESSION", self.own)):
            if sql.startswith(f"SHOW {scope} STATUS"):
                return tuple((name.encode(), str(value).encode()) for name, value in variables.items())
        for key, answer in self.answers.items():
            if key in sql:
                if isinstance(answer, SourceError):
                    raise answer
                return tuple(answer)
        return ()

    async def records(self, sql: str) -> list[Record]:
        self.asked.append(sql)
        if isinstance(self.channels, SourceError):
            raise self.channels
        return self.channels


async def collect(server: FakeServer, polls: int = 1, clock: ManualClock | None = None) -> Reading:
    clock = clock or ManualClock()
    collector = MySQLCollector("db", MySQLOptions(), clock, server)
    await collector.open()
    for _ in range(polls - 1):
        await collector.poll()
        clock.advance(1)
    return await collector.poll()


def values(reading: Reading) -> dict[str, float]:
    return {
        sample.metric + "".join(f" {name}={value}" for name, value in sample.attributes): sample.value
        for sample in reading.samples
    }


async def test_every_metric_is_in_the_catalogue() -> None:
    server = FakeServer(MARIADB)
    server.channels = [{"Slave_IO_Running": b"Yes", "Slave_SQL_Running": b"Yes", "Seconds_Behind_Master": b"3"}]
    assert {sample.metric for sample in (await collect(server, 2)).samples} <= CATALOGUE.keys()


async def test_our_own_statements_and_session_are_taken_out() -> None:
    server, clock = FakeServer(MYSQL_8), ManualClock()
    collector = MySQLCollector("db", MySQLOptions(), clock, server)
    await collector.poll()
    server.status["Questions"] += 54
    server.own["Questions"] += 4
    clock.advance(2)
    found = values(await collector.poll())
    assert found["mysql.query.client.count"] == 25
    assert (found["mysql.connections"], found["mysql.threads.running"]) == (4, 1)
    assert found["mysql.connections.utilization"] == pytest.approx(0.05)


async def test_response_times_of_the_last_seconds_and_only_with_statements() -> None:
    server, clock = FakeServer(MARIADB), ManualClock()
    server.answers["information_schema.plugins"] = [(b"QUERY_RESPONSE_TIME",)]
    server.answers["query_response_time"] = [(b"0.1", b"50"), (b"1.1", b"10"), (b"TOO LONG", b"0")]
    collector = MySQLCollector("db", MySQLOptions(), clock, server)
    await collector.open()
    await collector.poll()
    clock.advance(5)
    server.answers["query_response_time"] = [(b"0.1", b"130"), (b"1.1", b"30"), (b"TOO LONG", b"0")]
    found = values(await collector.poll())
    assert (found["mysql.query.duration.p90"], found["mysql.query.duration.p95"]) == pytest.approx((0.6, 0.85))
    clock.advance(5)
    assert "mysql.query.duration.p90" not in values(await collector.poll())


async def test_a_restart_gives_no_rate() -> None:
    server, clock = FakeServer(MARIADB), ManualClock()
    collector = MySQLCollector("db", MySQLOptions(), clock, server)
    await collector.poll()
    clock.advance(1)
    server.status |= {"Uptime": 1.0, "Questions": 2000.0}
    assert "mysql.query.client.count" not in values(await collector.poll())


@pytest.mark.parametrize(("requests", "reads", "ratio"), [(100, 27, 0.73), (0, 0, None), (50, 0, 1.0)])
async def test_the_buffer_pool_ratio_is_of_this_interval_and_absent_without_traffic(
    requests: float, reads: float, ratio: float | None
) -> None:
    server, clock = FakeServer(MARIADB), ManualClock()
    server.status |= {"Innodb_buffer_pool_read_requests": 1e6, "Innodb_buffer_pool_reads": 5e5}
    collector = MySQLCollector("db", MySQLOptions(), clock, server)
    await collector.poll()
    server.status["Innodb_buffer_pool_read_requests"] += requests
    server.status["Innodb_buffer_pool_reads"] += reads
    clock.advance(1)
    assert values(await collector.poll()).get("mysql.buffer_pool.hit_ratio") == pytest.approx(ratio)


async def test_slow_statements_stay_a_minute() -> None:
    server, clock = FakeServer(MARIADB), ManualClock()
    server.status["Slow_queries"] = 7
    collector = MySQLCollector("db", MySQLOptions(), clock, server)
    await collector.poll()
    clock.advance(1)
    server.status["Slow_queries"] = 12
    seen = []
    for _ in range(3):
        seen.append(values(await collector.poll())["mysql.query.slow.recent"])
        clock.advance(35)
    assert seen == [5, 5, 0]


async def test_mysql_8_is_asked_in_its_own_words() -> None:
    server = FakeServer(MYSQL_8)
    server.status["Innodb_row_lock_current_waits"] = 1
    server.answers |= {
        "lock_deadlocks": [(b"4",)],
        "data_lock_waits": [(b"8", b"9", b"shop.orders", b"12")],
        "p.lock_status = 'PENDING'": [(b"7", b"9", b"shop.orders", b"3")],
        "SELECT trx_mysql_thread_id": [(b"9", b"90")],
        "information_schema.processlist": [
            (b"9", b"app", b"web-1:55", b"shop", b"Sleep", b"80", b"", None, b"0"),
            (b"7", b"app", b"web-1:56", b"shop", b"Query", b"3", b"Waiting for table metadata lock", b"DROP t", b"1"),
        ],
    }
    reading = await collect(server)
    assert [row[:5] for row in reading.tables["locks"].rows] == [(9, "app", "Sleep", 90, 8), (9, "app", "Sleep", 90, 7)]
    assert any("SHOW REPLICA STATUS" in sql for sql in server.asked)
    assert values(reading)["mysql.query.oldest"] == 3
    assert values(reading)["mysql.lock.root_blocker.age"] == 90
    assert reading.facts["family"] == "MySQL"


async def test_without_select_on_performance_schema_only_the_blockers_are_missing() -> None:
    server = FakeServer(MYSQL_8)
    server.status["Innodb_row_lock_current_waits"] = 1
    server.answers["data_lock_waits"] = Denied("needs GRANT SELECT ON performance_schema.data_locks")
    reading = await collect(server, 3)
    assert set(reading.denied) == {"locks", "mysql.lock.root_blocker.age"}
    assert "mysql.lock.root_blocker.age" not in values(reading)
    assert "statements" in reading.tables
    assert sum("data_lock_waits" in sql for sql in server.asked) == 1


async def test_a_part_the_server_cannot_answer_is_named_and_asked_again() -> None:
    server = FakeServer(MARIADB)
    server.answers["information_schema.processlist"] = BadAnswer("db: error 1021: Disk full (/tmp/#sql)")
    reading = await collect(server, 2)
    assert "Disk full" in reading.denied["mysql.query.oldest"]
    assert "mysql.query.client.count" in values(reading)
    assert sum("information_schema.processlist" in sql for sql in server.asked) == 2


async def test_a_degraded_account_connects_anew_each_minute() -> None:
    server, clock = FakeServer(MARIADB), ManualClock()
    server.answers["innodb_trx"] = Denied("needs GRANT PROCESS ON *.*")
    collector = MySQLCollector("db", MySQLOptions(), clock, server)
    await collector.open()
    await collector.poll()
    del server.answers["innodb_trx"]
    clock.advance(30)
    assert (await collector.poll()).denied
    clock.advance(31)
    assert not (await collector.poll()).denied
    assert server.opened == 2


async def test_a_stopped_replica_has_no_lag_but_an_error() -> None:
    server = FakeServer(MYSQL_8)
    server.channels = [
        {
            "Channel_Name": b"eu",
            "Replica_IO_Running": b"Yes",
            "Replica_SQL_Running": b"No",
            "Seconds_Behind_Source": None,
            "Last_SQL_Error": b"Duplicate entry 'ann@example.org' for key 'email'\x1b[2J",
        }
    ]
    reading = await collect(server)
    found = values(reading)
    assert found["mysql.replica.running channel=eu"] == 0
    assert "mysql.replica.time_behind_source channel=eu" not in found
    assert reading.facts["replication_error eu"] == "Duplicate entry ? for key ?␛[2J"


async def test_who_replicates_from_nobody_is_asked_now_and_then() -> None:
    server, clock = FakeServer("5.7.44"), ManualClock()
    collector = MySQLCollector("db", MySQLOptions(), clock, server)
    for _ in range(40):
        await collector.poll()
        clock.advance(1)
    assert server.asked.count("SHOW SLAVE STATUS") == 2


async def test_the_count_of_waiting_sessions_is_not_cut_with_the_table() -> None:
    server = FakeServer(MARIADB)
    row: Row = (b"1", b"app", b"", b"", b"Query", b"3", b"Waiting for table metadata lock", b"SELECT 1", b"1")
    server.answers["COUNT(*)"] = [(b"431",)]
    server.answers["information_schema.processlist"] = [row] * 100
    assert values(await collect(server))["mysql.metadata_locks.waiting"] == 431


def test_quantiles_are_linear_within_their_bucket() -> None:
    assert quantile(0.95, []) is None
    bounded = parse([(b"  0.001", b"50"), (b"0.101 ", b"50"), (b"TOO LONG", b"0")])
    assert quantile(0.95, bounded) == pytest.approx(0.091)
    assert quantile(0.95, parse([(b"0.5", b"1"), (b"TOO LONG", b"99")])) == 0.5
