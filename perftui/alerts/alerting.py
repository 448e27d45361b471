"""The alert engine as the agent runs it: readings in; what fires, kept on disk and told to people, out."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from perftui.alerts.desk import Desk
from perftui.alerts.ended import EndedLog
from perftui.alerts.evaluation.engine import AlertEngine
from perftui.alerts.keeper import Keeper
from perftui.alerts.notify.dispatch import Dispatch
from perftui.alerts.notify.notification import Notification
from perftui.alerts.observer import AlertObserver
from perftui.alerts.rules.rule import RuleBook
from perftui.alerts.view import alerts_view
from perftui.config.notify import Route
from perftui.core.alert import Ack, Alert, Silence
from perftui.core.clock import Clock
from perftui.core.errors import RequestFailed
from perftui.core.metric import Metric
from perftui.core.reading import Reading
from perftui.core.series import Attributes
from perftui.core.status import SourceStatus
from perftui.core.text import clean
from perftui.core.wire import AlertsView

PACE = 0.2
"""Seconds between two views at least: a thousand alerts that move are one view, not a thousand."""
KEPT_PATIENCE = 2.0
"""Seconds that a decision of somebody waits for the disk before it holds without."""
ALIVE_EVERY = 10
"""Ticks between two notes that somebody watches, while anything is open: after a kill its times resume from there."""
STATE_PATIENCE = 30.0
"""Seconds for which a disk that hangs keeps us from telling anybody: what was told before is not known until then."""

Publish = Callable[[AlertsView, bool], None]
"""Takes a view, and whether it is another set of alerts than before rather than other values of the same."""


class Alerting:
    """One-way: readings → rules → desk (acks, silences, inhibition) → incidents → outbox; each step kept, then shown.

    What changed is on disk before it is shown or sent, unless the disk takes longer than a second.
    """

    def __init__(
        self,
        book: RuleBook,
        known: Mapping[str, Metric],
        routes: Mapping[str, Route],
        clock: Clock,
        publish: Publish,
        *,
        off: str = "",
        observer: AlertObserver | None = None,
        state: Path | None = None,
    ) -> None:
        """`off` says why this agent notifies nobody; empty when it does. `state` is where all of it is kept."""
        self.rules = AlertEngine(book.rules, clock, known)
        self.desk = Desk(clock, book.inhibitions)
        self._ended = EndedLog()
        self._dispatch = Dispatch(routes, self.desk, clock, self._told, changed=self._change, off=off)
        self.keeper = Keeper((self.rules, self.desk, self._ended, *self._dispatch.kept), clock, state)
        self._tell_from = clock.monotonic() + STATE_PATIENCE
        self._clock = clock
        self._publish = publish
        self._observer = observer or AlertObserver()
        self._due = asyncio.Event()
        self._changed = False
        self._waiting: list[asyncio.Future[None]] = []
        self._shown: frozenset[object] = frozenset()
        self._ticks = 0

    def use(self, book: RuleBook, known: Mapping[str, Metric], routes: Mapping[str, Route]) -> None:
        """Go over to new rules and routes; what fires by a rule that is still there goes on."""
        self.rules.use(book.rules, known)
        self.desk.use(book.inhibitions)
        self._dispatch.use(routes)
        self._change()

    async def open(self, patience: float) -> None:
        """Go on from what was kept; after `patience` seconds without it for now."""
        await self.keeper.open(patience)
        self._change()

    def observe(self, reading: Reading) -> None:
        """Judge a reading."""
        if self.rules.observe(reading):
            self._change()

    def tick(self, statuses: Iterable[SourceStatus]) -> None:
        """Once a second: let time work on rules, silences and notifications."""
        if self.rules.observe_sources(statuses) | self.desk.expire() or self.keeper.problem:
            self._change()
        self._ticks += 1
        if self._ticks % ALIVE_EVERY == 0 and not self.rules.is_calm:
            self.keeper.alive()
            self.rules.refresh()
            self._change()
        self._due.set()

    def forget(self, source: str) -> None:
        """Drop what is known of a source that is no longer watched."""
        self.rules.forget(source)
        self._change()

    def alert(self, key: str) -> Alert | None:
        """Return an alert that is firing or pending by its key."""
        found = (*self.rules.firing(), *self.rules.pending())
        return next((alert for alert in found if alert.key == key), None)

    def firing(self) -> list[Alert]:
        """Return what fires, each with what keeps it quiet."""
        return self.desk.judge(self.rules.firing())

    def ended(self, rule: str, source: str, attributes: Attributes) -> tuple[Alert, ...]:
        """Return how one alert ended before, newest first."""
        return self._ended.of(rule, source, attributes)

    async def ack(self, key: str, author: str, note: str) -> Ack:
        """Note that somebody takes care of an alert until it is resolved. Raises RequestFailed."""
        if all(alert.key != key for alert in self.rules.firing()):
            raise RequestFailed(f"{clean(key, 120)} does not fire any more")
        ack = self.desk.ack(key, author, note)
        await self._kept()
        return ack

    async def unack(self, key: str) -> None:
        """Take that back. Raises RequestFailed."""
        if not self.desk.unack(key):
            raise RequestFailed(f"{clean(key, 120)} is not acknowledged")
        await self._kept()

    async def silence(self, matchers: dict[str, str], seconds: float, author: str, comment: str) -> Silence:
        """Let alerts with these labels call nobody for a time. Raises RequestFailed."""
        try:
            silence = self.desk.silence(matchers, seconds, author, comment)
        except ValueError as error:
            raise RequestFailed(f"silence: {error}") from error
        await self._kept()
        return silence

    async def unsilence(self, id: str) -> None:
        """End a silence. Raises RequestFailed."""
        if not self.desk.unsilence(id):
            raise RequestFailed(f"there is no silence {clean(id, 20)}")
        await self._kept()

    async def run(self) -> None:
        """Keep and show what changes, until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            firing = self._advance()
            if self._changed:
                self._changed = False
                view = self._view(firing)  # before anything is awaited: shown is what is kept, and nothing younger
                await self._save()
                self._show(view)
                await asyncio.sleep(PACE)

    async def deliver(self) -> None:
        """Send what is to be sent, until cancelled."""
        await self._dispatch.run()

    async def close(self) -> None:
        """Bring what changed last to disk."""
        await self.keeper.close()

    def _advance(self) -> list[Alert]:
        """Let what fires and what ended go through desk and dispatch; return what fires, judged."""
        ended = self.desk.ended(self.rules.take_ended())
        for alert in ended:
            self._ended.add(alert)
        firing = self.desk.judge(self.rules.firing())
        self._observer.judged(firing, ended)
        may_tell = self.keeper.is_open or self._clock.monotonic() >= self._tell_from
        if (may_tell and self._dispatch.step(firing, ended)) or ended:
            self._change()
        return firing

    def _noted(self, alert: Alert) -> Alert:
        notes = self._dispatch.notes(alert.key)
        return msgspec.structs.replace(alert, notes=notes) if notes else alert

    def _told(self, notification: Notification, problem: str) -> None:
        self._observer.told(notification, problem)
        self._change()

    def _change(self) -> None:
        """See to it that what changed is kept and shown."""
        self._changed = True
        self._due.set()

    async def _kept(self) -> None:
        """Return once what was just decided is on disk, or `problem` says that it will not be.

        Raises RequestFailed, since it holds here but may not outlive us, when neither happens in time.
        """
        ticket = asyncio.get_running_loop().create_future()
        self._waiting.append(ticket)
        self._change()
        try:
            async with asyncio.timeout(KEPT_PATIENCE):
                await ticket
        except TimeoutError as error:
            raise RequestFailed(f"it holds, but is not on disk after {KEPT_PATIENCE:g} s") from error

    async def _save(self) -> None:
        waiting, self._waiting = self._waiting, []
        if await self.keeper.save() or self.keeper.problem:
            self._dispatch.release()
            for ticket in waiting:
                if not ticket.done():
                    ticket.set_result(None)
        else:
            self._waiting += [ticket for ticket in waiting if not ticket.done()]
            self._change()

    def _view(self, firing: list[Alert]) -> AlertsView:
        return alerts_view(
            [self._noted(alert) for alert in firing],
            self.desk.judge_pending(self.rules.pending(), firing),
            self._ended,
            self.desk.silences,
            self.rules.levels,
            self._dispatch.delivery(),
        )

    def _show(self, view: AlertsView) -> None:
        shown = frozenset((alert.key, alert.severity, alert.state, alert.ack, alert.mutes) for alert in view.firing)
        self._publish(view, shown != self._shown)
        self._shown = shown
