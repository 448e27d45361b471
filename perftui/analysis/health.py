"""The health report: what is wrong by the alerts and by the table of levels, and what would help. Pure.

It is never better than the worst alert that fires. What has no fresh figures is judged by none: it stands as an issue
of its own, and among `blind`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from perftui.analysis.levels import LEVELS, Level, Only
from perftui.analysis.remedies import Facts, recommendations
from perftui.config.settings import Settings, SourceSettings
from perftui.core.alert import Alert, Severity
from perftui.core.alert import Level as RuleLevel
from perftui.core.catalogue import CATALOGUE
from perftui.core.health import Health, HealthReport, Issue, Priority, Recommendation
from perftui.core.metric import Kind, Metric
from perftui.core.reading import Reading, Sample
from perftui.core.series import Attributes, SeriesId
from perftui.core.units import count, seconds, show_metric

Recent = Callable[[SeriesId], float | None]
"""Gives the mean of a series over the last minute; None where it has none."""

_UNTOLD = ("agent",)
"""Kinds that are no part of what is watched."""


_SILENT = "source.stale"
_COUNTED = re.compile(r"\{(\w+)\}")


class View:
    """One source and its latest reading, as the levels look at it."""

    def __init__(self, source: SourceSettings, reading: Reading, recent: Recent) -> None:
        self.source = source
        self.samples = reading.samples
        self._recent = recent
        self._values = {(sample.metric, sample.attributes): sample.value for sample in reading.samples}

    def value(self, metric: str, attributes: Attributes, *, recent: bool) -> float | None:
        """Return the value of one series; of the last minute where wanted and known."""
        value = self._values.get((metric, attributes))
        if value is None or not recent:
            return value
        mean = self._recent(SeriesId(self.source.name, metric, attributes))
        return value if mean is None else mean


class Found(NamedTuple):
    """What is wrong with a series, and by which level; without one nothing is known to help."""

    issue: Issue
    series: SeriesId
    level: Level | None = None
    facts: Facts | None = None


def report(
    sources: Mapping[str, SourceSettings],
    readings: Mapping[str, Reading],
    fresh: Callable[[str], bool],
    settings: Settings,
    at: float,
    recent: Recent = lambda _: None,
    levels: Sequence[RuleLevel] = (),
    firing: Sequence[Alert] = (),
) -> HealthReport:
    """Return how the whole stands at `at` (wall seconds), the worst first.

    `levels` are those of the rules: they stand for those of the table; `firing` are the alerts that nothing mutes.
    """
    table = _table(levels)
    views: dict[str, View] = {}
    silent: list[Found] = []
    for name, source in sources.items():
        if source.kind in _UNTOLD:
            continue
        reading = readings.get(name)
        if reading is None or not fresh(name):
            issue = _silent(name, reading, at)
            silent.append(Found(issue, SeriesId(name, issue.metric)))
        else:
            views[name] = View(source, reading, recent)
    found = [*silent, *(each for view in views.values() for each in _issues(view, table))]
    told = [_alerted(each, views.get(each.source), table) for each in firing]
    issues = _worst_first((*told, *(each for each in found if not _is_told(each, told))))
    return HealthReport(
        status=_status(issues, len(views) + len(told)),
        at=at,
        issues=tuple(issues),
        recommendations=_advice((*found, *told), sources, settings),
        blind=tuple(f"{each.series.source}: {each.issue.value}" for each in silent),
    )


def _worst_first(found: Iterable[Found]) -> list[Issue]:
    return sorted((each.issue for each in found), key=lambda issue: (-issue.severity.rank, issue.source, issue.title))


def _advice(
    found: Iterable[Found], sources: Mapping[str, SourceSettings], settings: Settings
) -> tuple[Recommendation, ...]:
    """Return what would help, the most pressing first, each once."""
    advised = [
        each
        for issue, _, level, facts in found
        if level is not None and facts is not None
        for each in recommendations(level.remedy, issue, facts, sources, settings)
    ]
    best: dict[str, Recommendation] = {}
    for each in sorted(advised, key=lambda each: list(Priority).index(each.priority)):
        best.setdefault(each.id, each)
    return tuple(best.values())


def _table(levels: Sequence[RuleLevel]) -> tuple[Level, ...]:
    """Return the table with the levels of the rules, where they have any for a metric and that direction."""
    known = {(each.metric, each.direction): each for each in levels}

    def level(each: Level) -> Level:
        rule = known.get((each.metric, "above" if each.bad == "up" else "below"))
        return each if rule is None else each._replace(warning=rule.warning, critical=rule.critical)

    return tuple(level(each) for each in LEVELS)


def _alerted(alert: Alert, view: View | None, table: Sequence[Level]) -> Found:
    """Return an alert as an issue, with what the table knows to help, if its source is judged and agrees."""
    issue = Issue(
        severity=alert.severity,
        title=alert.summary or alert.rule,
        source=alert.source,
        metric=alert.metric,
        value=alert.value_text,
        level=f"{alert.direction} {alert.level_text}" if alert.level_text else "",
    )
    series = SeriesId(alert.source, alert.metric, alert.attributes)
    if view is not None:
        for level in table:
            if level.metric == alert.metric and all(_agrees(view, only, alert.attributes) for only in level.only):
                return Found(issue, series, level, Facts(dict(alert.attributes), view.value))
    return Found(issue, series)


def _is_told(each: Found, told: Iterable[Found]) -> bool:
    """Return whether an alert on the same series says it already, as badly."""
    return any(other.series == each.series and other.issue.severity.rank >= each.issue.severity.rank for other in told)


def _status(issues: list[Issue], judged: int) -> Health:
    if not judged:
        return Health.UNKNOWN
    worst = max((issue.severity.rank for issue in issues), default=0)
    return (Health.HEALTHY, Health.WARNING, Health.CRITICAL)[worst]


def _silent(name: str, reading: Reading | None, at: float) -> Issue:
    age = f"last read {seconds(max(0.0, at - reading.wall))} ago" if reading else "not read yet"
    return Issue(
        severity=Severity.WARNING,
        title="no fresh figures",
        source=name,
        metric=_SILENT,
        value=age,
        level="fresh",
    )


def _issues(view: View, table: Sequence[Level]) -> Iterator[Found]:
    """Yield what is wrong with one source."""
    for level in table:
        for sample in view.samples:
            if sample.metric == level.metric:
                yield from _judged(view, level, sample)


def _judged(view: View, level: Level, sample: Sample) -> Iterator[Found]:
    value = view.value(level.metric, sample.attributes, recent=level.recent)
    if value is None or not all(_agrees(view, only, sample.attributes) for only in level.only):
        return
    beyond = _beyond(level, value)
    if beyond is None:
        return
    severity, limit = beyond
    metric = CATALOGUE[level.metric]
    about = ", ".join(text for key, text in sample.attributes if key != "kind")
    issue = Issue(
        severity=severity,
        title=f"{level.title}: {about}" if about else level.title,
        source=view.source.name,
        metric=level.metric,
        value=_words(metric, value),
        level=("above " if level.bad == "up" else "below ") + _words(metric, limit),
    )
    series = SeriesId(view.source.name, level.metric, sample.attributes)
    yield Found(issue, series, level, Facts(dict(sample.attributes), view.value))


def _words(metric: Metric, value: float) -> str:
    """Return a figure with what it counts: `8 jobs/min`, `12 jobs`; few within a second are many within a minute."""
    noun = _COUNTED.match(metric.unit)
    if noun is None:
        return str(show_metric(metric, value))
    is_rate = metric.kind is Kind.RATE
    number = value * 60 if is_rate else value
    return f"{count(number)} {noun[1]}{'' if number == 1 else 's'}{'/min' if is_rate else ''}"


def _beyond(level: Level, value: float) -> tuple[Severity, float] | None:
    """Return the worst severity whose limit a value is beyond, and that limit."""
    for severity, limit in ((Severity.CRITICAL, level.critical), (Severity.WARNING, level.warning)):
        if limit is not None and (value > limit if level.bad == "up" else value < limit):
            return severity, limit
    return None


def _agrees(view: View, only: Only, attributes: Attributes) -> bool:
    values = (view.value(only.metric, each, recent=only.recent) for each in (attributes, ()))
    value = next((each for each in values if each is not None), None)
    if value is None:
        return only.if_absent
    return (only.above is None or value > only.above) and (only.below is None or value < only.below)
