"""The rules at work: readings and states of sources in, alerts out. Pure: it reads nothing and waits for nothing."""

import platform
from collections.abc import Iterable, Mapping

import msgspec

from perftui.alerts.episode import Episode, SavedEpisode, resumed
from perftui.alerts.kept import Changes, Outage, Rows
from perftui.alerts.rule import Rule
from perftui.alerts.shown import Origin, alert_of, key_of
from perftui.alerts.watch import Values, Watch
from perftui.alerts.watches import Watches
from perftui.core.alert import Alert, AlertState, Level, Severity
from perftui.core.catalogue import CATALOGUE
from perftui.core.clock import Clock
from perftui.core.metric import Metric
from perftui.core.reading import Reading
from perftui.core.series import Attributes
from perftui.core.status import BROKEN_STATES, SourceState, SourceStatus, stale_after
from perftui.core.text import clean
from perftui.core.units import show_metric

SOURCE_FAILING, SOURCE_STALE = "source.failing", "source.stale"
PSEUDO = frozenset({SOURCE_FAILING, SOURCE_STALE})
"""Metrics that come from the state of a source and not from its readings."""
FORGET_AFTER = 3600.0
LONGEST_OUTAGE = 3600.0
"""Seconds without us after which what was pending starts over."""
KIND = "episode"
_BLIND_STATES = BROKEN_STATES | {SourceState.STALE, SourceState.FOUND}
_WELL_STATES = frozenset({SourceState.OK, SourceState.SLOW})
_LOCAL = ("localhost", "127.0.0.1", "::1")


class AlertEngine:
    """Keeps an episode for each rule and series that is not well; what is well costs nothing but the look at it.

    No verdict is ever drawn from what is missing: a pending alert whose series is gone starts again when it is back,
    a firing one is shown as unknown and goes on. One hour after a healthy source stopped giving that series, the
    alert leaves as unknown, not as resolved.
    """

    def __init__(self, rules: Iterable[Rule], clock: Clock, known: Mapping[str, Metric] = CATALOGUE) -> None:
        self._clock = clock
        self._watches = Watches()
        self._origins: dict[str, Origin] = {}
        self._intervals: dict[str, float] = {}
        self._ended: list[Alert] = []
        self._changes: Changes = {}
        self.levels: tuple[Level, ...] = ()
        self.use(rules, known)

    def use(self, rules: Iterable[Rule], known: Mapping[str, Metric]) -> None:
        """Go over to other rules: the episodes of those that are still there go on, the others end as unknown."""
        for watch, episode in self._watches.use(rules, known):
            self._end(watch, episode, AlertState.UNKNOWN)
        every = [compiled.rule for compiled in self._watches.compiled.values()]
        self.levels = tuple(_level(rule) for rule in every if _has_marks(rule))

    def observe(self, reading: Reading) -> bool:
        """Judge a reading; return whether anything changed that a screen can tell."""
        own, now, changed = self._watches.of(reading.source), reading.monotonic, False
        by_metric, values = own.by_metric, self._values(reading)
        for sample in reading.samples:
            for watch in by_metric.get(sample.metric, ()):
                compiled = watch.compiled
                if compiled.is_direct:
                    # Nearly all samples end here: well, and well before.
                    if sample.value * compiled.sign <= compiled.limit and sample.attributes not in watch.episodes:
                        continue
                    changed |= self._judge(watch, sample.attributes, sample.value, reading, values)
                elif (value := watch.measure(sample, now, values)) is not None:
                    changed |= self._judge(watch, sample.attributes, value, reading, values)
        for watch in own.absences:
            watch.look(reading.samples, now)
        return changed

    def observe_sources(self, statuses: Iterable[SourceStatus]) -> bool:
        """Judge the sources themselves, and notice what is not seen any more; return whether anything changed."""
        now, blind, changed = self._clock.monotonic(), set(), False
        for status in statuses:
            self._intervals[status.name] = status.interval
            self._origins[status.name] = _origin(status)
            if status.state in _BLIND_STATES:
                blind.add(status.name)
            changed |= self._judge_source(status, now)
            changed |= self._judge_absence(status, now)
        for watch, episode in list(self._watches.episodes()):
            changed |= self._check_sight(watch, episode, episode.source in blind, now)
        return changed

    def forget(self, source: str) -> None:
        """Drop what is known of a source that is no longer watched; what fires there ends as unknown."""
        for watch, episode in self._watches.forget(source):
            self._end(watch, episode, AlertState.UNKNOWN)
        self._intervals.pop(source, None)
        self._origins.pop(source, None)

    def firing(self) -> list[Alert]:
        """Return what fires."""
        return [self._alert(watch, episode) for watch, episode in self._watches.episodes() if episode.firing]

    def pending(self) -> list[Alert]:
        """Return what will fire when it goes on."""
        return [self._alert(watch, episode) for watch, episode in self._watches.episodes() if not episode.firing]

    def take_ended(self) -> list[Alert]:
        """Return what fired and ended since the last call, in order."""
        ended, self._ended = self._ended, []
        return ended

    def take_changes(self) -> Changes:
        """Return the episodes that changed their state since the last call."""
        changes, self._changes = self._changes, {}
        return changes

    def restore(self, rows: Rows, outage: Outage) -> None:
        """Go on with kept episodes: what fired is there at once, unknown until seen; what was pending has its time."""
        for key, body in rows.get(KIND, {}).items():
            try:
                saved = msgspec.msgpack.decode(body, type=SavedEpisode)
            except msgspec.MsgspecError:
                self._changes[KIND, key] = None
            else:
                self._resume(key, saved, outage)

    def _resume(self, key: str, saved: SavedEpisode, outage: Outage) -> None:
        self._origins.setdefault(saved.source, Origin(saved.kind, saved.host))
        watch = self._watches.find(saved.rule, saved.source)
        if watch is not None and (saved.since is not None or outage.seconds <= LONGEST_OUTAGE):
            now = self._clock.monotonic()
            watch.episodes[saved.attributes] = resumed(saved, watch.compiled.rule, now, *outage)
            return
        self._changes[KIND, key] = None
        if saved.since is not None:
            self._ended.append(saved.alert(AlertState.UNKNOWN, self._clock.wall()))

    def _values(self, reading: Reading) -> Values:
        compared = self._watches.compared
        return {
            (sample.metric, sample.attributes): sample.value for sample in reading.samples if sample.metric in compared
        }

    def _judge(self, watch: Watch, attributes: Attributes, value: float, reading: Reading, values: Values) -> bool:
        """Judge one value; return whether anything changed. A condition that cannot be looked at is no verdict."""
        compiled, words, holds = watch.compiled, dict[str, str](), True
        for condition in compiled.conditions:
            other = values.get((condition.metric, attributes))
            if other is None:
                return False
            holds = holds and condition.holds(other)
            words.setdefault("when", str(show_metric(compiled.units[condition.metric], other)))
        severity = compiled.worst(value) if holds else None
        between = holds and compiled.is_between(value)
        return self._step(watch, attributes, severity, value, words, reading.monotonic, reading.wall, between=between)

    def _judge_source(self, status: SourceStatus, now: float) -> bool:
        """Judge how a source itself does; a state that says nothing of it is no verdict."""
        changed, own = False, self._watches.of(status.name).by_metric
        for metric, value in ((SOURCE_FAILING, _failing(status, now)), (SOURCE_STALE, _stale(status, now))):
            if value is None:
                continue
            for watch in own.get(metric, ()):
                severity, between = watch.compiled.worst(value), watch.compiled.is_between(value)
                words, wall = {"error": status.error}, self._clock.wall()
                changed |= self._step(watch, (), severity, value, words, now, wall, between=between)
        return changed

    def _judge_absence(self, status: SourceStatus, now: float) -> bool:
        """Judge what a source that answers does not give."""
        changed = False
        for watch in self._watches.of(status.name).absences if status.state in _WELL_STATES else ():
            rule = watch.compiled.rule
            if watch.last_here is None and rule.sources:
                watch.last_here = now
            if watch.last_here is None or rule.absent_for is None:
                continue
            absent = now - watch.last_here
            severity = (rule.severity or Severity.WARNING) if absent > rule.absent_for else None
            changed |= self._step(watch, (), severity, absent, {}, now, self._clock.wall())
        return changed

    def _step(
        self,
        watch: Watch,
        attributes: Attributes,
        severity: Severity | None,
        value: float,
        words: dict[str, str],
        now: float,
        wall: float,
        *,
        between: bool = False,
    ) -> bool:
        """Take a verdict into the episode of a series; return whether anything changed."""
        episode = watch.episodes.get(attributes)
        if episode is None:
            if severity is None:
                return False
            episode = watch.episodes[attributes] = Episode(watch.compiled.rule, watch.source, attributes, now, now)
            phase, face = None, None
        else:
            phase, face = episode.phase, episode.face
        gap = stale_after(self._intervals.get(watch.source, 1.0))
        if episode.take(severity, value, words, now, wall, between=between, gap=gap):
            self._end(watch, episode, AlertState.RESOLVED)
            return True
        if episode.phase != phase:
            self._keep(episode)
        return episode.face != face

    def _check_sight(self, watch: Watch, episode: Episode, blind: bool, now: float) -> bool:
        """Mark a firing alert unknown, or drop a pending one, when its series is no longer seen."""
        unseen = now - episode.seen
        gone = unseen > stale_after(self._intervals.get(episode.source, 1.0))
        if (gone and not episode.firing) or (not blind and unseen > FORGET_AFTER):
            self._end(watch, episode, AlertState.UNKNOWN)
            return True
        if episode.known and (gone or (blind and watch.compiled.rule.metric not in PSEUDO)):
            episode.known = False
            return True
        return False

    def _keep(self, episode: Episode) -> None:
        key = key_of(episode.rule.name, episode.source, episode.attributes)
        self._changes[KIND, key] = episode.save(*self._origins.get(episode.source, Origin()))

    def _end(self, watch: Watch, episode: Episode, state: AlertState) -> None:
        watch.episodes.pop(episode.attributes, None)
        self._changes[KIND, key_of(episode.rule.name, episode.source, episode.attributes)] = None
        if episode.firing:
            origin = self._origins.get(episode.source, Origin())
            self._ended.append(alert_of(episode, watch.compiled, origin, state, self._clock.wall()))

    def _alert(self, watch: Watch, episode: Episode) -> Alert:
        return alert_of(episode, watch.compiled, self._origins.get(episode.source, Origin()))


def _failing(status: SourceStatus, now: float) -> float | None:
    """Return for how long the polls of a source have failed."""
    if status.state in _WELL_STATES:
        return 0.0
    if status.state in BROKEN_STATES and status.failing_since is not None:
        return now - status.failing_since
    return None


def _stale(status: SourceStatus, now: float) -> float | None:
    """Return for how long the figures of a source have been too old, though nothing failed."""
    if status.state in _WELL_STATES:
        return 0.0
    if status.state is SourceState.STALE and status.last_ok is not None:
        return max(0.0, now - status.last_ok - stale_after(status.interval))
    return None


def _origin(status: SourceStatus) -> Origin:
    host = status.address.rpartition(":")[0].strip("[]")
    local = not host or status.address.startswith("/") or host in _LOCAL
    return Origin(status.kind, clean(platform.node(), 64) if local else host)


def _has_marks(rule: Rule) -> bool:
    """Return whether the levels mean something on bars and charts of the metric itself."""
    return rule.mark and rule.aggregate is None and not rule.divided_by and rule.absent_for is None


def _level(rule: Rule) -> Level:
    return Level(
        metric=rule.metric,
        direction=rule.direction,
        warning=rule.level(Severity.WARNING),
        critical=rule.level(Severity.CRITICAL),
    )
