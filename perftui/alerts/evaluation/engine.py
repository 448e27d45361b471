"""The alert engine: readings and the states of sources in, alerts out. Pure: it reads nothing and waits for nothing."""

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from perftui.alerts.evaluation.absence import judge_absence
from perftui.alerts.evaluation.check import SOURCE_FAILING, SOURCE_STALE, WELL, Check
from perftui.alerts.evaluation.episode import Episode
from perftui.alerts.evaluation.ledger import Ledger, Open, kept_episodes
from perftui.alerts.evaluation.marks import marks
from perftui.alerts.evaluation.measured import Neighbours
from perftui.alerts.evaluation.watched import Series, Source, Watch
from perftui.alerts.kept import Changes, Outage, Rows
from perftui.alerts.rules.rule import Rule
from perftui.core.alert import Alert, AlertState, Level
from perftui.core.catalogue import CATALOGUE
from perftui.core.clock import Clock
from perftui.core.metric import Metric
from perftui.core.reading import Reading, Sample
from perftui.core.series import Attributes
from perftui.core.status import BROKEN_STATES, SourceState, SourceStatus

FORGET_AFTER = 3600.0
_PRUNE_EVERY = 600.0
_WELL_STATES = frozenset({SourceState.OK, SourceState.SLOW})


class _Look(NamedTuple):
    """One look at a source: when, and what else there is to see."""

    source: Source
    now: float
    wall: float
    neighbours: Neighbours
    words: dict[str, str]


class AlertEngine:
    """Keeps an episode for each rule and series that is not well; what is well costs nothing but the look at it.

    No verdict is ever drawn from what is missing: a pending alert whose series is gone starts again when it is back,
    a firing one is shown as unknown and goes on. One hour after a healthy source stopped giving that series, the
    alert leaves as unknown, not as resolved.
    """

    def __init__(self, rules: Iterable[Rule], clock: Clock, known: Mapping[str, Metric] = CATALOGUE) -> None:
        self.levels: tuple[Level, ...] = ()
        self._clock = clock
        self._sources: dict[str, Source] = {}
        self._ledger = Ledger(clock)
        self._dropped: Changes = {}
        self._prune_at = clock.monotonic() + _PRUNE_EVERY
        self.use(rules, known)

    @property
    def is_calm(self) -> bool:
        """Whether nothing fires and nothing is pending."""
        return self._ledger.is_empty

    @property
    def overflow(self) -> int:
        """How many series are beyond a level and yet make no alert, because their source has too many already."""
        return self._ledger.overflow

    def use(self, rules: Iterable[Rule], known: Mapping[str, Metric]) -> None:
        """Go over to other rules; episodes and windows of those that are still there go on."""
        self._checks = {rule.name: Check(rule, known) for rule in rules if rule.enabled}
        every = list(self._checks.values())
        conditions = {condition.metric for check in every for condition in check.conditions}
        self._others = frozenset(conditions | {check.measure.divided_by for check in every})
        self.levels = marks(check.rule for check in every)
        for source in self._sources.values():
            source.use(every)
        self._ledger.replace(self._checks, self._clock.monotonic())

    def observe(self, reading: Reading) -> bool:
        """Judge a reading; return whether anything changed that a screen can tell."""
        self._ledger.changed = False
        overflow = self.overflow
        self._ledger.look_anew(reading.source)
        self._judge_samples(self._source(reading.source), reading.samples, reading.monotonic, reading.wall, {})
        return self._ledger.changed or self.overflow != overflow

    def observe_sources(self, statuses: Iterable[SourceStatus]) -> bool:
        """Judge the sources themselves, and notice what is not seen any more; once a second.

        Return whether anything changed that a screen can tell.
        """
        self._ledger.changed = False
        now, wall = self._clock.monotonic(), self._clock.wall()
        for status in statuses:
            source = self._source(status.name)
            if source.take_status(status, now):
                self._rename(source)
            self._judge_samples(source, _own_samples(status, source, now), now, wall, {"error": status.error})
            for presence in source.presences.values():
                judge_absence(presence, source, self._ledger, now, wall)
        for opened in self._ledger:
            self._check_sight(opened, now)
        self._prune(now)
        return self._ledger.changed

    def forget(self, source: str) -> None:
        """Drop what is known of a source that is no longer watched."""
        for opened in self._ledger:
            if opened.source.name == source:
                self._ledger.end(opened.episode, AlertState.UNKNOWN)
        self._ledger.look_anew(source)
        self._sources.pop(source, None)

    def firing(self) -> list[Alert]:
        """Return what fires, in the order in which it began."""
        return [opened.episode.alert() for opened in self._ledger if opened.episode.firing]

    def pending(self) -> list[Alert]:
        """Return what will fire if it goes on like this."""
        return [opened.episode.alert() for opened in self._ledger if not opened.episode.firing]

    def take_ended(self) -> list[Alert]:
        """Return what fired and ended (resolved or unknown) since the last call, in order."""
        return self._ledger.take_ended()

    def take_changes(self) -> Changes:
        """Return what changed since the last call; what ended only after `take_ended` has told it."""
        dropped, self._dropped = self._dropped, {}
        return dropped | self._ledger.take_changes()

    def refresh(self) -> None:
        """Let what is kept catch up with the values and times of all that is open; every few seconds."""
        self._ledger.refresh()

    def restore(self, rows: Rows, outage: Outage) -> None:
        """Take back what was kept: what fires is unknown until it is seen; a row that cannot be read is dropped."""
        for kept in kept_episodes(rows, self._dropped):
            self._ledger.restore(kept, self._checks.get(kept.rule), self._source(kept.source), outage)

    def _source(self, name: str) -> Source:
        source = self._sources.get(name)
        if source is None:
            source = self._sources[name] = Source(name, self._checks.values())
        return source

    def _judge_samples(
        self, source: Source, samples: tuple[Sample, ...], now: float, wall: float, words: dict[str, str]
    ) -> None:
        look = _Look(source, now, wall, Neighbours(samples, self._others), words)
        watched = source.series
        for sample in samples:
            every = watched.get(sample.metric)
            if every is None:
                continue
            series = every.get(sample.attributes) or source.meet(sample.metric, sample.attributes, now)
            series.seen = now
            value = sample.value
            if not series.low <= value <= series.high:
                self._judge(series, series.attributes, value, look)
            if series.measured or series.presences:
                self._measure(series, value, look)

    def _measure(self, series: Series, value: float, look: _Look) -> None:
        """Judge what is made of a sample."""
        for presence in series.presences:
            presence.seen = look.now
        for measured in series.measured:
            result = measured.gauge.read(value, look.now, look.source.patience, look.neighbours)
            if result is None:
                self._await(measured.open.values() if measured.open and measured.gauge.is_filling else (), look.now)
            elif not measured.low <= result <= measured.high:
                self._judge(measured, series.attributes, result, look)

    def _await(self, episodes: Iterable[Episode], now: float) -> None:
        for episode in episodes:
            episode.wait(now, fills=True)
            self._ledger.note(episode)

    def _judge(self, watch: Watch, attributes: Attributes, value: float, look: _Look) -> None:
        if not math.isfinite(value):
            return
        for check in watch.checks:
            episode = watch.open.get(check.name)
            if episode is None and check.sign * value <= check.edge:
                continue
            words, holds = look.words, True
            if check.conditions:
                words = dict(words)
                agreed = check.holds(attributes, look.neighbours, words)
                if agreed is None:
                    continue
                holds = agreed
            rank = check.rank(value) if holds else WELL
            if episode is None and rank != WELL:
                episode = self._ledger.begin(check, look.source, watch, attributes, look.now)
            if episode is not None:
                self._step(episode, rank, value, look, words, is_well=not holds or check.is_well(value))

    def _step(
        self, episode: Episode, rank: int, value: float, look: _Look, words: dict[str, str], *, is_well: bool
    ) -> None:
        now = look.now
        if now - episode.seen > look.source.patience:
            episode.lapse(now)
        if rank != WELL:
            episode.bad(rank, value, words, now, look.wall)
        elif not episode.firing:
            self._ledger.end(episode, AlertState.OK)
            return
        elif not is_well:
            episode.between(value, now)
        elif episode.well(value, now):
            self._ledger.end(episode, AlertState.RESOLVED)
            return
        self._ledger.note(episode)

    def _check_sight(self, opened: Open, now: float) -> None:
        """Mark a firing alert unknown, or drop a pending one, when its series is no longer seen."""
        episode, _, source = opened
        unseen = now - episode.seen
        if not episode.firing:
            if now < episode.grace:
                episode.wait(now)
            elif unseen > source.patience:
                self._ledger.end(episode, AlertState.UNKNOWN)
            else:
                self._ledger.keep(episode, now)
        elif not source.blind and now - max(episode.seen, source.healthy_since or 0.0) > FORGET_AFTER:
            self._ledger.end(episode, AlertState.UNKNOWN)
        elif episode.known and (unseen > source.patience or (source.blind and not episode.check.judges_source)):
            episode.lose()
            self._ledger.note(episode)

    def _rename(self, source: Source) -> None:
        for opened in self._ledger:
            if opened.source is source:
                opened.episode.rename(source.kind, source.host)
                self._ledger.note(opened.episode)

    def _prune(self, now: float) -> None:
        if now >= self._prune_at:
            self._prune_at = now + _PRUNE_EVERY
            for source in self._sources.values():
                source.prune(now)


def _own_samples(status: SourceStatus, source: Source, now: float) -> tuple[Sample, ...]:
    """Return what there is to say of a source itself, in seconds; nothing of what nobody knows."""
    if status.state in _WELL_STATES:
        return Sample(SOURCE_FAILING, 0.0), Sample(SOURCE_STALE, 0.0)
    if status.state in BROKEN_STATES and status.failing_since is not None:
        return (Sample(SOURCE_FAILING, now - status.failing_since),)
    if status.state is SourceState.STALE and status.last_ok is not None:
        return (Sample(SOURCE_STALE, max(0.0, now - status.last_ok - source.patience)),)
    return ()
