"""The methods of the protocol: what a console can ask of the agent."""

import os
import platform
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from perftui import __version__
from perftui.actions.contract import Actor
from perftui.actions.frame.guard import FILE_READ_ONLY, FILE_REMEDY, FLAG_READ_ONLY, FLAG_REMEDY
from perftui.actions.frame.runner import ActionRunner
from perftui.agent.connection import Connection
from perftui.agent.peer import ADMIN, VIEWER
from perftui.agent.requests import (
    AckRequest,
    ApplyRequest,
    AuditRequest,
    Bye,
    CancelRequest,
    EndedRequest,
    History,
    Nothing,
    OffersRequest,
    PlanRequest,
    RuleRequest,
    SilenceRequest,
    Source,
    Subscribe,
    UndoRequest,
    UnsilenceRequest,
)
from perftui.alerts.rules.file import rule_infos
from perftui.core.alert import RuleInfo, Silence
from perftui.core.clock import Clock
from perftui.core.errors import ProtocolError, Refused, RequestFailed
from perftui.core.series import Attributes
from perftui.core.text import clean
from perftui.core.wire import INVALID_REQUEST, MAX_HISTORY, METHOD_NOT_FOUND, PROTOCOL, Hello, HistoryChunk, Welcome
from perftui.engine.engine import Engine

POINT_BYTES = 96
"""At most: two numbers of JSON."""
CHUNK_POINTS = MAX_HISTORY // POINT_BYTES


class _Lock(NamedTuple):
    """When nothing may be written, who says so, and what to do about it."""

    holds: Callable[[Connection, Engine], bool]
    why: str
    remedy: str


_CONSOLE = _Lock(lambda connection, _: connection.read_only, "this console came with --read-only", "start another one")
_FILE = _Lock(lambda _, engine: engine.settings.read_only, FILE_READ_ONLY, FILE_REMEDY)
_FLAG = _Lock(lambda _, engine: engine.read_only, FLAG_READ_ONLY, FLAG_REMEDY)  # or the file, which was asked before
_DECIDES = (_CONSOLE,)
"""For what touches only the state of perftui itself: a read-only agent takes it."""
_CONFIGURES = (_CONSOLE, _FILE, _FLAG)
"""For what writes the configuration."""


class _Method(NamedTuple):
    """What its parameters look like, who answers, and who may ask: `stranger` before a hello, `role` at least.

    It is refused while one of `locks` holds. What `acts` waits until the actions are loaded, shortly after the start.
    """

    params: type[msgspec.Struct]
    answer: Callable[..., Awaitable[object]]
    role: str = VIEWER
    stranger: bool = False
    locks: tuple[_Lock, ...] = ()
    acts: bool = False


class Methods:
    """Answers the requests of all connections."""

    def __init__(
        self,
        engine: Engine,
        actions: ActionRunner,
        clock: Clock,
        reload: Callable[[], Awaitable[None]],
        set_rule: Callable[[str, dict[str, str]], Awaitable[RuleInfo]],
        *,
        private: bool,
    ) -> None:
        self._engine = engine
        self._actions = actions
        self._clock = clock
        self._reload = reload
        self._change_rule = set_rule
        self._private = private
        self._table: dict[str, _Method] = {
            "hello": _Method(Hello, self._hello, stranger=True),
            "bye": _Method(Bye, self._bye, stranger=True),
            "subscribe": _Method(Subscribe, self._subscribe),
            "history": _Method(History, self._history),
            "poll": _Method(Source, self._poll, role=ADMIN),
            "reload": _Method(Nothing, self._reload_config, role=ADMIN),
            "actions": _Method(Nothing, self._infos, acts=True),
            "offers": _Method(OffersRequest, self._offers, role=ADMIN, acts=True),
            "plan": _Method(PlanRequest, self._plan, role=ADMIN, acts=True),
            "undo": _Method(UndoRequest, self._undo, role=ADMIN, acts=True),
            "apply": _Method(ApplyRequest, self._apply),
            "cancel": _Method(CancelRequest, self._cancel),
            "audit": _Method(AuditRequest, self._audit),
            "health": _Method(Nothing, self._health),
            "ack": _Method(AckRequest, self._ack, role=ADMIN, locks=_DECIDES),
            "unack": _Method(AckRequest, self._unack, role=ADMIN, locks=_DECIDES),
            "silence": _Method(SilenceRequest, self._silence, role=ADMIN, locks=_DECIDES),
            "unsilence": _Method(UnsilenceRequest, self._unsilence, role=ADMIN, locks=_DECIDES),
            "ended": _Method(EndedRequest, self._ended),
            "rules": _Method(Nothing, self._rules),
            "set_rule": _Method(RuleRequest, self._set_rule, role=ADMIN, locks=_CONFIGURES),
        }

    async def handle(self, connection: Connection, method: str, params: msgspec.Raw) -> object:
        """Answer one request. Raises RequestFailed, another PerftuiError, or MsgspecError for wrong parameters."""
        known = self._table.get(method)
        if known is None:
            raise RequestFailed(f"there is no method {clean(method, 40)}", METHOD_NOT_FOUND)
        if not connection.is_console and not known.stranger:
            raise RequestFailed(f"{method}: say hello first", INVALID_REQUEST)
        if known.role == ADMIN and connection.peer.role != ADMIN:
            raise Refused("role", f"{method} is for admins and you are {connection.peer.role}", "attach as the owner")
        for lock in known.locks:
            if lock.holds(connection, self._engine):
                raise Refused("read-only", f"{lock.why}, and {method} writes", lock.remedy)
        if known.acts:
            await self._actions.ready()
        return await known.answer(connection, msgspec.json.decode(params, type=known.params))

    async def _hello(self, connection: Connection, hello: Hello) -> Welcome:
        if hello.protocol[0] > PROTOCOL[1] or hello.protocol[1] < PROTOCOL[0]:
            raise ProtocolError(
                f"this agent is perftui {__version__} and speaks protocol {PROTOCOL[0]}-{PROTOCOL[1]}, "
                f"the console is {clean(hello.version, 20)} and speaks {hello.protocol[0]}-{hello.protocol[1]}: "
                f"end the agent (pid {os.getpid()}) or install one version of both"
            )
        connection.read_only = hello.read_only
        connection.is_console = True
        self._engine.publish_agent()
        settings = self._engine.settings
        return Welcome(
            protocol=PROTOCOL,
            version=__version__,
            host=clean(platform.node(), 64),
            pid=os.getpid(),
            private=self._private,
            role=connection.peer.role,
            monotonic=self._clock.monotonic(),
            wall=self._clock.wall(),
            config_path=settings.path,
            config_digest=settings.digest,
            read_only=self._engine.read_only or connection.read_only,
        )

    async def _subscribe(self, connection: Connection, request: Subscribe) -> None:
        connection.subscriber.subscribe(request.topics, resync=request.resync)

    async def _history(self, connection: Connection, request: History) -> None:
        for source, metric, attributes in request.series:
            await self._send_series(connection, source, metric, attributes)

    async def _send_series(self, connection: Connection, source: str, metric: str, attributes: Attributes) -> None:
        history = self._engine.histories.get(source)
        points = list(history.points(metric, attributes)) if history else []
        for start in range(0, max(1, len(points)), CHUNK_POINTS):
            part = points[start : start + CHUNK_POINTS]
            chunk = HistoryChunk(
                source=source,
                metric=metric,
                attributes=attributes,
                wall=[wall for wall, _ in part],
                values=[value for _, value in part],
                done=start + CHUNK_POINTS >= len(points),
            )
            connection.notify("history", chunk)
            await connection.drain()

    async def _poll(self, _connection: Connection, request: Source) -> None:
        if not self._engine.poke(request.source):
            raise RequestFailed(f"there is no source {clean(request.source, 60)}")

    async def _reload_config(self, _connection: Connection, _request: Nothing) -> None:
        await self._reload()

    async def _bye(self, connection: Connection, request: Bye) -> None:
        connection.said_bye = request.end

    async def _infos(self, _connection: Connection, _request: Nothing) -> object:
        return self._actions.infos

    async def _offers(self, _connection: Connection, request: OffersRequest) -> object:
        return self._actions.offers(request.key, request.source, request.alert, request.params)

    async def _plan(self, connection: Connection, request: PlanRequest) -> object:
        wanted = (request.action, request.target, request.params, request.alert)
        return await self._actions.plan(*wanted, read_only=connection.read_only)

    async def _undo(self, connection: Connection, request: UndoRequest) -> object:
        return await self._actions.undo(request.plan, read_only=connection.read_only)

    async def _apply(self, connection: Connection, request: ApplyRequest) -> object:
        return await self._actions.apply(
            request.plan,
            request.confirmation,
            _actor(connection),
            reason=request.reason,
            break_glass=request.break_glass,
        )

    async def _audit(self, _connection: Connection, request: AuditRequest) -> object:
        return await self._actions.audit(request.number)

    async def _health(self, _connection: Connection, _request: Nothing) -> object:
        from perftui.actions.bundle.health import health_of  # here: the first figures need not wait for it

        return health_of(self._engine, self._clock)

    async def _cancel(self, connection: Connection, request: CancelRequest) -> None:
        self._actions.cancel(request.plan, _actor(connection))

    async def _ack(self, connection: Connection, request: AckRequest) -> None:
        await self._engine.alerting.ack(request.key, _author(connection), request.note)

    async def _unack(self, _connection: Connection, request: AckRequest) -> None:
        await self._engine.alerting.unack(request.key)

    async def _silence(self, connection: Connection, request: SilenceRequest) -> Silence:
        author = _author(connection)
        return await self._engine.alerting.silence(request.matchers, request.seconds, author, request.comment)

    async def _unsilence(self, _connection: Connection, request: UnsilenceRequest) -> None:
        await self._engine.alerting.unsilence(request.id)

    async def _ended(self, _connection: Connection, request: EndedRequest) -> object:
        return self._engine.alerting.ended(request.rule, request.source, request.attributes)

    async def _rules(self, _connection: Connection, _request: Nothing) -> object:
        return rule_infos(self._engine.settings)

    async def _set_rule(self, _connection: Connection, request: RuleRequest) -> RuleInfo:
        return await self._change_rule(request.name, request.changes)


def _author(connection: Connection) -> str:
    """Return whose decision it is: who logged in, and who that claims to be."""
    peer = connection.peer
    claimed = peer.claimed.get("SUDO_USER", "")
    return f"{peer.login} (claims {claimed})" if claimed and claimed != peer.login else peer.login


def _actor(connection: Connection) -> Actor:
    peer = connection.peer
    return Actor(
        uid=peer.uid,
        role=peer.role,
        read_only=connection.read_only,
        description="console" if connection.is_console else "script",
        pid=peer.pid,
        login=peer.login,
        claimed=peer.claimed,
    )
