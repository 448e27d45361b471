"""The alert engine: readings and the states of sources in, alerts out. Pure: it reads nothing and waits for nothing."""

from collections import defaultdict, deque
from collections.abc import Iterable

from perftui.alerts.episode import Episode
from perftui.alerts.rules import Rule
from perftui.core.alert import Alert, AlertState, Level, Severity
from perftui.core.catalogue import CATALOGUE
from perftui.core.clock import Clock
from perftui.core.reading import Reading, Sample
from perftui.core.series import Attributes
from perftui.core.status import BROKEN_STATES, SourceState, SourceStatus, stale_after
from perftui.core.units import show_metric
from perftui.core.wire import AlertsView

SOURCE_FAILING = "source.failing"
LOG_LENGTH = 200
FORGET_AFTER = 3600.0
_BLIND_STATES = BROKEN_STATES | {SourceState.STALE, SourceState.FOUND}
_WELL_STATES = frozenset({SourceState.OK, SourceState.SLOW})

Key = tuple[str, str, Attributes]


class AlertEngine:
    """Keeps an episode for each rule and series that is not well; what is well costs nothing but the look at it.

    No verdict is ever drawn from what is missing: a pending alert whose series is gone starts again when it is back,
    a firing one is shown as unknown and goes on. One hour after a healthy source stopped giving that series, the
    alert leaves as unknown, not as resolved.
    """

    def __init__(self, rules: Iterable[Rule], clock: Clock) -> None:
        self._clock = clock
        self._rules: dict[str, list[Rule]] = defaultdict(list)
        for rule in rules:
            self._rules[rule.metric].append(rule)
        every = [rule for each in self._rules.values() for rule in each]
        self._guards = {condition.metric for rule in every for condition in rule.conditions}
        self._levels = tuple(_level(rule) for rule in every if rule.mark)
        self._episodes: dict[Key, Episode] = {}
        self._log: deque[Alert] = deque(maxlen=LOG_LENGTH)
        self._intervals: dict[str, float] = {}
        self._view: AlertsView | None = None

    def observe(self, reading: Reading) -> bool:
        """Judge a reading; return whether the view changed."""
        guards = self._guard_values(reading.samples)
        for sample in reading.samples:
            for rule in self._rules.get(sample.metric, ()):
                self._judge(rule, sample, reading, guards)
        return self._view is None

    def observe_sources(self, statuses: Iterable[SourceStatus]) -> bool:
        """Judge the sources themselves, and notice what is not seen any more; return whether the view changed."""
        blind = set()
        for status in statuses:
            self._intervals[status.name] = status.interval
            if status.state in _BLIND_STATES:
                blind.add(status.name)
            self._judge_source(status)
        now = self._clock.monotonic()
        for key, episode in list(self._episodes.items()):
            self._check_sight(key, episode, episode.source in blind, now)
        return self._view is None

    def forget(self, source: str) -> None:
        """Drop what is known of a source that is no longer watched."""
        for key in [key for key in self._episodes if key[1] == source]:
            self._end(key, AlertState.UNKNOWN)
        self._intervals.pop(source, None)

    def view(self) -> AlertsView:
        """Return what fires, the worst first and then by name, and what ended lately, newest first."""
        if self._view is None:
            firing = [episode for episode in self._episodes.values() if episode.firing]
            alerts = [episode.alert() for episode in firing]
            self._view = AlertsView(
                firing=tuple(sorted(alerts, key=lambda alert: (-alert.severity.rank, alert.key))),
                log=tuple(self._log),
                levels=self._levels,
                pending=len(self._episodes) - len(firing),
                unknown=sum(not episode.known for episode in firing),
            )
        return self._view

    def _guard_values(self, samples: tuple[Sample, ...]) -> dict[tuple[str, Attributes], float]:
        if not self._guards:
            return {}
        return {(sample.metric, sample.attributes): sample.value for sample in samples if sample.metric in self._guards}

    def _judge(self, rule: Rule, sample: Sample, reading: Reading, guards: dict[tuple[str, Attributes], float]) -> None:
        key = (rule.name, reading.source, sample.attributes)
        words: dict[str, str] = {}
        holds = True
        for condition in rule.conditions:
            other = guards.get((condition.metric, sample.attributes))
            if other is None:
                return
            holds = holds and condition.holds(other)
            words.setdefault("when", str(show_metric(CATALOGUE[condition.metric], other)))
        severity = rule.severity(sample.value, firing=self._is_firing(key)) if holds else None
        self._step(key, rule, severity, sample.value, reading.monotonic, reading.wall, words)

    def _judge_source(self, status: SourceStatus) -> None:
        now = self._clock.monotonic()
        if status.state in _WELL_STATES:
            failing = 0.0
        elif status.state in BROKEN_STATES and status.failing_since is not None:
            failing = now - status.failing_since
        else:
            return
        for rule in self._rules.get(SOURCE_FAILING, ()):
            key = (rule.name, status.name, ())
            severity = rule.severity(failing, firing=self._is_firing(key))
            self._step(key, rule, severity, failing, now, self._clock.wall(), {"error": status.error})

    def _is_firing(self, key: Key) -> bool:
        episode = self._episodes.get(key)
        return episode is not None and episode.firing

    def _step(
        self,
        key: Key,
        rule: Rule,
        severity: Severity | None,
        value: float,
        now: float,
        wall: float,
        words: dict[str, str],
    ) -> None:
        episode = self._episodes.get(key)
        if episode is None:
            if severity is None:
                return
            episode = self._episodes[key] = Episode(rule, key[1], key[2], now)
            self._view = None
        before = episode.face
        episode.seen, episode.known = now, True
        if severity is not None:
            episode.words = words
            episode.bad(severity, value, now, wall)
        elif episode.well(now):
            self._end(key, AlertState.RESOLVED)
        if episode.face != before:
            self._view = None

    def _check_sight(self, key: Key, episode: Episode, blind: bool, now: float) -> None:
        """Mark a firing alert unknown, or drop a pending one, when its series is no longer seen."""
        unseen = now - episode.seen
        gone = unseen > stale_after(self._intervals.get(episode.source, 1.0))
        if (gone and not episode.firing) or (not blind and unseen > FORGET_AFTER):
            self._end(key, AlertState.UNKNOWN)
        elif episode.known and (gone or (blind and episode.rule.metric != SOURCE_FAILING)):
            episode.known = False
            self._view = None

    def _end(self, key: Key, state: AlertState) -> None:
        episode = self._episodes.pop(key)
        self._view = None
        if episode.firing:
            self._log.appendleft(episode.alert(state, self._clock.wall()))


def _level(rule: Rule) -> Level:
    return Level(
        metric=rule.metric,
        direction=rule.direction,
        warning=rule.level(Severity.WARNING),
        critical=rule.level(Severity.CRITICAL),
    )
