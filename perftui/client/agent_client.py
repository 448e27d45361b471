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
from perftui.client.requests import AgentRequests
from perftui.client.state import Link, State
from perftui.core.action import ActionInfo
from perftui.core.clock import Clock, SystemClock
from perftui.core.errors import AgentError, AgentUnavailable, PerftuiError, ProtocolError
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
BYE_TIMEOUT = 1.0


class AgentClient(AgentRequests):
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
        self._errand(self._learn_actions())
        await self._subscribe()
        self._want(set(self.state.tracks))

    async def _learn_actions(self) -> None:
        """Ask what can be done, and what was done lately."""
        self.state.actions = await self._attached().call("actions", {}, tuple[ActionInfo, ...])
        self._errand(self._read_audit())

    async def _read_audit(self) -> None:
        self.state.audit = await self.audit()
        self._changed()

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
        digest, ended = self._digest(), _ended(self.state)
        new = merge_update(self.state, update, self._watched)
        if _ended(self.state) != ended:
            self._errand(self._read_audit())
        if update.sequence != expected:
            self._errand(self._subscribe(resync=True))
        if self.state.welcome is not None and self._digest() != digest:
            self.state.welcome.config_digest = self._digest()
            self._errand(self._compare_config(self.state.welcome))
            self._errand(self._learn_actions())
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
        """Return the connection. Raises AgentUnavailable when there is none."""
        if self._connection is None:
            raise AgentUnavailable(self.state.link_note or "no agent is attached")
        return self._connection

    async def bye(self, *, end: bool = True) -> None:
        """Say that this is a quit; `end`: of a private agent too, when nobody else is attached."""
        if self._connection is not None:
            with contextlib.suppress(AgentError, TimeoutError):
                async with asyncio.timeout(BYE_TIMEOUT):
                    await self._connection.call("bye", {"end": end}, object)


def _ended(state: State) -> frozenset[str]:
    """Return the runs that are over: when one more is, the audit log has news."""
    return frozenset(run.plan.id for run in state.runs if run.ended is not None)
