"""One episode: a rule and a series from the first bad value until it is well again."""

import math

import msgspec

from perftui.alerts.evaluation.check import Check, Threshold
from perftui.alerts.kept import Outage
from perftui.core.alert import Alert, AlertState, Severity
from perftui.core.series import Attributes

LONGEST_OUTAGE = 3600.0
"""After a longer one, what is pending starts over."""
GRACE = 60.0
"""After a restart what was pending has so much time (seconds) to be seen again, which does not count."""
_SEVERITIES = tuple(Severity)
Key = tuple[str, str, Attributes]
"""Rule, source and attributes: what an episode is told by."""


class KeptEpisode(msgspec.Struct, kw_only=True):
    """An episode as it outlives the agent; `since` is wall seconds, its other times (`beyond` by severity) monotonic.

    `value` is the latest and `worst` the last bad one, which was beyond `level`, in words.
    """

    rule: str
    source: str
    attributes: Attributes = ()
    metric: str
    direction: str = "above"
    kind: str = ""
    host: str = ""
    severity: Severity = Severity.WARNING
    began: float
    beyond: dict[Severity, float] = {}
    last_bad: float = math.inf
    seen: float = math.inf
    since: float | None = None
    value: float = 0.0
    worst: float | None = None
    level: str = ""
    words: dict[str, str] = {}

    @property
    def key(self) -> Key:
        """Return what it is told by."""
        return self.rule, self.source, self.attributes

    def lost(self, wall: float) -> Alert:
        """Return how it ends when its rule is no longer there."""
        return Alert(
            rule=self.rule,
            source=self.source,
            metric=self.metric,
            attributes=self.attributes,
            kind=self.kind,
            host=self.host,
            state=AlertState.UNKNOWN,
            severity=self.severity,
            value=self.value,
            direction=self.direction,
            since=self.since,
            resolved_at=wall,
        )


class Episode:
    """Pending until the rule's `for` has passed, then firing until it was well for long enough.

    Durations are measured in monotonic seconds; `since` is wall time for display, None while pending. `moved` says that
    something happened that must outlive the agent, `shown` is the alert as it was last made, None when that is no
    longer how it is. `exceeded` is the level that `worst`, the last bad value, was beyond, in words: the rule may have
    another one by now. `judged` is when there was the last verdict, `seen` when somebody last looked, even if in vain.
    """

    __slots__ = (
        "_last_bad", "attributes", "began", "beyond", "check", "exceeded", "fills", "grace", "host", "judged", "kind",
        "known", "moved", "rank", "seen", "shown", "since", "source", "value", "well_since", "words", "worst",
    )  # fmt: skip

    def __init__(self, check: Check, source: str, attributes: Attributes, began: float) -> None:
        self.check = check
        self.source = source
        self.attributes = attributes
        self.kind = self.host = ""
        self.began = began
        self.seen = self.judged = began
        self.grace = began
        self.since: float | None = None
        self.well_since: float | None = None
        self.known = True
        self.fills = False
        self.moved = False
        self.value = 0.0
        self.worst = 0.0
        self.rank = check.bounds[0][1]
        self.words: dict[str, str] = {}
        self.exceeded = ""
        self.beyond: list[float | None] = [None] * len(_SEVERITIES)
        self.shown: Alert | None = None
        self._last_bad = began

    @property
    def key(self) -> Key:
        """Return what it is told by."""
        return self.check.name, self.source, self.attributes

    @property
    def firing(self) -> bool:
        """Return whether `for` has passed."""
        return self.since is not None

    def bad(self, rank: int, value: float, words: dict[str, str], now: float, wall: float) -> None:
        """Take in a value that is beyond the level of the severity of this rank."""
        if value != self.worst or words != self.words or self.well_since is not None:
            self.worst, self.words, self.well_since = value, words, None
            self.shown = None
        self._see(now, value)
        self._last_bad = now
        hold = self.check.hold
        if hold:
            self._note_beyond(rank, now)
        reached = self._reached(rank, now) if hold else rank
        fires = self.since is None and now - self.began >= hold
        if fires:
            self.since = wall
        if fires or reached != self.rank:
            self.rank, self.moved, self.shown = reached, True, None
        exceeded = self._threshold.level_text
        if exceeded != self.exceeded:
            self.exceeded, self.moved, self.shown = exceeded, True, None

    def between(self, value: float, now: float) -> None:
        """Take in a value beyond no level, and not past `clear` either: what fires goes on, as mild as can be."""
        self._see(now, value)
        self._forget_beyond()
        mildest = self.check.bounds[0][1]
        if self.rank != mildest or self.well_since is not None:
            self.moved = self.moved or self.rank != mildest
            self.rank, self.well_since, self.shown = mildest, None, None

    def well(self, value: float, now: float) -> bool:
        """Take in a value that is well; return whether the alert is resolved."""
        self._see(now, value)
        self._forget_beyond()
        if self.well_since is None:
            self.well_since, self.shown = now, None
        rule = self.check.rule
        return now - self.well_since >= rule.clear_for and now - self._last_bad >= rule.keep_firing_for

    def lapse(self, now: float) -> None:
        """Note that nobody looked for too long: what must last without a break begins anew."""
        self.well_since, self.shown = None, None
        self._forget_beyond()
        if self.since is None:
            self.began = now

    def wait(self, now: float, *, fills: bool = False) -> None:
        """Note that nothing can be said yet, though somebody looks: the time does not count.

        `fills` says that it is so because its window has too little in it.
        """
        if fills and not self.fills:
            self.fills, self.shown = True, None
        if now > self.seen:
            self._put_off(now - self.seen)
            self.seen = now
        self.well_since = None
        self.lose()

    def lose(self) -> None:
        """Note that nobody knows how it is now; what is pending has nothing to lose but its time."""
        if self.known and self.since is not None:
            self.known, self.shown = False, None

    def go_on(self, check: Check) -> None:
        """Go over to a rule of the same name that was changed."""
        ranks = [rank for _, rank in check.bounds]
        rank = max([rank for rank in ranks if rank <= self.rank], default=ranks[0])
        self.moved = self.moved or rank != self.rank
        self.check, self.rank, self.shown = check, rank, None

    def rename(self, kind: str, host: str) -> None:
        """Take in what its source is and where it runs."""
        if (kind, host) != (self.kind, self.host):
            self.kind, self.host, self.shown, self.moved = kind, host, None, True

    def kept(self) -> KeptEpisode:
        """Return it as it outlives the agent."""
        beyond = zip(_SEVERITIES, self.beyond, strict=True)
        return KeptEpisode(
            rule=self.check.name,
            source=self.source,
            attributes=self.attributes,
            metric=self.check.rule.metric,
            direction=self.check.rule.direction,
            kind=self.kind,
            host=self.host,
            severity=_SEVERITIES[self.rank],
            began=self.began,
            beyond={severity: since for severity, since in beyond if since is not None},
            last_bad=self._last_bad,
            seen=self.judged,
            since=self.since,
            value=self.value,
            worst=self.worst,
            level=self.exceeded,
            words=self.words,
        )

    def take_back(self, kept: KeptEpisode, now: float, outage: Outage) -> None:
        """Become as it was before an outage, in which no `for` went on.

        What was bad when it was last seen may have been until the outage began; how it is now nobody knows.
        """
        self.kind, self.host, self.since = kept.kind, kept.host, kept.since
        self.value = kept.value
        self.worst = kept.value if kept.worst is None else kept.worst
        self.words, self.exceeded = kept.words, kept.level
        self.rank = kept.severity.rank
        self.go_on(self.check)
        last_seen = now - outage.seconds  # a time after it would be of another clock
        self.began = min(kept.began + outage.shift, last_seen)
        if outage.seconds <= LONGEST_OUTAGE:
            times = [kept.beyond.get(severity) for severity in _SEVERITIES]
            self.beyond = [None if time is None else min(time + outage.shift, last_seen) for time in times]
        self._put_off(outage.seconds)
        self.seen, self.judged, self.known = now, min(kept.seen + outage.shift, last_seen), self.since is None
        was_bad = kept.last_bad == kept.seen
        self._last_bad = last_seen if was_bad else min(kept.last_bad + outage.shift, last_seen)
        self.grace = now + GRACE

    def recall(self, kept: KeptEpisode, now: float, outage: Outage) -> None:
        """Take in how it began before an outage after which it was met anew: what was seen since then stands."""
        outage_began = now - outage.seconds

        def spent(since: float | None) -> float:
            return 0.0 if since is None else max(0.0, outage_began - (since + outage.shift))

        if outage.seconds <= LONGEST_OUTAGE:
            for rank, severity in enumerate(_SEVERITIES):
                since = self.beyond[rank]
                if since is not None and since <= self.began:
                    self.beyond[rank] = since - spent(kept.beyond.get(severity))
        if kept.since is None:
            self.began -= spent(kept.began)
        else:
            self.rank = max(kept.severity.rank, self.rank) if self.firing else kept.severity.rank
            self.began, self.since = outage_began - spent(kept.began), kept.since
        self.go_on(self.check)

    def alert(self, state: AlertState | None = None, ended: float | None = None) -> Alert:
        """Return it as it travels; `state` is its own when none is given, `ended` the wall time of its end."""
        if state is not None:
            return self._alert(state, ended)
        if self.shown is None:
            seen = AlertState.PENDING if self.since is None else AlertState.FIRING
            self.shown = self._alert(seen if self.known else AlertState.UNKNOWN, None)
        elif self.shown.seen != self.judged:  # no change that a screen can tell: it does not make a new view
            self.shown = msgspec.structs.replace(self.shown, seen=self.judged)
        return self.shown

    def _see(self, now: float, value: float) -> None:
        self.seen = self.judged = now
        self.grace = -math.inf
        if value != self.value or not self.known or self.fills:
            self.value, self.known, self.fills, self.shown = value, True, False, None

    def _note_beyond(self, rank: int, now: float) -> None:
        """Note since when levels are exceeded that it could rise to."""
        floor = self.check.bounds[0][1] if self.since is None else self.rank
        for _, each in self.check.bounds:
            since = now if floor < each <= rank else None
            if (since is None) != (self.beyond[each] is None):
                self.beyond[each], self.moved = since, True

    def _forget_beyond(self) -> None:
        if any(since is not None for since in self.beyond):
            self.beyond, self.moved = [None] * len(_SEVERITIES), True

    def _reached(self, rank: int, now: float) -> int:
        """Return the worst severity up to `rank` that it has already, or whose level was exceeded for long enough.

        While pending it is the one that it will fire with if it goes on like this.
        """
        latest = self.began if self.since is None else now - self.check.hold
        reached = self.check.bounds[0][1]
        for _, each in self.check.bounds:
            since = self.beyond[each]
            if each <= rank and (each <= self.rank or (since is not None and since <= latest)):
                reached = each
        return reached

    def _put_off(self, seconds: float) -> None:
        """Let every `for` that has not passed yet begin so much later."""
        self.beyond = [None if since is None else since + seconds for since in self.beyond]
        if self.since is None:
            self.began += seconds
            self.shown = None

    @property
    def _threshold(self) -> Threshold:
        return self.check.thresholds[_SEVERITIES[self.rank]]

    def _alert(self, state: AlertState, ended: float | None) -> Alert:
        check, rule = self.check, self.check.rule
        level, level_text, why = self._threshold
        if self.fills and rule.over is not None:
            why += f"; unknown until its window of {rule.over.text} is half full"
        figure = check.notation.figure(self.worst)
        words = {"source": self.source, "value": figure, "level": self.exceeded or level_text}
        return Alert(
            rule=check.name,
            source=self.source,
            metric=rule.metric,
            attributes=self.attributes,
            kind=self.kind,
            host=self.host,
            state=state,
            severity=_SEVERITIES[self.rank],
            value=self.value,
            level=level,
            clear=check.clear,
            value_text=check.notation.value(self.value),
            level_text=level_text,
            direction=rule.direction,
            summary=check.said({**dict(self.attributes), **words, **self.words}),
            why=why,
            began=self.began,
            hold=check.hold,
            since=self.since,
            well_since=self.well_since if self.known else None,
            seen=self.judged,
            clears_after=self._clears_after(),
            resolved_at=ended,
            remedies=rule.remedies,
            notify=rule.notify,
            cooldown=float(rule.cooldown),
            runbook=rule.runbook,
        )

    def _clears_after(self) -> float:
        """Return how long it must be well to be resolved, from `well_since` on."""
        rule = self.check.rule
        passed = 0.0 if self.well_since is None else self.well_since - self._last_bad
        return max(float(rule.clear_for), rule.keep_firing_for - passed)
