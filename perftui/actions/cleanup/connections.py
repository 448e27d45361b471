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
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from perftui.actions.cleanup.sleepers import (
    Around,
    Choice,
    Connection,
    Session,
    Wanted,
    choose,
    read_programs,
    read_sessions,
)
from perftui.actions.contract import Action, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.mysql_slot import NO_SLOT, open_when_free
from perftui.actions.pace import Pacer
from perftui.actions.params import Params
from perftui.config.kinds import MySQLOptions
from perftui.config.settings import SourceSettings
from perftui.core import matcher
from perftui.core.action import ActionInfo, Line, Must, Param, ParamKind, Proof, Risk, Watch
from perftui.core.clock import Clock
from perftui.core.errors import BadAnswer, Denied, Refused, SourceError, TargetChanged, Unreachable
from perftui.core.text import clean
from perftui.core.units import seconds

if TYPE_CHECKING:
    from perftui.connect.mysql import MySQLConnection

VERIFY_AFTER = 2.0
PER_SECOND = 200.0
_IDENTITY = "SELECT @@hostname, @@port, @@server_id, @@version"
_UPTIME = "SHOW GLOBAL STATUS LIKE 'Uptime'"
_ACCOUNT = "SELECT USER(), CURRENT_USER(), @@version"
_MAY_KILL = ("CONNECTION ADMIN", "CONNECTION_ADMIN", "SUPER", "ALL PRIVILEGES")
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

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return which server answers."""
        async with self._link(target) as link:
            return await _identity(link)

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """List the connections that would be closed, and how many others are left alone, and why."""
        wanted = _wanted(params)
        async with self._link(target) as link:
            identity = await _identity(link)
            around, grant = await _around(link)
            choice = choose(await self._sessions(link, target, grant), wanted, around)
        if choice.chosen and not grant.may_kill:
            raise Refused("rights", f"this account may not close others' connections on {target.name}", grant.words)
        chosen = choice.chosen
        with_transaction = [each for each in chosen if each.transaction is not None]
        return Findings(
            title=f"close {_number(len(chosen))} on {target.name}",
            command="; ".join(f"KILL CONNECTION {each.id}" for each in chosen) or "SHOW PROCESSLIST",
            identity=identity,
            targets=tuple(each.words for each in chosen),
            work=chosen,
            lines=_preview(choice, wanted),
            share=len(chosen) / choice.total,
            risk=Risk.HIGH if with_transaction else None,
            rests_on=(f"processlist and innodb_trx of {target.name}, just read",),
            unknown=_unknown(around),
            warnings=_warnings(choice, with_transaction),
            estimate=len(chosen) / PER_SECOND,
            watches=_watches(target.name, choice),
        )

    async def apply(self, job: Job) -> Receipt:
        """Close the planned connections that still sleep as they did."""
        planned: tuple[Session, ...] = tuple(job.work)
        async with self._link(job.target) as link:
            if await _identity(link) != job.plan.identity:
                raise TargetChanged(f"{job.target.name} is another server than was planned for; preview it again")
            _, grant = await _around(link)
            before = len(await self._sessions(link, job.target, grant))
            closing = _Closing(link, job, self.clock, grant.words)
            with contextlib.suppress(SourceError):  # it is told in the receipt
                await closing.run(planned)
        return closing.receipt(len(planned), before)

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Look again: are they gone, and have as many come back?"""
        await asyncio.sleep(self._verify_after)
        async with self._link(job.target) as link:
            _, grant = await _around(link)
            now = await self._sessions(link, job.target, grant)
        before, there = receipt.facts.get("connections", 0.0), {each.id: each for each in now}
        still = sum(each.is_still(there.get(each.id)) for each in job.work)
        lines = (
            Line("connections, later", f"{before:,.0f}", f"{len(now):,}"),
            Line("planned ones that are still there", f"{len(job.work):,}", f"{still:,}"),
        )
        fewer = bool(receipt.applied) and len(now) < before
        return Verdict(proof=Proof.RECOVERED if fewer else Proof.UNCHANGED, lines=lines)

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

    async def _sessions(self, link: Connection, target: SourceSettings, grant: "_Grant") -> list[Session]:
        try:
            return await read_sessions(link)
        except Denied as error:
            reason = f"this account may not see the connections of {target.name}"
            raise Refused("rights", reason, grant.words) from error


class _Closing:
    """Closes one connection after the other, and counts."""

    def __init__(self, link: Connection, job: Job, clock: Clock, grant: str) -> None:
        self._link = link
        self._job = job
        self._clock = clock
        self._grant = grant
        self._pacer = Pacer(0.0, 1)
        self.closed: list[Session] = []
        self.left: list[Session] = []
        self.failed = 0
        self.problem = ""
        self.complete = True

    async def run(self, planned: tuple[Session, ...]) -> None:
        """Close them until it is cancelled. Raises SourceError once `problem` says what broke off."""
        for number, session in enumerate(planned):
            if self._job.cancelled.is_set():
                self.complete = False
                return
            started = self._clock.monotonic()
            try:
                await self._close(session)
            except SourceError as error:
                self.problem = f"broke off after {len(self.closed)} of {len(planned)}: {error}"
                self.complete = False
                raise
            self._job.report((number + 1) / len(planned), f"{len(self.closed)} of {len(planned)} closed")
            took = self._clock.monotonic() - started
            await asyncio.sleep(self._pacer.pause(took, took))

    async def _close(self, session: Session) -> None:
        (now,) = await read_sessions(self._link, session.id) or (None,)
        if not session.is_still(now):
            self.left.append(session)
            return
        try:
            await self._link.rows(f"KILL CONNECTION {session.id:d}")
        except Denied as error:
            self.failed += 1
            self.problem = f"{error}; {self._grant}"
        except BadAnswer:
            # It went by itself in between: error 1094, no such thread.
            if await read_sessions(self._link, session.id):
                raise
            self.left.append(session)
        else:
            self.closed.append(session)

    def receipt(self, planned: int, before: int) -> Receipt:
        """Return what was done."""
        rolled = sum(each.transaction is not None for each in self.closed)
        lines = [Line("connections closed", f"{planned:,} planned", f"{len(self.closed):,}")]
        if self.left:
            words = ", ".join(f"#{each.id}" for each in self.left[:10]) + (" …" if len(self.left) > 10 else "")
            lines.append(Line("left alone: awake, gone or another by now", after=words))
        if rolled:
            lines.append(Line("transactions rolled back", after=f"{rolled:,}"))
        end = "" if self.complete or self.problem else "; cancelled before the end"
        return Receipt(
            message=f"{len(self.closed):,} of {_number(planned)} closed{end}",
            lines=tuple(lines),
            facts={"connections": float(before)},
            complete=self.complete,
            applied=len(self.closed),
            left=len(self.left),
            failed=self.failed,
            problem=self.problem,
        )


class _Grant:
    """What our account may do, and the statement that would let it do the rest."""

    def __init__(self, account: str, version: str, grants: tuple[str, ...]) -> None:
        is_mariadb = "mariadb" in version.lower()
        release = tuple(int(part) for part in version.partition("-")[0].split(".")[:2] if part.isdecimal())
        right = "CONNECTION ADMIN" if is_mariadb else "CONNECTION_ADMIN"
        if release < ((10, 5) if is_mariadb else (8, 0)):
            right = "SUPER"
        user, _, host = account.rpartition("@")
        self.words = f"GRANT PROCESS, {right} ON *.* TO '{user}'@'{host}'"
        whole = [grant for grant in grants if " ON *.* " in grant]
        # A grant of a role says nothing of what is in it: KILL itself will tell.
        self.may_kill = any(word in grant for grant in whole for word in _MAY_KILL) or any(
            " ON " not in grant for grant in grants
        )


async def _around(link: Connection) -> tuple[Around, _Grant]:
    ((user, account, version),) = await link.rows(_ACCOUNT)
    ((_, uptime),) = await link.rows(_UPTIME)
    grants = await link.rows("SHOW GRANTS")
    name, _, address = _text(user).rpartition("@")
    own = _Grant(_text(account), _text(version), tuple(_text(row[0], 2000) for row in grants))
    return Around((name, address), await read_programs(link), float(uptime or 0)), own


async def _identity(link: Connection) -> dict[str, str]:
    (row,) = await link.rows(_IDENTITY)
    return dict(zip(("host", "port", "server_id", "version"), (_text(cell) for cell in row), strict=True))


def _number(connections: int) -> str:
    return "1 sleeping connection" if connections == 1 else f"{connections:,} sleeping connections"


def _text(cell: bytes | None, limit: int = 200) -> str:
    return clean(cell or b"", limit)


def _wanted(params: Params) -> Wanted:
    for name in ("user", "host"):
        try:
            matcher.check(params[name])
        except ValueError as error:
            raise Refused("parameters", f"{name}: {error}", "give a pattern such as app-*") from error
    return Wanted(
        params.seconds("idle"), params["user"], params["host"], params.integer("limit"), params.flag("transactions")
    )


def _preview(choice: Choice, wanted: Wanted) -> tuple[Line, ...]:
    after = choice.total - len(choice.chosen)
    lines = [
        Line("connections", f"{choice.total:,}", f"{after:,}, and whoever connects anew"),
        Line(f"idle for {seconds(wanted.idle)} or longer", f"{len(choice.chosen) + choice.left.total():,}"),
    ]
    lines += [Line(f"left alone, {reason}", f"{number:,}", f"{number:,}") for reason, number in choice.left.items()]
    if choice.chosen:
        lines.append(Line("aborted clients, as the server counts", after=f"{len(choice.chosen):,} more: expected"))
    return tuple(lines)


def _unknown(around: Around) -> tuple[str, ...]:
    lost = "what the sessions hold: temporary tables, LOCK TABLES, GET_LOCK, variables; it is lost with them"
    programs = "which programs they are: performance_schema is off or may not be read; backups are told by their user"
    return (lost, programs) if around.programs is None else (lost,)


def _warnings(choice: Choice, with_transaction: list[Session]) -> tuple[str, ...]:
    if not choice.chosen:
        return ("nothing sleeps for that long that may be closed",)
    if not with_transaction:
        return ()
    changed = sum(each.transaction.changed for each in with_transaction if each.transaction is not None)
    number = len(with_transaction)
    words = "1 OPEN TRANSACTION is" if number == 1 else f"{number:,} OPEN TRANSACTIONS are"
    return (f"{words} rolled back, with {changed:,} changed rows",)


def _watches(source: str, choice: Choice) -> tuple[Watch, ...]:
    if not choice.chosen:
        return ()
    fewer = min(0.1, len(choice.chosen) / choice.total / 2)
    return (
        Watch(label="connections", source=source, metric="mysql.connections", must=Must.IMPROVE, tolerance=fewer),
        Watch(label="running threads", source=source, metric="mysql.threads.running", must=Must.KEEP),
    )
