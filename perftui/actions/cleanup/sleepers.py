"""Sleeping database connections: who they are, which may be closed, and why the others are left alone.

`information_schema.processlist` and `innodb_trx` (MySQL 8.4 manual 28.3.23, 28.4.28; MariaDB Knowledge Base); programs
are the `program_name` and `_client_name` of `performance_schema.session_connect_attrs`, where that may be read.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

import msgspec

from perftui.core import matcher
from perftui.core.errors import BadAnswer, Denied
from perftui.core.text import clean
from perftui.core.units import count, seconds

SESSIONS = """
    SELECT p.id, p.user, p.host, COALESCE(p.db, ''), p.command, CAST(p.time AS SIGNED),
      UNIX_TIMESTAMP() - CAST(p.time AS SIGNED),
      TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), t.trx_rows_modified, t.trx_rows_locked
    FROM information_schema.processlist p
    LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id
    WHERE p.id <> CONNECTION_ID()"""
PROGRAMS = """
    SELECT processlist_id, attr_value FROM performance_schema.session_connect_attrs
    WHERE attr_name IN ('program_name', '_client_name') AND attr_value IS NOT NULL"""
SYSTEM_USERS = frozenset(
    {
        *("root", "system user", "event_scheduler", "unauthenticated user", "debian-sys-maint"),
        *("mysql.session", "mysql.sys", "mysql.infoschema", "mariadb.sys"),
    }
)
_BACKUP = re.compile(r"backup|dump|mysqlpump|wal-g|holland", re.IGNORECASE)
ROUNDING = 1.0
"""Seconds by which two readings of when a connection fell asleep may differ: both are whole seconds."""

Row = tuple[bytes | None, ...]


class Connection(Protocol):
    """What is asked of a connection to the server; a MySQLConnection is one."""

    async def rows(self, sql: str) -> tuple[Row, ...]:
        """Run one statement and return its rows."""


class Transaction(msgspec.Struct, frozen=True):
    """An open transaction of a session: its age in seconds, the rows that it changed and locked."""

    age: float
    changed: int
    locked: int

    @property
    def only_reads(self) -> bool:
        """Whether it may be the consistent snapshot of a backup."""
        return not self.changed and not self.locked


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A connection. `idle` is in seconds, `since` the server's wall seconds of its last statement."""

    id: int
    user: str
    host: str
    database: str
    command: str
    idle: float
    since: float
    transaction: Transaction | None = None

    @property
    def address(self) -> str:
        """Where it comes from, without the port."""
        return self.host.rpartition(":")[0] or self.host

    def is_still(self, now: "Session | None") -> bool:
        """Whether it is the same session and has done nothing since."""
        return (
            now is not None
            and now.command == "Sleep"
            and (now.id, now.user, now.host, now.database) == (self.id, self.user, self.host, self.database)
            and abs(now.since - self.since) <= ROUNDING
            and (now.transaction is None) == (self.transaction is None)
        )

    @property
    def words(self) -> str:
        """Return it in a line: `#12 app@10.0.0.5:4312 db shop, idle 12m`."""
        database = f" db {self.database}" if self.database else ""
        line = f"#{self.id} {self.user}@{self.host}{database}, idle {seconds(self.idle)}"
        if self.transaction is None:
            return line
        each = self.transaction
        return (
            f"{line}, OPEN TRANSACTION {seconds(each.age)}: "
            f"{'1 row' if each.changed == 1 else f'{count(each.changed)} rows'} changed, {count(each.locked)} locked"
        )


class Wanted(NamedTuple):
    """Which connections are asked for: idle for at least so many seconds, patterns, how many, with a transaction?

    `id`: none but this one.
    """

    idle: float
    user: str
    host: str
    most: int
    transactions: bool
    id: int | None = None


class Around(NamedTuple):
    """What is known beside the sessions: our account (user, address), programs by id (None: not known), uptime."""

    account: tuple[str, str]
    programs: Mapping[int, str] | None
    uptime: float


class Choice(NamedTuple):
    """The sessions to be closed, idle the longest first; why how many others that match are left; all there are."""

    chosen: tuple[Session, ...]
    left: Counter[str]
    total: int


async def read_sessions(connection: Connection, only: int | None = None) -> list[Session]:
    """Return the sessions, without our own; `only` the one of this id. Raises SourceError, Denied without PROCESS."""
    rows = await connection.rows(SESSIONS + (f" AND p.id = {only:d}" if only is not None else ""))
    return [_session(row) for row in rows]


async def read_programs(connection: Connection) -> dict[int, str] | None:
    """Return the programs by the ids of their sessions; None where the server does not tell."""
    try:
        ((is_on,),) = await connection.rows("SELECT @@performance_schema")
        rows = await connection.rows(PROGRAMS) if is_on == b"1" else None
    except (Denied, BadAnswer):
        return None
    if rows is None:
        return None
    found: dict[int, str] = {}
    for number, program in rows:
        found[int(number or 0)] = f"{found.get(int(number or 0), '')} {clean(program or b'', 80)}".strip()
    return found


def choose(sessions: Iterable[Session], wanted: Wanted, around: Around) -> Choice:
    """Return which of the sessions are closed."""
    every = list(sessions)
    chosen: list[Session] = []
    left: Counter[str] = Counter()
    for session in sorted(every, key=lambda each: (-each.idle, each.id)):
        if not _matches(session, wanted):
            continue
        reason = _reason(session, wanted, around)
        if not reason and len(chosen) >= wanted.most:
            reason = f"beyond the limit of {wanted.most}"
        if reason:
            left[reason] += 1
        else:
            chosen.append(session)
    clients = sum(session.user not in ("system user", "event_scheduler") for session in every)
    return Choice(tuple(chosen), left, clients + 1)


def _matches(session: Session, wanted: Wanted) -> bool:
    return (
        session.command == "Sleep"
        and wanted.id in (None, session.id)
        and session.idle >= wanted.idle
        and matcher.fits(wanted.user, session.user)
        and matcher.fits(wanted.host, session.address)
    )


def _reason(session: Session, wanted: Wanted, around: Around) -> str:
    """Return why a sleeping session that is asked for is left alone; empty when it is not."""
    program = None if around.programs is None else around.programs.get(session.id)
    if session.user in SYSTEM_USERS:
        return "of the server itself or of root"
    if session.idle > around.uptime:
        return "idle for longer than the server is up: its time cannot be trusted"
    if "perftui" in (program or "") or (program is None and (session.user, session.address) == around.account):
        return "of perftui's own account" if program is None else "perftui's own"
    if _BACKUP.search(session.user) or _BACKUP.search(program or ""):
        return "of a backup"
    return _why_transaction(session, wanted, known=program is not None)


def _why_transaction(session: Session, wanted: Wanted, *, known: bool) -> str:
    if session.transaction is None:
        return ""
    if not wanted.transactions:
        return "with an open transaction (transactions=yes closes them, too)"
    if session.transaction.only_reads and not known and wanted.id is None:
        return "with a transaction that only reads: it may be the snapshot of a backup"
    return ""


def _session(row: Row) -> Session:
    number, user, host, database, command, idle, since, age, changed, locked = row
    return Session(
        id=int(number or 0),
        user=clean(user or b"", 80),
        host=clean(host or b"", 120),
        database=clean(database or b"", 80),
        command=clean(command or b"", 40),
        idle=float(idle or 0),
        since=float(since or 0),
        transaction=None if age is None else Transaction(max(0.0, float(age)), int(changed or 0), int(locked or 0)),
    )
