"""`cleanup.connections`: close database connections that have slept for long, on MySQL and MariaDB.

Looked at: information_schema.processlist and innodb_trx, performance_schema's connection attributes where they are on.
Closed with KILL CONNECTION, one by one, each looked at again right before: what woke up since the preview is left.
(Between that look and the KILL lies a round trip in which one may wake up all the same, as with any KILL.)

Never closed: replication, the server's own and root's, backups, perftui's own. Open transactions only when asked for.

Needs PROCESS to see the others, and to close them CONNECTION ADMIN (MariaDB from 10.5), CONNECTION_ADMIN (MySQL from 8)
or SUPER (older); SELECT on performance_schema lets it tell programs apart, where that is on.

The servers keep one connection beyond max_connections for whoever may close others' (both manuals, "Too many
connections"), so that this works while nobody else gets in; perftui holds none for it between two calls.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

import msgspec

from perftui.actions.cleanup.blockers import METRICS, Blocker, blockers
from perftui.actions.cleanup.connection_closing import Closing
from perftui.actions.cleanup.connection_rights import Grant, read_around, text_of
from perftui.actions.cleanup.connection_words import number_of, preview, unknown, warnings
from perftui.actions.cleanup.sleepers import Choice, Connection, Session, Wanted, choose, read_sessions
from perftui.actions.contract import Action, Ask, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.mysql_slot import NO_SLOT, open_when_free
from perftui.actions.params import Params
from perftui.config.kinds import MySQLOptions
from perftui.config.settings import SourceSettings
from perftui.core import matcher
from perftui.core.action import ActionInfo, Line, Must, Offer, Param, ParamKind, Proof, Risk, Watch
from perftui.core.clock import Clock
from perftui.core.errors import Denied, Refused, SourceError, TargetChanged, Unreachable

if TYPE_CHECKING:
    from perftui.connect.mysql import MySQLConnection

VERIFY_AFTER = 2.0
PER_SECOND = 200.0
_IDENTITY = "SELECT @@hostname, @@port, @@server_id, @@version"
_MAKE_ROOM = (
    "give perftui's account CONNECTION ADMIN (MySQL: CONNECTION_ADMIN), for which the server keeps one connection more "
    "than max_connections; or use MariaDB's extra_port"
)
_PARAMS = (
    Param(name="idle", help="sleeping for at least this long", kind=ParamKind.DURATION, default="10m", least=30.0),
    Param(name="user", help="pattern of the accounts", default="*"),
    Param(name="host", help="pattern of the clients' addresses", default="*"),
    Param(name="limit", help="how many at most", kind=ParamKind.INTEGER, default="100", least=1, most=1000),
    Param(name="transactions", help="those with an open transaction, too", kind=ParamKind.FLAG, default="no"),
    Param(name="id", help="this one alone: its number on the server", kind=ParamKind.INTEGER, least=1),
)


class Database(Connection, Protocol):
    """A connection that is opened for the length of a call and closed at its end."""

    async def open(self) -> None:
        """Connect. Raises SourceError."""

    async def close(self) -> None:
        """Hang up; never raises."""


def _connection(options: MySQLOptions) -> "MySQLConnection":
    from perftui.connect.mysql import MySQLConnection

    return MySQLConnection(options)


class CleanupConnections(Action):
    """Closes sleeping connections; `connect` makes the connection to a server."""

    info = ActionInfo(
        id="cleanup.connections",
        title="Close sleeping connections",
        key="c",
        risk=Risk.MEDIUM,
        reversible=False,
        kinds=("mysql",),
        params=_PARAMS,
    )

    def __init__(
        self,
        ground: Ground,
        clock: Clock,
        verify_after: float = VERIFY_AFTER,
        connect: Callable[[MySQLOptions], Database] = _connection,
    ) -> None:
        super().__init__(ground, clock)
        self._verify_after = verify_after
        self._connect = connect

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return all that sleep for long; where an alert says that a sleeping transaction blocks others, that first."""
        usual = super().offers(target, ask)
        alert = ask.alert
        if alert is None or alert.source != target.name or alert.metric not in METRICS:
            return usual
        root = next((each for each in self._blockers(target).values() if each.sleeps), None)
        return usual if root is None else (self._against(target, root), *usual)

    def _against(self, target: SourceSettings, root: Blocker) -> Offer:
        note = f"the root blocker is a sleeping transaction, {root.brief}"
        params = {"id": str(root.id), "transactions": "yes", "idle": "30s"}
        offer = self.offer(target, f"Close the sleeping connection #{root.id}", note, **params)
        return msgspec.structs.replace(offer, risk=Risk.HIGH)

    def _blockers(self, target: SourceSettings) -> dict[int, Blocker]:
        """Return those that others wait for, by the last reading, if that is young enough."""
        reading = self.ground.readings.get(target.name)
        fresh = reading is not None and self.ground.is_fresh(target.name)
        return blockers(reading.tables.get("locks")) if reading is not None and fresh else {}

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return which server answers."""
        async with self._link(target) as link:
            return await _identity(link)

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """List the connections that would be closed, and how many others are left alone, and why."""
        wanted = _wanted(params)
        async with self._link(target) as link:
            identity = await _identity(link)
            around, grant = await read_around(link)
            choice = choose(await self._sessions(link, target, grant), wanted, around)
        if choice.chosen and not grant.may_kill:
            raise Refused("rights", f"this account may not close others' connections on {target.name}", grant.words)
        chosen, blocking = choice.chosen, self._blockers(target)
        with_transaction = [each for each in chosen if each.transaction is not None]
        return Findings(
            title=f"close {number_of(len(chosen))} on {target.name}",
            command="; ".join(f"KILL CONNECTION {each.id}" for each in chosen) or "SHOW PROCESSLIST",
            identity=identity,
            targets=tuple(each.words for each in chosen),
            work=chosen,
            lines=preview(choice, wanted, blocking),
            share=len(chosen) / choice.total,
            risk=Risk.HIGH if with_transaction else None,
            rests_on=(
                f"processlist and innodb_trx of {target.name}, just read",
                *((f"the lock waits of {target.name}, as last read",) if blocking else ()),
            ),
            unknown=unknown(around),
            warnings=warnings(choice, wanted, with_transaction),
            estimate=len(chosen) / PER_SECOND,
            watches=_watches(target.name, choice, wanted),
        )

    async def apply(self, job: Job) -> Receipt:
        """Close the planned connections that still sleep as they did."""
        planned: tuple[Session, ...] = tuple(job.work)
        async with self._link(job.target) as link:
            if await _identity(link) != job.plan.identity:
                raise TargetChanged(f"{job.target.name} is another server than was planned for; preview it again")
            _, grant = await read_around(link)
            before = len(await self._sessions(link, job.target, grant))
            closing = Closing(link, job, self.clock, grant.words)
            with contextlib.suppress(SourceError):  # it is told in the receipt
                await closing.run(planned)
        return closing.receipt(len(planned), before)

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Look again: are they gone, and have as many come back? Of a single one only whether it is gone counts."""
        await asyncio.sleep(self._verify_after)
        async with self._link(job.target) as link:
            _, grant = await read_around(link)
            now = await self._sessions(link, job.target, grant)
        before, there = receipt.facts.get("connections", 0.0), {each.id: each for each in now}
        still = sum(each.is_still(there.get(each.id)) for each in job.work)
        lines = (
            Line("connections, later", f"{before:,.0f}", f"{len(now):,}"),
            Line("planned ones that are still there", f"{len(job.work):,}", f"{still:,}"),
        )
        has_helped = not still if job.params["id"] else len(now) < before
        is_done = bool(receipt.applied) and has_helped
        good = Proof.HELD if job.params["id"] else Proof.RECOVERED
        return Verdict(proof=good if is_done else Proof.UNCHANGED, lines=lines)

    @asynccontextmanager
    async def _link(self, target: SourceSettings) -> AsyncIterator[Database]:
        if not isinstance(target.options, MySQLOptions):
            raise Refused("target", f"{target.name} is no MySQL or MariaDB", "choose a mysql source")
        link = self._connect(target.options)
        try:
            await open_when_free(link)
        except Unreachable as error:
            if NO_SLOT not in str(error):
                raise
            reason = f"{target.name} is full and gives this account no connection"
            raise Refused("target", reason, _MAKE_ROOM) from error
        try:
            yield link
        finally:
            await link.close()

    async def _sessions(self, link: Connection, target: SourceSettings, grant: Grant) -> list[Session]:
        try:
            return await read_sessions(link)
        except Denied as error:
            reason = f"this account may not see the connections of {target.name}"
            raise Refused("rights", reason, grant.words) from error


async def _identity(link: Connection) -> dict[str, str]:
    (row,) = await link.rows(_IDENTITY)
    return dict(zip(("host", "port", "server_id", "version"), (text_of(cell) for cell in row), strict=True))


def _wanted(params: Params) -> Wanted:
    for name in ("user", "host"):
        try:
            matcher.check(params[name])
        except ValueError as error:
            raise Refused("parameters", f"{name}: {error}", "give a pattern such as app-*") from error
    return Wanted(
        idle=params.seconds("idle"),
        user=params["user"],
        host=params["host"],
        most=params.integer("limit"),
        transactions=params.flag("transactions"),
        id=params.integer("id") if params["id"] else None,
    )


def _watches(source: str, choice: Choice, wanted: Wanted) -> tuple[Watch, ...]:
    if not choice.chosen:
        return ()
    fewer = min(0.1, len(choice.chosen) / choice.total / 2)
    must = Must.KEEP if wanted.id else Must.IMPROVE  # whose one connection is closed opens another
    return (
        Watch(label="connections", source=source, metric="mysql.connections", must=must, tolerance=fewer),
        Watch(label="running threads", source=source, metric="mysql.threads.running", must=Must.KEEP),
    )
