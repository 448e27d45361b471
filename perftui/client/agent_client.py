"""The live client: follows an agent into one State, reconnects, and starts a private agent again when it died."""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable

import msgspec

from perftui import __version__
from perftui.client import launch
from perftui.client.config_notes import config_notes
from perftui.client.connection import Connection
from perftui.client.merge import extend_tracks, merge_history, merge_update
from perftui.client.state import Link, State
from perftui.core.action import ActionInfo, AuditRow, Offer, Plan, Run
from perftui.core.alert import Alert, RuleInfo, Silence
from perftui.core.clock import Clock, SystemClock
from perftui.core.errors import AgentError, AgentUnavailable, PerftuiError, ProtocolError
from perftui.core.health import HealthReport
from perftui.core.series import SeriesId
from perftui.core.text import clean
from perftui.core.wire import Hello, HistoryChunk, Update, Welcome

TOPICS = ("status/*", "reading/*", "alerts", "runs", "agent")
RETRY = 0.25
RETRY_STRANGER = 5.0
"""Seconds until an agent that is not understood is tried again."""
SERIES_A_REQUEST = 200
SILENT = 1.0
"""Seconds beyond two of the shortest intervals after which an agent that tells nothing counts as silent."""
START_PATIENCE = 5.0
STARTS = 3
STARTS_WINDOW = 60.0
BYE_TIMEOUT = 0.2
PLAN_PATIENCE = 40.0
"""Seconds that a preview or the start of an action may take: each has its own, shorter deadline in the agent."""


class AgentClient:
    """Implements `client.contract.Client` over a Unix socket."""

    def __init__(
        self,
        socket_path: str | None = None,
        config: str | None = None,
        *,
        read_only: bool = False,
        clock: Clock | None = None,
        child: int | None = None,
    ) -> None:
        """`child` is the pid of an agent that this process has started already."""
        self.state = State()
        self.on_change: Callable[[], None] | None = None
        self.started_agent = False
        self._socket_path = socket_path
        self._config = config
        self._read_only = read_only
        self._clock = clock or SystemClock()
        self._connection: Connection | None = None
        self._sequence = 0
        self._met = self._heard = 0.0
        self._child = child
        self._starts: deque[float] = deque(maxlen=STARTS)
        self._watched: frozenset[str] = frozenset()
        self._tables: frozenset[str] = frozenset()
        self._errands: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Connect, follow, reconnect, start the agent again when it died; until cancelled."""
        try:
            while True:
                try:
                    await self._follow()
                except ProtocolError as error:
                    self._lost(str(error))
                    await asyncio.sleep(RETRY_STRANGER)
                except AgentError as error:
                    self._lost(str(error))
                except OSError as error:
                    self._lost(clean(error.strerror or str(error)))
                await asyncio.sleep(RETRY)
        finally:
            for errand in self._errands:
                errand.cancel()
            if self._connection is not None:
                self._connection.close()

    async def _follow(self) -> None:
        """Attach and follow one agent until it goes. Raises AgentError or OSError."""
        connection = await Connection.over(await self._link(), self._on_notification)
        reading = asyncio.create_task(connection.run())
        try:
            await self._introduce(connection)
            await reading
            self._lost("the agent is gone")
        finally:
            self._connection = None
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _link(self) -> socket.socket:
        """Return a connected socket, starting a private agent where there is none."""
        link = launch.connect(self._socket_path)
        if link is not None:
            return link
        if self._socket_path:
            raise AgentUnavailable(f"no agent answers at {self._socket_path}")
        self._start()
        deadline = self._clock.monotonic() + START_PATIENCE
        while self._clock.monotonic() < deadline:
            link = launch.connect()
            if link is not None:
                return link
            self._reap()
            await asyncio.sleep(0.01)
        raise AgentUnavailable("the agent does not answer")

    def _start(self) -> None:
        """Start a private agent, at most three times a minute. Raises AgentUnavailable."""
        now = self._clock.monotonic()
        if len(self._starts) == STARTS and now - self._starts[0] < STARTS_WINDOW:
            wait = STARTS_WINDOW - (now - self._starts[0])
            raise AgentUnavailable(f"the agent died {STARTS} times within a minute; next start in {wait:.0f} s")
        self._starts.append(now)
        try:
            self._child = launch.start_agent(self._config)
        except OSError as error:
            raise AgentUnavailable(f"the agent cannot be started: {error.strerror}") from error
        self.started_agent = True

    def _reap(self) -> None:
        """Raise AgentUnavailable with the agent's own last words when the one we started failed."""
        if self._child is None:
            return
        with contextlib.suppress(ChildProcessError):
            pid, status = os.waitpid(self._child, os.WNOHANG)
            if pid == 0:
                return
            self._child = None
            if os.waitstatus_to_exitcode(status) != 0:
                raise AgentUnavailable(f"the agent ended: {launch.last_words()}")

    async def _introduce(self, connection: Connection) -> None:
        hello = Hello(version=__version__, read_only=self._read_only, config_path=self._config or "")
        welcome = await connection.call("hello", hello, Welcome)
        self._met = self._heard = self._clock.monotonic()
        self._sequence = 0
        self._connection = connection
        self.state.welcome = welcome
        self.state.wall_offset = welcome.wall - welcome.monotonic
        self.state.link, self.state.link_note = Link.LIVE, ""
        self._errand(self._compare_config(welcome))
        self.state.actions = await connection.call("actions", {}, tuple[ActionInfo, ...])
        await self._subscribe()
        self._want(set(self.state.tracks))

    async def _compare_config(self, welcome: Welcome) -> None:
        """Say where the agent's configuration is not the one meant here; a home that hangs holds nothing else up."""
        self.state.own_notes = await asyncio.to_thread(config_notes, self._config, welcome)
        self._changed()

    async def _subscribe(self, *, resync: bool = False) -> None:
        if self._connection is not None:
            topics = [*TOPICS, *sorted(self._tables)]
            await self._connection.call("subscribe", {"topics": topics, "resync": resync}, object)

    def _lost(self, note: str) -> None:
        with contextlib.suppress(AgentUnavailable):
            self._reap()
        self.state.link = Link.LOST if self.state.welcome else Link.CONNECTING
        self.state.link_note = note
        self._changed()

    def _changed(self) -> None:
        self.tick()
        if self.on_change is not None:
            self.on_change()

    def tick(self) -> None:
        """Advance the agent's clock in the state by what has passed here."""
        welcome = self.state.welcome
        if welcome is not None:
            passed = self._clock.monotonic() - self._met
            self.state.now = welcome.monotonic + passed
            self.state.wall = self.state.now + self.state.wall_offset
            self._notice_silence()

    def _notice_silence(self) -> None:
        """Say so when an agent that is attached tells nothing though its sources should have been read."""
        state, quiet = self.state, self._clock.monotonic() - self._heard
        if state.link not in (Link.LIVE, Link.SILENT) or not state.sources:
            return
        shortest = min(status.interval for status in state.sources.values())
        if quiet > SILENT + 2 * shortest:
            state.link, state.link_note = Link.SILENT, f"it has said nothing for {quiet:.0f} s; what fires is not known"
        elif state.link is Link.SILENT:
            state.link, state.link_note = Link.LIVE, ""

    def _on_notification(self, method: str, params: msgspec.Raw) -> None:
        """Take in what the agent tells. Raises ProtocolError for what this version does not understand."""
        self._heard = self._clock.monotonic()
        try:
            if method == "update":
                self._on_update(msgspec.json.decode(params, type=Update))
            elif method == "history":
                self._on_history(msgspec.json.decode(params, type=HistoryChunk))
        except msgspec.MsgspecError as error:
            theirs = self.state.welcome.version if self.state.welcome else "?"
            raise ProtocolError(
                f"the agent is perftui {theirs}, this console {__version__}, which does not understand it: {error}"
            ) from error

    def _on_update(self, update: Update) -> None:
        expected, self._sequence = self._sequence + 1, update.sequence
        self.tick()
        digest = self._digest()
        new = merge_update(self.state, update, self._watched)
        if update.sequence != expected:
            self._errand(self._subscribe(resync=True))
        if self.state.welcome is not None and self._digest() != digest:
            self.state.welcome.config_digest = self._digest()
            self._errand(self._compare_config(self.state.welcome))
        self._want(new)
        self._changed()

    def _digest(self) -> str:
        """Return what tells the configuration that the agent runs on."""
        return self.state.agent.config_digest if self.state.agent else ""

    def _on_history(self, chunk: HistoryChunk) -> None:
        merge_history(self.state, chunk)
        if chunk.done:
            self._changed()

    def _want(self, series: set[SeriesId]) -> None:
        """Ask for the past of `series`."""
        connection, ordered = self._connection, sorted(series)
        if connection is not None:
            for start in range(0, len(ordered), SERIES_A_REQUEST):
                part = ordered[start : start + SERIES_A_REQUEST]
                self._errand(connection.call("history", {"series": part}, object))

    def _errand(self, work: Awaitable[object]) -> None:
        """Do `work` beside the reading of updates; what it can't do, the next connection does again."""

        async def do() -> None:
            with contextlib.suppress(PerftuiError):
                await work

        task = asyncio.create_task(do())
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def watch(self, metrics: frozenset[str]) -> None:
        """Keep tracks for every series of these metrics; a track that would get a hole is dropped."""
        new, self._watched = metrics - self._watched, metrics
        for series in [series for series in self.state.tracks if series.metric not in metrics]:
            del self.state.tracks[series]
        for reading in self.state.readings.values():
            self._want(extend_tracks(self.state, reading, new))

    def show_tables(self, topics: frozenset[str]) -> None:
        """Receive these tables and no others."""
        if topics != self._tables:
            self._tables = topics
            self._errand(self._subscribe())

    def _attached(self) -> Connection:
        if self._connection is None:
            raise AgentUnavailable(self.state.link_note or "no agent is attached")
        return self._connection

    async def poll(self, source: str) -> None:
        """Force a probe of a source now."""
        await self._attached().call("poll", {"source": source}, object)

    async def reload(self) -> None:
        """Let the agent read its configuration again."""
        await self._attached().call("reload", {}, object)

    async def offers(
        self, key: str = "", source: str = "", alert: str = "", params: dict[str, str] | None = None
    ) -> tuple[Offer, ...]:
        """Return what can be done: in the picker of a key, on a source, or against an alert."""
        wanted = {"key": key, "source": source, "alert": alert, "params": params or {}}
        return await self._attached().call("offers", wanted, tuple[Offer, ...])

    async def plan(self, action: str, target: str, params: dict[str, str], alert: str = "") -> Plan:
        """Preview an action."""
        wanted = {"action": action, "target": target, "params": params, "alert": alert}
        return await self._attached().call("plan", wanted, Plan, PLAN_PATIENCE)

    async def undo(self, plan: str) -> Plan:
        """Preview what takes a run back."""
        return await self._attached().call("undo", {"plan": plan}, Plan, PLAN_PATIENCE)

    async def apply(self, plan: Plan, confirmation: str, reason: str = "", *, break_glass: bool = False) -> Run:
        """Start what was previewed."""
        wanted = {"plan": plan.id, "confirmation": confirmation, "reason": reason, "break_glass": break_glass}
        return await self._attached().call("apply", wanted, Run, PLAN_PATIENCE)

    async def cancel(self, plan: str) -> None:
        """Stop a running action between two of its steps."""
        await self._attached().call("cancel", {"plan": plan}, object)

    async def audit(self, number: int = 200) -> tuple[AuditRow, ...]:
        """Return the last actions of the audit log, newest first."""
        return await self._attached().call("audit", {"number": number}, tuple[AuditRow, ...])

    async def health(self) -> HealthReport:
        """Return how the whole stands, what is wrong, and what would help."""
        return await self._attached().call("health", {}, HealthReport)

    async def ack(self, key: str, note: str = "") -> None:
        """Say that somebody takes care of an alert until it is resolved."""
        await self._attached().call("ack", {"key": key, "note": note}, object)

    async def unack(self, key: str) -> None:
        """Take that back."""
        await self._attached().call("unack", {"key": key}, object)

    async def silence(self, matchers: dict[str, str], seconds: float, comment: str = "") -> Silence:
        """Let alerts with these labels call nobody for a time."""
        wanted = {"matchers": matchers, "seconds": seconds, "comment": comment}
        return await self._attached().call("silence", wanted, Silence)

    async def unsilence(self, id: str) -> None:
        """End a silence."""
        await self._attached().call("unsilence", {"id": id}, object)

    async def ended(self, alert: Alert) -> tuple[Alert, ...]:
        """Return how the same alert ended before, newest first."""
        wanted = {"rule": alert.rule, "source": alert.source, "attributes": alert.attributes}
        return await self._attached().call("ended", wanted, tuple[Alert, ...])

    async def rules(self) -> tuple[RuleInfo, ...]:
        """Return the rules that are in force, and those that are switched off."""
        return await self._attached().call("rules", {}, tuple[RuleInfo, ...])

    async def set_rule(self, name: str, changes: dict[str, str]) -> RuleInfo:
        """Change a rule, here and in its file."""
        return await self._attached().call("set_rule", {"name": name, "changes": changes}, RuleInfo)

    async def bye(self, *, end: bool = True) -> None:
        """Say that this is a quit; `end`: of a private agent too, when nobody else is attached."""
        if self._connection is not None:
            with contextlib.suppress(AgentError, TimeoutError):
                async with asyncio.timeout(BYE_TIMEOUT):
                    await self._connection.call("bye", {"end": end}, object)
