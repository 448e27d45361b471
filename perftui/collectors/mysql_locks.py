"""Who waits for whom: row locks and metadata locks, each waiting session with the root of its wait.

The root often is a session in `Sleep`: a transaction that somebody forgot to end. Where the server tells who blocks
whom the answer is sure (`sure` = yes): row locks everywhere; metadata locks on MySQL 8 from performance_schema
and on MariaDB from the plugin METADATA_LOCK_INFO. Plain MariaDB does not tell: then the candidates are the open
transactions at least as old as the wait, the oldest is named, and `sure` says `likely` or `1 of N`.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from perftui.collectors.mysql_sessions import Session, Sessions
from perftui.connect.mysql import MySQLConnection
from perftui.core.reading import Table
from perftui.core.text import clean

MAX_WAITS = 200
MAX_ROWS = 30
_CLOCK_STEP = 1.0

_ROWS_OLD = f"""
    SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id, l.lock_table,
      TIMESTAMPDIFF(SECOND, r.trx_wait_started, NOW())
    FROM information_schema.innodb_lock_waits w
    JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_trx_id
    JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_trx_id
    JOIN information_schema.innodb_locks l ON l.lock_id = w.requested_lock_id LIMIT {MAX_WAITS}"""
_ROWS_8 = f"""
    SELECT r.trx_mysql_thread_id, b.trx_mysql_thread_id, CONCAT(l.object_schema, '.', l.object_name),
      TIMESTAMPDIFF(SECOND, r.trx_wait_started, NOW())
    FROM performance_schema.data_lock_waits w
    JOIN performance_schema.data_locks l ON l.engine = w.engine AND l.engine_lock_id = w.requesting_engine_lock_id
    JOIN information_schema.innodb_trx r ON r.trx_id = w.requesting_engine_transaction_id
    JOIN information_schema.innodb_trx b ON b.trx_id = w.blocking_engine_transaction_id LIMIT {MAX_WAITS}"""
_METADATA_8 = f"""
    SELECT waiting.processlist_id, holding.processlist_id, CONCAT_WS('.', p.object_schema, p.object_name),
      waiting.processlist_time
    FROM performance_schema.metadata_locks p
    JOIN performance_schema.metadata_locks g ON g.lock_status = 'GRANTED' AND g.object_type = p.object_type
      AND g.object_schema <=> p.object_schema AND g.object_name <=> p.object_name
      AND g.owner_thread_id <> p.owner_thread_id
    JOIN performance_schema.threads waiting ON waiting.thread_id = p.owner_thread_id
    JOIN performance_schema.threads holding ON holding.thread_id = g.owner_thread_id
    WHERE p.lock_status = 'PENDING' LIMIT {MAX_WAITS}"""
_HOLDERS = f"""
    SELECT thread_id, table_schema, table_name FROM information_schema.metadata_lock_info
    WHERE lock_type = 'Table metadata lock' AND thread_id <> CONNECTION_ID() LIMIT {MAX_WAITS}"""


class Wait(NamedTuple):
    """`waiting` waits for `blocker` (0 when unknown) since `seconds`."""

    waiting: int
    blocker: int
    kind: str
    object: str
    seconds: float
    sure: str = "yes"


class Holder(NamedTuple):
    """A session that holds a metadata lock on a table."""

    session: int
    schema: str
    table: str


async def read_row_waits(connection: MySQLConnection) -> list[Wait]:
    """Ask InnoDB who waits for whose row locks."""
    return await _waits(connection, _ROWS_8 if connection.is_mysql_8 else _ROWS_OLD, "row")


async def read_metadata_waits(connection: MySQLConnection, sessions: Sessions, has_plugin: bool) -> list[Wait]:
    """Ask who waits for whose metadata locks, or find the likely one where the server does not tell."""
    if connection.is_mysql_8:
        return await _waits(connection, _METADATA_8, "metadata")
    holders: list[Holder] = []
    if has_plugin:
        rows = await connection.rows(_HOLDERS)
        holders = [Holder(int(row[0] or 0), clean(row[1] or b"", 80), clean(row[2] or b"", 80)) for row in rows]
    return find_metadata_blockers(sessions.all, holders)


async def _waits(connection: MySQLConnection, query: str, kind: str) -> list[Wait]:
    return [
        Wait(int(waiting or 0), int(blocker or 0), kind, _table_name(name or b""), float(seconds or 0))
        for waiting, blocker, name, seconds in await connection.rows(query)
    ]


def _table_name(raw: bytes) -> str:
    return clean(raw.replace(b"`", b""), 120)


def find_metadata_blockers(sessions: Iterable[Session], holders: Iterable[Holder]) -> list[Wait]:
    """Return each waiting session with its blocker: a known holder of the table it names, else the likely one."""
    waiting = [session for session in sessions if session.waits_for_metadata]
    blocked = {session.id for session in waiting}
    open_ones = sorted(
        (each for each in sessions if each.transaction is not None and each.id not in blocked),
        key=lambda each: -(each.transaction or 0),
    )
    free = [holder for holder in holders if holder.session not in blocked]
    return [_known(each, free) or _likely(each, open_ones) for each in waiting]


def _known(waiting: Session, holders: list[Holder]) -> Wait | None:
    for holder in holders:
        if re.search(rf"(?<!\w){re.escape(holder.table)}(?!\w)", waiting.statement):
            return Wait(waiting.id, holder.session, "metadata", f"{holder.schema}.{holder.table}", waiting.seconds)
    return None


def _likely(waiting: Session, open_ones: list[Session]) -> Wait:
    candidates = [each for each in open_ones if (each.transaction or 0) + _CLOCK_STEP >= waiting.seconds]
    if not candidates:
        return Wait(waiting.id, 0, "metadata", "", waiting.seconds, "unknown")
    sure = "likely" if len(candidates) == 1 else f"1 of {len(candidates)}"
    return Wait(waiting.id, candidates[0].id, "metadata", "", waiting.seconds, sure)


def root_of(waiting: int, blockers: dict[int, int]) -> int:
    """Follow the chain of waits from `waiting` to the session that itself waits for nobody."""
    seen = {waiting}
    while (next_one := blockers.get(waiting, 0)) and next_one not in seen:
        seen.add(next_one)
        waiting = next_one
    return waiting


def root_blocker_age(waits: list[Wait], sessions: Iterable[Session]) -> float | None:
    """Return the seconds for which the oldest of the roots has had its transaction; 0 when nobody waits.

    None when somebody waits and nobody knows for whom.
    """
    known = {session.id: session for session in sessions}
    roots = {root for root in _roots(waits).values() if root in known}
    if not waits:
        return 0.0
    return max((_age(known[root]) for root in roots), default=None)


def _roots(waits: list[Wait]) -> dict[int, int]:
    """Return the root of each waiting session, 0 where it is not known."""
    waiting = {wait.waiting for wait in waits}
    # Of several blockers take one that does not wait itself: it is nearer to the root.
    edges = {wait.waiting: wait.blocker for wait in sorted(waits, key=lambda wait: wait.blocker not in waiting)}
    return {each: root_of(each, edges) if edges[each] else 0 for each in edges}


def _age(session: Session) -> float:
    """Return the seconds of its transaction, or of its state where it has none."""
    return session.seconds if session.transaction is None else session.transaction


def lock_table(waits: list[Wait], sessions: Iterable[Session]) -> Table:
    """Return one row a waiting session, the root that blocks most of them first."""
    known = {session.id: session for session in sessions}
    roots = _roots(waits)
    weight = Counter(roots.values())
    first = {wait.waiting: wait for wait in sorted(waits, key=lambda wait: wait.seconds)}.values()
    ordered = sorted(first, key=lambda wait: (-weight[roots[wait.waiting]], roots[wait.waiting], -wait.seconds))
    return Table(
        columns=(
            "blocker",
            "blocker_user",
            "blocker_doing",
            "blocker_seconds",
            "waiting",
            "waiting_user",
            "kind",
            "object",
            "seconds",
            "statement",
            "sure",
        ),
        rows=tuple(_row(wait, roots[wait.waiting], known) for wait in ordered[:MAX_ROWS]),
    )


def _row(wait: Wait, root: int, known: dict[int, Session]) -> tuple[str | float | int | None, ...]:
    blocker, waiting = known.get(root), known.get(wait.waiting)
    return (
        root or None,
        blocker.user if blocker else "",
        blocker.doing if blocker else "",
        _age(blocker) if blocker else None,
        wait.waiting,
        waiting.user if waiting else "",
        wait.kind,
        wait.object,
        wait.seconds,
        waiting.statement if waiting else "",
        wait.sure,
    )
