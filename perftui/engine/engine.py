"""The engine: pollers, recent past and alerts over one hub; started and stopped as a whole."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path

import msgspec

from perftui.alerts.alerting import Alerting
from perftui.alerts.rules.file import known_metrics, rule_book
from perftui.collectors.agent import AgentCollector
from perftui.collectors.base import Collector
from perftui.collectors.registry import collector_for
from perftui.config.address import normalised
from perftui.config.discovery import discover
from perftui.config.kinds import AgentOptions
from perftui.config.settings import Settings, SourceSettings
from perftui.core.alert import Alert, Level
from perftui.core.clock import Clock
from perftui.core.reading import Reading
from perftui.core.series import SeriesId
from perftui.core.status import SourceStatus, stale_after
from perftui.core.text import clean
from perftui.core.wire import AgentState, AlertsView
from perftui.engine.hub import Hub
from perftui.engine.measure import EngineMeasure
from perftui.engine.observer import EngineObserver
from perftui.engine.poller import Poller
from perftui.engine.store import SourceHistory

BULKHEAD = 64
DISCOVER_EVERY = 60.0
TICK = 1.0
MOST_NOTES = 8
LONGEST_WAIT = 60.0
"""Seconds until the alerting is tried again after one defect upon another."""


class Engine:
    """Polls every source, keeps its recent past, evaluates alerts and publishes all of it on `hub`."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        consoles: Callable[[], int] = lambda: 0,
        *,
        read_only: bool = False,
        mute: str = "nobody is told",
        observer: EngineObserver | None = None,
        state: Path | None = None,
    ) -> None:
        """`read_only` is the agent's own flag, beside what the settings say; `mute` why it notifies nobody, if so.

        `observer` looks on; `state` is where alerts, acks and silences are kept.
        """
        self._observer = observer or EngineObserver()
        self.settings = settings
        self._read_only = read_only
        self.hub = Hub()
        self.histories: dict[str, SourceHistory] = {}
        self.pollers: dict[str, Poller] = {}
        self.readings: dict[str, Reading] = {}
        book = rule_book(settings)
        self.alerting = Alerting(
            book,
            known_metrics(settings),
            settings.notify,
            clock,
            self._publish_alerts,
            off=mute,
            observer=self._observer,
            state=state,
        )
        self._notes: dict[str, tuple[str, ...]] = {}
        self._clock = clock
        self._consoles = consoles
        self.measure = EngineMeasure(self.histories, consoles)
        self._sources: dict[str, SourceSettings] = {}
        self._polling: dict[str, asyncio.Task[None]] = {}
        self._bulkheads: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(BULKHEAD))
        self._tasks: list[asyncio.Task[None]] = []
        self._phase = 0
        self.discovered = asyncio.Event()
        self._look_again = asyncio.Event()
        self._changing = asyncio.Lock()
        self._rule_problems = book.problems

    @property
    def sources(self) -> dict[str, SourceSettings]:
        """The sources that are polled now, configured and discovered, by name."""
        return self._sources

    @property
    def read_only(self) -> bool:
        """Whether nothing may be changed through this agent, whoever asks."""
        return self._read_only or self.settings.read_only

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say of the agent itself."""
        return tuple(line for lines in self._notes.values() for line in lines)

    def start(self) -> None:
        """Start polling; call it in the running loop."""
        self.note("rules", *self._rule_problems)
        for source in self.settings.sources:
            self._add(source)
        work = {
            "meter": self.measure.run(),
            "tick": self._tick(),
            "alerting": self._keep_alerting(),
            "notifications": self.alerting.deliver(),
            "discovery": self._discover(),
        }
        self._tasks = [self._own(name, each) for name, each in work.items()]

    async def stop(self) -> None:
        """End every task and close every collector."""
        await _end([*self._tasks, *self._polling.values()])
        self._tasks, self._polling = [], {}
        await self.alerting.close()

    async def reload(self, settings: Settings) -> None:
        """Go over to new settings: sources that did not change keep their connections and their past."""
        book = rule_book(settings)
        async with self._changing:
            self.settings = settings
            self.alerting.use(book, known_metrics(settings), settings.notify)
            self.note("rules", *book.problems)
            wanted = {source.name: source for source in settings.sources}
            places = {(source.kind, normalised(source.address)) for source in settings.sources if source.address}
            for name, source in list(self._sources.items()):
                free = name not in wanted and (source.kind, normalised(source.address)) not in places
                keep = source.discovered and settings.discover and free
                if not keep and wanted.get(name) != source:
                    await self._remove(name, forget=name not in wanted)
            for name, source in wanted.items():
                if name not in self._sources:
                    self._add(source)
        self._look_again.set()
        self.publish_agent()

    def poke(self, name: str) -> bool:
        """Force a probe of a source; return whether there is such a source."""
        poller = self.pollers.get(name)
        if poller is not None:
            poller.poke()
        return poller is not None

    def is_fresh(self, source: str) -> bool:
        """Return whether the latest reading of a source is young enough to rest on."""
        reading, settings = self.readings.get(source), self._sources.get(source)
        if reading is None or settings is None:
            return False
        return self._clock.monotonic() - reading.monotonic <= stale_after(settings.interval)

    def points(self, series: SeriesId) -> Iterable[tuple[float, float | None]]:
        """Return the recent past of a series, oldest first: wall seconds, and the value or None."""
        history = self.histories.get(series.source)
        return history.points(series.metric, series.attributes) if history is not None else ()

    def alert(self, key: str) -> Alert | None:
        """Return an alert that is pending or firing by its key."""
        return self.alerting.alert(key)

    def alerts(self) -> Sequence[Alert]:
        """Return the alerts that fire, each with what keeps it quiet."""
        return self.alerting.firing()

    def levels(self) -> Sequence[Level]:
        """Return the levels of the rules in force."""
        return self.alerting.rules.levels

    def note(self, subject: str, *lines: str) -> None:
        """Tell the consoles what there is to say of a subject now; no lines when that is over."""
        if lines:
            self._notes[subject] = lines[:MOST_NOTES]
        else:
            self._notes.pop(subject, None)
        self.publish_agent()

    def publish_agent(self) -> None:
        """Publish the state of the agent itself."""
        state = AgentState(
            consoles=self._consoles(),
            notes=self.notes,
            config_digest=self.settings.digest,
            read_only=self.read_only,
        )
        self.hub.publish("agent", state, urgent=True)

    def _add(self, source: SourceSettings) -> None:
        self._sources[source.name] = source
        poller = Poller(
            source,
            self._collector(source),
            self._clock,
            self.measure,
            self._bulkheads[source.kind],
            self._on_reading,
            self._on_status,
            self._phase,
        )
        self._phase += 1
        self.pollers[source.name] = poller
        self.histories.setdefault(source.name, SourceHistory())
        self._polling[source.name] = self._own(f"poller of {source.name}", poller.run())

    def _own(self, name: str, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Start a task whose defect is told to the consoles instead of going unheard."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._observer.broke(f"{task.get_name()} stopped", error)
            self.note(task.get_name(), clean(f"{task.get_name()} stopped: {type(error).__name__}: {error}"))

    def _collector(self, source: SourceSettings) -> Collector:
        if isinstance(source.options, AgentOptions):
            return AgentCollector(source.name, source.options, self._clock, self.measure)
        return collector_for(source, self._clock)

    async def _remove(self, name: str, *, forget: bool) -> None:
        await _end([self._polling.pop(name)])
        del self._sources[name], self.pollers[name]
        if not forget:
            return
        reading = self.readings.pop(name, None)
        self.histories.pop(name, None)
        self.measure.forget(name)
        self.alerting.forget(name)
        self._observer.forgot(name)
        self.hub.retract(f"status/{name}")
        self.hub.retract(f"reading/{name}")
        for table in reading.tables if reading else ():
            self.hub.retract(f"table/{name}/{table}")

    def _on_reading(self, reading: Reading) -> None:
        self.readings[reading.source] = reading
        self.histories[reading.source].add(reading)
        self.measure.note(reading)
        self._observer.polled(reading, self._sources[reading.source].interval)
        for name, table in reading.tables.items():
            self.hub.publish(f"table/{reading.source}/{name}", table)
        self.hub.publish(f"reading/{reading.source}", msgspec.structs.replace(reading, tables={}))
        self.alerting.observe(reading)

    def _publish_alerts(self, view: AlertsView, urgent: bool) -> None:
        self.hub.publish("alerts", view, urgent=urgent)

    def _on_status(self, status: SourceStatus) -> None:
        self.hub.publish(f"status/{status.name}", status)

    async def _tick(self) -> None:
        """Once a second: notice what has grown too old, and let time work on the alerts."""
        self.publish_agent()
        while True:
            now = self._clock.monotonic()
            self._keep_budget()
            for poller in self.pollers.values():
                poller.check_age(now)
            statuses = [poller.status for poller in self.pollers.values()]
            self.alerting.tick(statuses)
            self._observer.watched(statuses, self.measure.series(), self._consoles())
            self._note_state()
            self._note_overflow()
            await asyncio.sleep(TICK)

    def _keep_budget(self) -> None:
        """Poll less often while watching costs too much, and say so."""
        before, now = self.measure.backoff, self.measure.judge(len(self._sources))
        if now == before:
            return
        over = f"the agent is over its CPU budget: it polls at {now:g} × the interval"
        self.note("budget", *([over] if now > 1 else []))
        for poller in self.pollers.values():
            poller.take_backoff()

    def _note_state(self) -> None:
        """Say so while alerts cannot be kept on disk."""
        keeper = self.alerting.keeper
        lines = (*keeper.notes, *([keeper.problem] if keeper.problem else []))
        if self._notes.get("state.db", ()) != lines:
            self.note("state.db", *lines)

    def _note_overflow(self) -> None:
        """Say so while more is wrong than can be followed."""
        over = self.alerting.rules.overflow
        lines = (f"{over} more series are beyond a level than can be followed as alerts",) if over else ()
        if self._notes.get("overflow", ()) != lines:
            self.note("overflow", *lines)

    async def _keep_alerting(self) -> None:
        """Run the alerting, and again after a defect: without it nobody learns of anything."""
        wait = 1.0
        while True:
            try:
                await self.alerting.run()
            except Exception as error:  # noqa: BLE001 - whatever it was, it is told, and the alerts go on
                self._observer.broke("alerting broke", error)
                words = clean(f"{type(error).__name__}: {error}")
                self.note("alerting", f"alerting broke and begins again in {wait:g} s: {words}")
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)

    async def _discover(self) -> None:
        """Find what runs here and is not configured, now, after a reload, and once a minute."""
        while True:
            self._look_again.clear()
            if self.settings.discover:
                await self._add_discovered()
            self.discovered.set()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DISCOVER_EVERY):
                    await self._look_again.wait()

    async def _add_discovered(self) -> None:
        """Add what is found. Whether it is read-only is the settings' word at the time of an action, not of now."""
        async with self._changing:
            known = msgspec.structs.replace(self.settings, sources=tuple(self._sources.values()))
            lines: list[str] = []
            for source in await discover(known, note=lines.append):
                if source.name not in self._sources:
                    self._add(msgspec.structs.replace(source, read_only=False))
            self.note("discovery", *lines)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
