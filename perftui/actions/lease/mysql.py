"""The lease on a MySQL or MariaDB server: a lock of the server by name, held by a connection of its own.

`GET_LOCK(name, 0)` gives 1 when it is ours, 0 when another session has it; the server frees it with the session, and
`IS_USED_LOCK` names that session (MariaDB and MySQL manuals, locking functions). It needs no privilege.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from perftui.actions.lease.held import ALREADY, held_by
from perftui.actions.lease.shared import Lease
from perftui.actions.mysql_slot import open_when_free
from perftui.config.kinds import MySQLOptions
from perftui.config.settings import SourceSettings
from perftui.core.errors import BadAnswer, Denied, Refused, SourceError
from perftui.core.text import clean

if TYPE_CHECKING:
    from perftui.connect.mysql import MySQLConnection

LOCK = "perftui.action"
_OURS: set[tuple[str, int]] = set()
"""Servers and sessions that hold it for this process: one server may be configured as two sources."""


@asynccontextmanager
async def mysql_lease(source: SourceSettings, life: float) -> AsyncIterator[Lease]:
    """Hold a server; looks at a third of `life` (seconds) whether it still does. Raises Refused and SourceError."""
    from perftui.connect.mysql import MySQLConnection

    assert isinstance(source.options, MySQLOptions)
    connection = MySQLConnection(source.options)
    await open_when_free(connection)
    watching: asyncio.Task[None] | None = None
    ours: tuple[str, int] | None = None
    try:
        lease = await _take(connection, source.name)
        if await _took_the_spare(connection):
            lease = Lease(note="no lease: the server is full, and its one spare connection is left to the action")
        if lease.note:
            await connection.close()
        else:
            ours = await _session(connection, "CONNECTION_ID()")
            _OURS.add(ours)
            watching = asyncio.create_task(_watch(connection, lease, life / 3), name=f"lease on {source.name}")
        yield lease
    finally:
        if ours is not None:
            _OURS.discard(ours)
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        await connection.close()


async def _took_the_spare(connection: "MySQLConnection") -> bool:
    """Whether this is the one connection beyond max_connections, without which the action itself could not get in."""
    ((_, connected),) = await connection.rows("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
    ((most,),) = await connection.rows("SELECT @@max_connections")
    return int(connected or 0) > int(most or 0)


async def _take(connection: "MySQLConnection", target: str) -> Lease:
    try:
        ((taken,),) = await connection.rows(f"SELECT GET_LOCK('{LOCK}', 0)")
    except (Denied, BadAnswer) as error:
        return Lease(note=f"no lease: {error}; another perftui elsewhere would not be noticed")
    if taken is not None and int(taken) == 1:
        return Lease()
    if await _session(connection, f"IS_USED_LOCK('{LOCK}')") in _OURS:
        return Lease(note=ALREADY)
    raise await _held(connection, target)


async def _session(connection: "MySQLConnection", what: str) -> tuple[str, int]:
    """Return a server, by name and port, and a session of it; 0 where there is none."""
    ((host, port, number),) = await connection.rows(f"SELECT @@hostname, @@port, {what}")
    return f"{clean(host or b'', 255)}:{clean(port or b'', 10)}", int(number or 0)


async def _held(connection: "MySQLConnection", target: str) -> Refused:
    words = "another perftui"
    try:
        rows = await connection.rows(
            f"SELECT id, user, host FROM information_schema.processlist WHERE id = (SELECT IS_USED_LOCK('{LOCK}'))"
        )
    except SourceError:  # whose it is, is nice to know; that it is not ours, is known
        rows = ()
    for number, user, host in rows:
        words = f"connection {clean(number or b'?', 20)} of {clean(user or b'?', 40)} from {clean(host or b'?', 60)}"
    return held_by(words, target)


async def _watch(connection: "MySQLConnection", lease: Lease, every: float) -> None:
    """Look at the lock now and then, which keeps an idle connection from being closed, too."""
    try:
        while True:
            await asyncio.sleep(every)
            ((ours,),) = await connection.rows(f"SELECT IS_USED_LOCK('{LOCK}') = CONNECTION_ID()")
            if ours is None or int(ours) != 1:
                break
    except SourceError:
        pass  # with its connection the lock is gone
    lease.lost.set()
