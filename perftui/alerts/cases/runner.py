"""Runs a written case in virtual time, through the same parts as the agent: rules, desk, incidents."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from perftui.alerts.cases.file import Case, CaseFile, Expectation, Expected
from perftui.alerts.cases.notation import Value
from perftui.alerts.cases.notation import at as value_at
from perftui.alerts.desk import Desk
from perftui.alerts.evaluation.engine import AlertEngine
from perftui.alerts.notify.incidents import Incidents
from perftui.config.notify import Route
from perftui.core.alert import Alert, AlertState
from perftui.core.clock import ManualClock
from perftui.core.reading import Reading, Sample
from perftui.core.series import SeriesId
from perftui.core.status import SourceState, SourceStatus

HOST = "host"
ROUTES: Mapping[str, Route] = {"everybody": Route()}
"""One route that takes every alert, with the settings that a route has unless it says otherwise."""
_KINDS = {"system": "system", "hw": "system", "queue": "redis", "redis": "redis", "mysql": "mysql", "agent": "agent"}


class Mismatch(NamedTuple):
    """What is not as expected at `at` seconds; None where there is nothing on that side.

    `values` are those of the metric in question at that time. Notifications are compared as numbers.
    """

    at: float
    expected: Expected | int | None
    got: Alert | int | None
    values: tuple[tuple[SeriesId, Value], ...] = ()


class Outcome(NamedTuple):
    """How a case went: passed when nothing mismatches."""

    case: Case
    mismatches: tuple[Mismatch, ...]


def run_cases(file: CaseFile) -> Iterator[Outcome]:
    """Yield how each case of a file goes."""
    for case in file.cases:
        yield Outcome(case, tuple(_Run(file, case).mismatches()))


class _Run:
    """One case: virtual seconds pass, step by step."""

    def __init__(self, file: CaseFile, case: Case) -> None:
        self._file = file
        self._case = case
        self._clock = ManualClock()
        self._start = self._clock.monotonic()
        self._engine = AlertEngine(file.book.rules, self._clock, file.known)
        self._desk = Desk(self._clock, file.book.inhibitions)
        self._incidents = Incidents(ROUTES, self._clock, HOST)
        self._notifications = 0
        self._firing: list[Alert] = []
        self._pending: list[Alert] = []
        self._ended: dict[str, Alert] = {}
        self._sources = [_Source(name, case) for name in dict.fromkeys(series.source for series in case.values)]

    def mismatches(self) -> Iterator[Mismatch]:
        """Let the time pass and yield what is not as expected."""
        step = 0
        for expectation in self._case.expect:
            while step * self._case.interval <= expectation.at:
                self._pass_until(step * self._case.interval)
                for source in self._sources:
                    if reading := source.poll(step, self._clock):
                        self._engine.observe(reading)
                self._tick()
                step += 1
            if expectation.at > self._now:
                self._pass_until(expectation.at)
                self._tick()
            yield from self._compare(expectation, step - 1)

    @property
    def _now(self) -> float:
        return self._clock.monotonic() - self._start

    def _pass_until(self, seconds: float) -> None:
        self._clock.advance(seconds - self._now)

    def _tick(self) -> None:
        """Do what the agent does once a second."""
        self._engine.observe_sources([source.status for source in self._sources])
        ended = self._engine.take_ended()
        self._desk.ended(ended)
        self._ended |= {alert.key: alert for alert in ended}
        self._firing = self._desk.judge(self._engine.firing())
        self._pending = self._desk.judge_pending(self._engine.pending(), self._firing)
        self._notifications += len(self._incidents.step(self._firing, ended))

    def _compare(self, expectation: Expectation, step: int) -> Iterator[Mismatch]:
        there = {alert.key: alert for alert in (*self._firing, *self._pending)}
        left = [*there.values(), *(alert for key, alert in self._ended.items() if key not in there)]
        for expected in expectation.alerts:
            alike = [alert for alert in left if _is_about(expected, alert)]
            found = next((alert for alert in alike if agrees(expected, alert)), alike[0] if alike else None)
            if found is None or not agrees(expected, found):
                yield Mismatch(expectation.at, expected, found, self._values(expected.rule, expected.source, step))
            if found is not None:
                left.remove(found)
        if not expectation.includes:
            for alert in left:
                if alert.key in there and alert.state is not AlertState.PENDING:
                    yield Mismatch(expectation.at, None, alert, self._values(alert.rule, alert.source, step))
        if expectation.notifications not in (None, self._notifications):
            yield Mismatch(expectation.at, expectation.notifications, self._notifications)

    def _values(self, name: str, source: str, step: int) -> tuple[tuple[SeriesId, Value], ...]:
        """Return what a rule looked at."""
        rule = next(rule for rule in self._file.book.rules if rule.name == name)
        metrics = {rule.metric, rule.divided_by, *(condition.metric for condition in rule.conditions)}
        return tuple(
            (series, value_at(values, step))
            for series, values in self._case.values.items()
            if series.source == source and series.metric in metrics
        )


def agrees(expected: Expected, alert: Alert) -> bool:
    """Return whether an alert is as expected in all that is given."""
    return (
        expected.state == alert.state
        and expected.severity in (None, alert.severity)
        and expected.summary in (None, alert.summary)
        and expected.muted in (None, bool(alert.mutes))
    )


def _is_about(expected: Expected, alert: Alert) -> bool:
    same = (expected.rule, expected.source) == (alert.rule, alert.source)
    return same and expected.attributes.items() <= dict(alert.attributes).items()


class _Source:
    """A source whose readings are written down."""

    def __init__(self, name: str, case: Case) -> None:
        self._series = [(series, values) for series, values in case.values.items() if series.source == name]
        kind = _KINDS.get(self._series[0][0].metric.partition(".")[0], "http")
        self.status = SourceStatus(name=name, kind=kind, interval=case.interval)

    def poll(self, step: int, clock: ManualClock) -> Reading | None:
        """Return what a poll brings at this step; None when it fails or nothing comes."""
        values = [(series, value_at(values, step)) for series, values in self._series]
        state = next((value for _, value in values if isinstance(value, SourceState)), SourceState.OK)
        now = clock.monotonic()
        self.status = _status(self.status, state, now)
        if state is not SourceState.OK:
            return None
        samples = tuple(
            Sample(series.metric, value, series.attributes) for series, value in values if isinstance(value, float)
        )
        return Reading(source=self.status.name, monotonic=now, wall=clock.wall(), duration=0.0, samples=samples)


def _status(before: SourceStatus, state: SourceState, now: float) -> SourceStatus:
    """Return how a source is doing once its poll went like this."""
    failing = state is SourceState.FAILING
    return msgspec.structs.replace(
        before,
        state=state,
        error="failing, as it is written" if failing else "",
        last_ok=now if state is SourceState.OK else before.last_ok,
        failing_since=(before.failing_since or now) if failing else None,
    )
