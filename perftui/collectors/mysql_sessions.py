"""Who is connected and doing something: running statements and open transactions."""

from collections.abc import Iterable
from dataclasses import dataclass

from perftui.collectors.mysql_redact import redact
from perftui.connect.mysql import MySQLConnection, Row
from perftui.core.reading import Table
from perftui.core.text import clean

MAX_TRANSACTIONS = 50
MAX_SESSIONS = 100
MAX_STATEMENTS = 30

_RUNNING = "command IN ('Query', 'Execute')"
_METADATA_STATES = ("%metadata lock", "Waiting for global read lock", "Waiting for backup lock", "%table flush")
_METADATA_WAIT = f"({' OR '.join(f'state LIKE {state!r}' for state in _METADATA_STATES)})"
_SERVERS_OWN = {"system user", "event_scheduler"}

_TRANSACTIONS = f"""
    SELECT trx_mysql_thread_id, TIMESTAMPDIFF(SECOND, trx_started, NOW())
    FROM information_schema.innodb_trx WHERE trx_mysql_thread_id NOT IN (0, CONNECTION_ID())
    ORDER BY trx_started LIMIT {MAX_TRANSACTIONS}"""
_COUNT_METADATA = f"""
    SELECT COUNT(*) FROM information_schema.processlist
    WHERE {_RUNNING} AND {_METADATA_WAIT} AND id <> CONNECTION_ID()"""


@dataclass(frozen=True, slots=True)
class Session:
    """One session; `seconds` in its present state, `transaction` the age of its open transaction, None without."""

    id: int
    user: str
    host: str
    database: str
    command: str
    seconds: float
    state: str
    statement: str
    waits_for_metadata: bool = False
    transaction: float | None = None

    @property
    def is_running(self) -> bool:
        """Whether it executes a statement of a client."""
        return self.command in ("Query", "Execute") and self.user not in _SERVERS_OWN

    @property
    def doing(self) -> str:
        """What it does in a few words: its state, or `Sleep`."""
        return (self.state or self.command) if self.is_running else self.command


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions that run a statement or hold a transaction, the one in its state the longest first."""

    all: tuple[Session, ...]
    oldest_transaction: float
    waiting_for_metadata: int

    @property
    def running(self) -> list[Session]:
        """Those that execute a statement."""
        return [session for session in self.all if session.is_running]

    @property
    def oldest_statement(self) -> float:
        """Seconds that the oldest running statement runs; 0 when none does."""
        return max((session.seconds for session in self.running), default=0.0)

    def statements(self) -> Table:
        """Return the running statements as a table."""
        return Table(
            columns=("id", "user", "host", "db", "seconds", "state", "statement"),
            rows=tuple(
                (each.id, each.user, each.host, each.database, each.seconds, each.state, each.statement)
                for each in self.running[:MAX_STATEMENTS]
            ),
        )


async def read_sessions(connection: MySQLConnection) -> Sessions:
    """Ask for open transactions and the sessions behind them. Raises Denied without the PROCESS privilege."""
    ages = {
        int(thread): max(0.0, float(seconds or 0))
        for thread, seconds in await connection.rows(_TRANSACTIONS)
        if thread is not None
    }
    rows = await connection.rows(_sessions_query(ages, connection.is_mariadb))
    sessions = tuple(_session(row, ages) for row in rows)
    waiting = sum(session.waits_for_metadata for session in sessions)
    if len(rows) == MAX_SESSIONS:
        waiting = int((await connection.rows(_COUNT_METADATA))[0][0] or 0)
    return Sessions(sessions, max(ages.values(), default=0.0), waiting)


def _sessions_query(transactions: Iterable[int], mariadb: bool) -> str:
    """Return the query for sessions that run something or hold a transaction; those that sleep on one come first."""
    seconds, statement = ("time_ms / 1000", "info_binary") if mariadb else ("time", "CAST(info AS BINARY)")
    holders = ", ".join(str(thread) for thread in transactions) or "0"
    return f"""
    SELECT id, user, host, db, command, {seconds} AS seconds, state, LEFT({statement}, 1024), {_METADATA_WAIT}
    FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND ({_RUNNING} OR id IN ({holders}))
    ORDER BY command = 'Sleep' DESC, seconds DESC LIMIT {MAX_SESSIONS}"""


def _session(row: Row, transactions: dict[int, float]) -> Session:
    number, user, host, database, command, seconds, state, statement, waits = row
    thread = int(number or 0)
    return Session(
        id=thread,
        user=clean(user or b"", 80),
        host=clean(host or b"", 100),
        database=clean(database or b"", 80),
        command=clean(command or b"", 40),
        seconds=max(0.0, float(seconds or 0)),
        state=clean(state or b"", 80),
        statement=redact(statement or b""),
        waits_for_metadata=waits == b"1",
        transaction=transactions.get(thread),
    )
