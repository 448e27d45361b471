"""The health report: what is wrong by the table of levels, and what would help. Pure.

What has no fresh figures is judged by none: it stands as an issue of its own, and among `blind`.
"""

from collections.abc import Callable, Iterator, Mapping

from perftui.analysis.levels import LEVELS, Level, Only
from perftui.analysis.remedies import Facts, recommendations
from perftui.config.settings import Settings, SourceSettings
from perftui.core.alert import Severity
from perftui.core.catalogue import CATALOGUE
from perftui.core.health import Health, HealthReport, Issue, Priority, Recommendation
from perftui.core.reading import Reading, Sample
from perftui.core.series import Attributes, SeriesId
from perftui.core.units import seconds, show_metric

Recent = Callable[[SeriesId], float | None]
"""Gives the mean of a series over the last minute; None where it has none."""

_UNTOLD = ("agent",)
"""Kinds that are no part of what is watched."""


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


def report(
    sources: Mapping[str, SourceSettings],
    readings: Mapping[str, Reading],
    fresh: Callable[[str], bool],
    settings: Settings,
    at: float,
    recent: Recent = lambda _: None,
) -> HealthReport:
    """Return how the whole stands at `at` (wall seconds), the worst first."""
    found: list[tuple[Issue, Level | None, Facts | None]] = []
    blind: list[str] = []
    judged = 0
    for name, source in sources.items():
        if source.kind in _UNTOLD:
            continue
        reading = readings.get(name)
        if reading is None or not fresh(name):
            issue = _silent(name, reading, at)
            blind.append(f"{name}: {issue.value}")
            found.append((issue, None, None))
            continue
        judged += 1
        found += _issues(View(source, reading, recent))
    issues = sorted(
        (issue for issue, _, _ in found), key=lambda issue: (-issue.severity.rank, issue.source, issue.title)
    )
    advised = [
        each
        for issue, level, facts in found
        if level is not None and facts is not None
        for each in recommendations(level.remedy, issue, facts, sources, settings)
    ]
    best: dict[str, Recommendation] = {}
    for each in sorted(advised, key=lambda each: list(Priority).index(each.priority)):
        best.setdefault(each.id, each)
    return HealthReport(
        status=_status(issues, judged),
        at=at,
        issues=tuple(issues),
        recommendations=tuple(best.values()),
        blind=tuple(blind),
    )


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
        metric="source.stale",
        value=age,
        level="fresh",
    )


def _issues(view: View) -> Iterator[tuple[Issue, Level, Facts]]:
    """Yield what is wrong with one source."""
    for level in LEVELS:
        for sample in view.samples:
            if sample.metric == level.metric:
                yield from _judged(view, level, sample)


def _judged(view: View, level: Level, sample: Sample) -> Iterator[tuple[Issue, Level, Facts]]:
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
        value=str(show_metric(metric, value)),
        level=("above " if level.bad == "up" else "below ") + str(show_metric(metric, limit)),
    )
    yield issue, level, Facts(dict(sample.attributes), view.value)


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
