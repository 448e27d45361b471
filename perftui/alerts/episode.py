"""One episode: a rule and a series from the first bad value until it is well again."""

from dataclasses import dataclass, field

import msgspec

from perftui.alerts.rule import Rule
from perftui.core.alert import Alert, AlertState, Severity
from perftui.core.series import Attributes

SEVERITIES = tuple(Severity)


class SavedEpisode(msgspec.Struct, frozen=True, kw_only=True):
    """An episode as it is kept; `began` has, by rank, since when each level is exceeded (monotonic seconds)."""

    rule: str
    source: str
    attributes: Attributes
    severity: Severity
    since: float | None
    began: dict[int, float]
    started: float
    last_bad: float
    value: float
    bad_value: float
    words: dict[str, str] = {}
    kind: str = ""
    host: str = ""

    def alert(self, state: AlertState, ended: float) -> Alert:
        """Return it as it ends when there is no rule any more that could say more of it."""
        return Alert(
            rule=self.rule,
            source=self.source,
            metric="",
            attributes=self.attributes,
            kind=self.kind,
            host=self.host,
            state=state,
            severity=self.severity,
            since=self.since,
            resolved_at=ended,
            summary=f"{self.rule} is no rule any more",
        )


@dataclass(slots=True, eq=False)
class Episode:
    """Pending until the rule's `for` has passed, then firing until it was well for long enough.

    Durations are measured in monotonic seconds, `since` is wall time for display. `started` is when the condition
    began, `began` since when each severity's level has been exceeded, by its rank.
    """

    rule: Rule
    source: str
    attributes: Attributes
    seen: float
    started: float
    severity: Severity = Severity.WARNING
    since: float | None = None
    known: bool = True
    value: float = 0.0
    bad_value: float = 0.0
    words: dict[str, str] = field(default_factory=dict)
    last_bad: float = 0.0
    well_since: float | None = None
    began: dict[int, float] = field(default_factory=dict)

    @property
    def firing(self) -> bool:
        """Return whether `for` has passed."""
        return self.since is not None

    @property
    def phase(self) -> tuple[object, ...]:
        """Return what is worth keeping: which of its states it is in."""
        return self.since, self.severity, self.well_since is None

    @property
    def face(self) -> tuple[object, ...]:
        """Return what a screen can tell of it."""
        return self.since, self.severity, self.known, self.value, self.words, self.well_since

    def take(
        self,
        severity: Severity | None,
        value: float,
        words: dict[str, str],
        now: float,
        wall: float,
        *,
        between: bool,
        gap: float,
    ) -> bool:
        """Take in a verdict on `value`; return whether the episode is over.

        `severity` is the worst whose level it is beyond; `between`, that it is not past `clear` either. After a break
        in sight of more than `gap` seconds, the time for which it has been well starts anew.
        """
        unseen, self.seen, self.known, self.value = now - self.seen, now, True, value
        if severity is not None:
            self.words = words
            self._bad(severity, value, now, wall)
            return False
        if not self.firing:
            return True
        if between:
            self._between()
            return False
        return self._well(now, unseen > gap)

    def _bad(self, severity: Severity, value: float, now: float, wall: float) -> None:
        began, worst = self.began, severity.rank
        for rank in [rank for rank in began if rank > worst]:
            del began[rank]
        for rank in range(worst + 1):
            began.setdefault(rank, now)
        self.bad_value, self.last_bad, self.well_since = value, now, None
        held = [rank for rank, since in began.items() if now - since >= self.rule.hold]
        if self.firing:
            self.severity = self._firing_severity(worst, held)
        elif held:
            self.since, self.severity = wall, self._worst_of(held)
        else:
            self.severity = severity

    def _firing_severity(self, worst: int, held: list[int]) -> Severity:
        """Return the severity of what fires already: it rises once it was held, and falls at once."""
        return max(min(self.severity, SEVERITIES[worst], key=_rank), self._worst_of(held), key=_rank)

    def _worst_of(self, held: list[int]) -> Severity:
        """Return the worst of the rule's levels that has been exceeded for long enough."""
        ranks = [rank for rank in held if self.rule.level(SEVERITIES[rank]) is not None]
        return SEVERITIES[max(ranks, default=_mildest(self.rule).rank)]

    def _between(self) -> None:
        """Go on firing, no worse than the mildest level: none is exceeded."""
        mildest = _mildest(self.rule)
        for rank in [rank for rank in self.began if rank > mildest.rank]:
            del self.began[rank]
        self.severity, self.well_since = mildest, None

    def _well(self, now: float, anew: bool) -> bool:
        if self.well_since is None or anew:
            self.well_since = now
        cleared = now - self.well_since >= self.rule.clear_for
        return cleared and now - self.last_bad >= self.rule.keep_firing_for

    @property
    def clears_after(self) -> float:
        """Return for how many seconds after `well_since` it still fires."""
        kept = self.rule.keep_firing_for - ((self.well_since or self.last_bad) - self.last_bad)
        return max(self.rule.clear_for, kept)

    def save(self, kind: str, host: str) -> SavedEpisode:
        """Return what is kept of it; `kind` and `host` are of its source."""
        return SavedEpisode(
            rule=self.rule.name,
            source=self.source,
            attributes=self.attributes,
            severity=self.severity,
            since=self.since,
            began=dict(self.began),
            started=self.started,
            last_bad=self.last_bad,
            value=self.value,
            bad_value=self.bad_value,
            words=dict(self.words),
            kind=kind,
            host=host,
        )


def resumed(saved: SavedEpisode, rule: Rule, now: float, shift: float, outage: float) -> Episode:
    """Return a kept episode as of now: out of sight, and with no credit for the time in which nobody watched."""
    later = shift if saved.since is not None else shift + outage
    return Episode(
        rule=rule,
        source=saved.source,
        attributes=saved.attributes,
        seen=now,
        started=saved.started + later,
        severity=saved.severity,
        since=saved.since,
        known=False,
        value=saved.value,
        bad_value=saved.bad_value,
        words=saved.words,
        last_bad=saved.last_bad + shift,
        began={rank: since + later for rank, since in saved.began.items()},
    )


def _rank(severity: Severity) -> int:
    return severity.rank


def _mildest(rule: Rule) -> Severity:
    """Return the mildest severity that a rule gives."""
    if rule.absent_for is not None:
        return rule.severity or Severity.WARNING
    return next((severity for severity in SEVERITIES if rule.level(severity) is not None), Severity.WARNING)
