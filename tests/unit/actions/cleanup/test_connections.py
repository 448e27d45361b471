"""`cleanup.connections` on a server of plain data: who is never closed, and that the preview is the effect."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from perftui.actions.cleanup.blockers import METRICS
from perftui.actions.cleanup.connections import CleanupConnections
from perftui.actions.cleanup.sleepers import Row, Session, Transaction
from perftui.actions.contract import Ask, Findings, Job, Receipt, make_plan
from perftui.actions.params import read_params
from perftui.config.kinds import MySQLOptions
from perftui.config.settings import SourceSettings
from perftui.core.action import Must, Proof, Risk
from perftui.core.alert import Alert
from perftui.core.clock import ManualClock
from perftui.core.errors import BadAnswer, Denied, Refused, TargetChanged, Unreachable
from perftui.core.reading import Reading, Table
from tests.unit.actions.stage import Stage

TARGET = SourceSettings(name="db-1", kind="mysql", options=MySQLOptions())
READS, WRITES = Transaction(700.0, 0, 0), Transaction(650.0, 3, 5)


def session(number: int, idle: float = 900.0, **changes: object) -> Session:
    base = Session(
        id=number, user="app", host=f"10.0.0.5:{number}", database="shop", command="Sleep", idle=idle, since=1e6 - idle
    )
    return msgspec.structs.replace(base, **changes)


class Server:
    """Answers what the action asks; `killed` is what it closed, `before_kill` is called first."""

    def __init__(self, *sessions: Session, programs: dict[int, str] | None = None) -> None:
        self.sessions = {each.id: each for each in sessions}
        self.programs = programs
        self.grants = ["GRANT PROCESS, CONNECTION ADMIN ON *.* TO `watcher`@`%`"]
        self.killed: list[int] = []
        self.open_connections = 0
        self.before_kill: Callable[[int], None] = lambda number: None
        self.hostname = b"db"

    def connect(self, options: MySQLOptions) -> "Server":
        return self

    async def open(self) -> None:
        self.open_connections += 1

    async def close(self) -> None:
        self.open_connections -= 1

    async def rows(self, sql: str) -> tuple[Row, ...]:
        await asyncio.sleep(0)
        word = sql.strip()
        if word.startswith("KILL CONNECTION "):
            return self._kill(int(word.removeprefix("KILL CONNECTION ")))
        if "processlist p" in sql:
            return self._sessions(sql)
        if "session_connect_attrs" in sql:
            return tuple((b"%d" % number, name.encode()) for number, name in (self.programs or {}).items())
        return {
            "SELECT @@performance_schema": ((b"0" if self.programs is None else b"1",),),
            "SELECT @@hostname, @@port, @@server_id, @@version": ((self.hostname, b"3306", b"1", b"10.11.6-MariaDB"),),
            "SHOW GLOBAL STATUS LIKE 'Uptime'": ((b"Uptime", b"100000"),),
            "SELECT USER(), CURRENT_USER(), @@version": ((b"watcher@10.9.9.9", b"watcher@%", b"10.11.6-MariaDB"),),
            "SHOW GRANTS": tuple((grant.encode(),) for grant in self.grants),
        }[word]

    def _sessions(self, sql: str) -> tuple[Row, ...]:
        only = int(sql.rpartition("p.id = ")[2]) if "p.id = " in sql else None
        return tuple(_row(each) for each in self.sessions.values() if only in (None, each.id))

    def _kill(self, number: int) -> tuple[Row, ...]:
        self.before_kill(number)
        if number not in self.sessions:
            raise BadAnswer("db: error 1094: Unknown thread id")
        del self.sessions[number]
        self.killed.append(number)
        return ()


def _row(each: Session) -> Row:
    open_one = each.transaction
    texts = (each.id, each.user, each.host, each.database, each.command, round(each.idle), round(each.since))
    transaction = (open_one.age, open_one.changed, open_one.locked) if open_one else (None, None, None)
    return tuple(None if cell is None else str(cell).encode() for cell in (*texts, *transaction))


class Played:
    """The action on a server; `plan` and `apply` as the runner would."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.server = server
        self.clock = ManualClock()
        self.ground = Stage(folder)
        self.action = CleanupConnections(self.ground, self.clock, verify_after=0.0, connect=server.connect)
        self.cancelled = asyncio.Event()

    async def plan(self, **given: str) -> Findings:
        return await self.action.plan(TARGET, read_params(self.action.info, given))

    def job(self, found: Findings, **given: str) -> Job:
        plan = make_plan(self.action.info, TARGET, found, read_params(self.action.info, given), self.clock)
        return Job(TARGET, plan, found.work, lambda *_: None, self.cancelled)

    async def apply(self, found: Findings) -> Receipt:
        return await self.action.apply(self.job(found))


def ids(found: Findings) -> list[int]:
    return [each.id for each in found.work]


@pytest.mark.parametrize(
    ("one", "program", "why"),
    [
        (session(1, command="Query"), None, None),
        (session(1, command="Binlog Dump"), None, None),
        (session(1, idle=599), None, None),
        (session(1, user="system user"), None, "of the server itself or of root"),
        (session(1, user="event_scheduler"), None, "of the server itself or of root"),
        (session(1, user="mariadb.sys"), None, "of the server itself or of root"),
        (session(1, user="root"), None, "of the server itself or of root"),
        (session(1, user="watcher", host="10.9.9.9:1"), None, "of perftui's own account"),
        (session(1, user="app"), "perftui", "perftui's own"),
        (session(1, user="nightly-backup"), None, "of a backup"),
        (session(1), "mysqldump", "of a backup"),
        (session(1), "mariadb-backup", "of a backup"),
        (session(1, idle=100_001), None, "idle for longer than the server is up: its time cannot be trusted"),
        (session(1, transaction=WRITES), None, "with an open transaction (transactions=yes closes them, too)"),
    ],
)
async def test_never_closed(tmp_path: Path, one: Session, program: str | None, why: str | None) -> None:
    server = Server(one, session(2), programs=None if program is None else {1: program, 2: "app"})
    played = Played(tmp_path, server)
    found = await played.plan()
    assert ids(found) == [2]
    assert [line.label for line in found.lines if line.label.startswith("left alone")] == (
        [f"left alone, {why}"] if why else []
    )
    await played.apply(found)
    assert server.killed == [2]


async def test_an_open_transaction_is_closed_only_when_asked_for_and_said_so(tmp_path: Path) -> None:
    server = Server(session(1, transaction=WRITES), session(2, transaction=READS), session(3))
    found = await Played(tmp_path, server).plan(transactions="yes")
    assert ids(found) == [1, 3]
    assert found.risk is Risk.HIGH
    assert found.warnings == ("1 OPEN TRANSACTION is rolled back, with 3 changed rows",)
    assert found.targets[0].endswith("idle 15m, OPEN TRANSACTION 10m50s: 3 rows changed, 5 locked")
    assert any("it may be the snapshot of a backup" in line.label for line in found.lines)
    known = Server(*server.sessions.values(), programs={2: "shop"})
    assert 2 in ids(await Played(tmp_path, known).plan(transactions="yes"))


LOCKS = Table(
    columns=(
        *("blocker", "blocker_user", "blocker_doing", "blocker_seconds", "waiting", "waiting_user"),
        *("kind", "object", "seconds", "statement", "sure"),
    ),
    rows=(
        (8, "batch", "Updating", 400.0, 12, "web", "row", "shop.stock", 3.0, "UPDATE shop.stock", "yes"),
        (7, "app", "Sleep", 130.0, 9, "app", "metadata", "shop.orders", 62.0, "ALTER TABLE shop.orders", "yes"),
        (7, "app", "Sleep", 130.0, 11, "web", "metadata", "", 60.0, "SELECT 1", "likely"),
        (6, "app", "Sleep", 20.0, 14, "web", "metadata", "", 10.0, "SELECT 2", "likely"),
        (None, "", "", None, 13, "web", "metadata", "", 2.0, "SELECT 1", "unknown"),
    ),
)


def locked(played: Played, table: Table = LOCKS) -> None:
    """Let the last reading of the server show who waits for whom."""
    reading = Reading(source="db-1", monotonic=0, wall=0, duration=0, tables={"locks": table})
    played.ground.readings = {"db-1": reading}


def about(metric: str, source: str = "db-1") -> Ask:
    return Ask(Alert(rule="root-blocker", source=source, metric=metric))


@pytest.mark.parametrize("metric", METRICS)
async def test_against_a_root_blocker_that_sleeps_it_offers_to_close_just_that(tmp_path: Path, metric: str) -> None:
    server = Server(session(7, idle=40.0, transaction=WRITES), session(5), session(6, idle=31.0, transaction=WRITES))
    played = Played(tmp_path, server)
    locked(played)
    against, usual = played.action.offers(TARGET, about(metric))
    assert (against.risk, against.params) == (Risk.HIGH, {"id": "7", "transactions": "yes", "idle": "30s"})
    assert against.note == "the root blocker is a sleeping transaction, open for 2m10s, 2 sessions wait for it"
    assert (usual.risk, usual.params) == (Risk.MEDIUM, {})
    found = await played.plan(**against.params)
    assert ids(found) == [7]
    assert found.risk is Risk.HIGH
    (line,) = [line for line in found.lines if line.label == "#7 holds up others"]
    assert line.before == "open for 2m10s, 2 sessions wait for it; locks shop.orders (metadata), a table (metadata)"
    await played.apply(found)
    assert server.killed == [7]


async def test_without_a_sleeping_root_blocker_there_is_nothing_to_offer_against_it(tmp_path: Path) -> None:
    played = Played(tmp_path, Server())
    ask = about("mysql.lock.root_blocker.age")
    assert len(played.action.offers(TARGET, ask)) == 1, "nothing was read"
    locked(played, msgspec.structs.replace(LOCKS, rows=LOCKS.rows[:1]))
    assert len(played.action.offers(TARGET, ask)) == 1, "it works"
    locked(played)
    assert len(played.action.offers(TARGET, about("mysql.connections"))) == 1
    assert len(played.action.offers(TARGET, about("mysql.lock.root_blocker.age", "db-2"))) == 1
    played.ground.stale = {"db-1"}
    assert len(played.action.offers(TARGET, ask)) == 1, "nobody knows whether it still blocks"


async def test_one_that_is_named_may_only_read_which_is_warned_of(tmp_path: Path) -> None:
    played = Played(tmp_path, Server(session(7, transaction=READS), session(8)))
    found = await played.plan(id="7", transactions="yes")
    assert ids(found) == [7]
    assert found.warnings[1] == "#7 only reads: if that is the snapshot of a backup, the backup fails"
    gone = await played.plan(id="9", transactions="yes")
    assert (gone.targets, gone.warnings) == ((), ("#9 does not sleep for 10m, or has gone, or may not be closed",))
    backup = Played(tmp_path, Server(session(7, user="backup", transaction=READS)))
    assert ids(await backup.plan(id="7", transactions="yes")) == []


async def test_a_single_one_has_helped_once_it_is_gone_whoever_comes(tmp_path: Path) -> None:
    server = Server(session(1, transaction=WRITES), session(2))
    played = Played(tmp_path, server)
    found = await played.plan(id="1", transactions="yes")
    receipt = await played.apply(found)
    server.sessions[11] = session(11, idle=1.0, since=1e6)
    verdict = await played.action.verify(played.job(found, id="1"), receipt)
    assert verdict.proof is Proof.HELD
    assert {watch.must for watch in found.watches} == {Must.KEEP}


async def test_what_is_unknown_is_said_in_short_lines(tmp_path: Path) -> None:
    found = await Played(tmp_path, Server(session(1))).plan()
    assert len(found.unknown) == 2
    assert max(map(len, found.unknown)) <= 110


async def test_patterns_and_the_limit_choose_those_that_slept_the_longest(tmp_path: Path) -> None:
    server = Server(
        session(1, idle=700),
        session(2, idle=900),
        session(3, user="other"),
        session(4, host="localhost"),
        session(5, 800),
    )
    found = await Played(tmp_path, server).plan(user="app", host="10.0.*", limit="2")
    assert ids(found) == [2, 5]
    assert found.share == pytest.approx(2 / 6)
    assert any(line.label == "left alone, beyond the limit of 2" for line in found.lines)
    assert found.command == "KILL CONNECTION 2; KILL CONNECTION 5"
    assert [(watch.metric, watch.must) for watch in found.watches] == [
        ("mysql.connections", Must.IMPROVE),
        ("mysql.threads.running", Must.KEEP),
    ]
    with pytest.raises(Refused, match="no regular expression"):
        await Played(tmp_path, server).plan(user="~(")
    with pytest.raises(Refused, match="at least 30"):
        await Played(tmp_path, server).plan(idle="10s")


async def test_nothing_to_close_is_said(tmp_path: Path) -> None:
    found = await Played(tmp_path, Server(session(1, idle=5))).plan()
    assert (found.targets, found.warnings) == ((), ("nothing sleeps for that long that may be closed",))


def disturbed(chance: random.Random, server: Server, planned: list[int]) -> set[int]:
    """Let some of the planned sessions wake up, go, begin something or make way for others; return which."""
    changed = set(chance.sample(planned, chance.randint(0, len(planned))))
    for number in changed:
        was = server.sessions.pop(number)
        other = chance.choice(
            [
                msgspec.structs.replace(was, command="Query", idle=0.0, since=1e6),
                msgspec.structs.replace(was, idle=40.0, since=1e6 + 60),
                msgspec.structs.replace(was, user="another"),
                msgspec.structs.replace(was, host="10.0.0.9:1"),
                msgspec.structs.replace(was, transaction=None if was.transaction else WRITES),
                None,
            ]
        )
        if other is not None:
            server.sessions[number] = other
    return changed


async def test_the_preview_is_the_effect_in_1000_cases(tmp_path: Path) -> None:
    chance = random.Random(4)
    for _ in range(1000):
        sessions = [
            session(
                number,
                idle=chance.choice([10.0, 700.0, 5000.0]),
                user=chance.choice(["app", "root", "backup", "web"]),
                command=chance.choice(["Sleep", "Sleep", "Sleep", "Query", "Binlog Dump"]),
                transaction=chance.choice([None, None, READS, WRITES]),
            )
            for number in range(1, chance.randint(1, 9))
        ]
        sessions = [msgspec.structs.replace(each, since=1e6 - each.idle) for each in sessions]
        server = Server(*sessions)
        played = Played(tmp_path, server)
        found = await played.plan(transactions=chance.choice(["yes", "no"]), limit=str(chance.randint(1, 9)))
        assert server.killed == []
        planned = ids(found)
        changed = disturbed(chance, server, planned)
        receipt = await played.apply(found)
        assert set(server.killed) == set(planned) - changed
        assert (receipt.applied, receipt.left) == (len(planned) - len(changed), len(changed))
        assert server.open_connections == 0


async def test_one_that_goes_right_before_its_kill_is_left(tmp_path: Path) -> None:
    server = Server(session(1), session(2))

    def go(number: int) -> None:
        if number == 1:
            del server.sessions[1]

    server.before_kill = go
    played = Played(tmp_path, server)
    receipt = await played.apply(await played.plan())
    assert (server.killed, receipt.applied, receipt.left, receipt.problem) == ([2], 1, 1, "")


async def test_a_lost_connection_tells_what_was_done(tmp_path: Path) -> None:
    def lose(number: int) -> None:
        if number == 2:
            raise Unreachable("db: the connection is closed")

    server = Server(session(1), session(2), session(3))
    server.before_kill = lose
    played = Played(tmp_path, server)
    receipt = await played.apply(await played.plan())
    assert (receipt.applied, receipt.complete) == (1, False)
    assert receipt.problem == "broke off after 1 of 3: db: the connection is closed"


async def test_cancelled_between_two(tmp_path: Path) -> None:
    server = Server(session(1), session(2))
    played = Played(tmp_path, server)
    server.before_kill = lambda number: played.cancelled.set()
    receipt = await played.apply(await played.plan())
    assert (server.killed, receipt.complete) == ([1], False)
    assert receipt.message == "1 of 2 sleeping connections closed; cancelled before the end"


async def test_rights_that_are_missing_are_told_as_a_grant(tmp_path: Path) -> None:
    server = Server(session(1))
    server.grants = ["GRANT PROCESS ON *.* TO `watcher`@`%`", "GRANT SUPER ON `x`.* TO `watcher`@`%`"]
    with pytest.raises(Refused, match=r"GRANT PROCESS, CONNECTION ADMIN ON \*\.\* TO 'watcher'@'%'"):
        await Played(tmp_path, server).plan()
    server.grants = ["GRANT PROCESS ON *.* TO `watcher`@`%`", "GRANT `operator` TO `watcher`@`%`"]
    played = Played(tmp_path, server)
    found = await played.plan()

    def deny(number: int) -> None:
        raise Denied("a privilege is missing: You are not owner of thread 1")

    server.before_kill = deny
    receipt = await played.apply(found)
    assert (receipt.applied, receipt.failed) == (0, 1)
    assert "GRANT PROCESS, CONNECTION ADMIN" in receipt.problem


async def test_another_server_is_not_touched(tmp_path: Path) -> None:
    server = Server(session(1))
    played = Played(tmp_path, server)
    found = await played.plan()
    server.hostname = b"other"
    with pytest.raises(TargetChanged):
        await played.apply(found)
    assert server.killed == []


@pytest.mark.parametrize(("come_back", "proof"), [(False, Proof.RECOVERED), (True, Proof.UNCHANGED)])
async def test_it_has_helped_when_fewer_are_there(tmp_path: Path, come_back: bool, proof: Proof) -> None:
    server = Server(session(1), session(2))
    played = Played(tmp_path, server)
    found = await played.plan()
    receipt = await played.apply(found)
    if come_back:
        server.sessions = {number: session(number, idle=1.0, since=1e6) for number in (11, 12)}
    verdict = await played.action.verify(played.job(found), receipt)
    assert verdict.proof is proof
    assert [(line.before, line.after) for line in verdict.lines] == [("2", "2" if come_back else "0"), ("2", "0")]
