"""One episode: a rule and a series from the first bad value until it is well again."""

from dataclasses import dataclass, field

from perftui.alerts.rules import Rule
from perftui.core.alert import Alert, AlertState, Severity
from perftui.core.catalogue import CATALOGUE
from perftui.core.series import Attributes
from perftui.core.units import show_metric


@dataclass(slots=True)
class Episode:
    """Pending until the rule's `for` has passed, then firing until it was well for `keep_firing_for`.

    Durations are measured in monotonic seconds, `since` is wall time for display.
    """

    rule: Rule
    source: str
    attributes: Attributes
    seen: float
    severity: Severity = Severity.WARNING
    since: float | None = None
    known: bool = True
    value: float = 0.0
    words: dict[str, str] = field(default_factory=dict)
    _bad_since: float | None = None
    _critical_since: float | None = None
    _well_since: float | None = None

    @property
    def firing(self) -> bool:
        """Return whether `for` has passed."""
        return self.since is not None

    @property
    def face(self) -> tuple[object, ...]:
        """Return what a screen can tell of it."""
        return self.since, self.severity, self.known, self.value, self.words

    def bad(self, severity: Severity, value: float, now: float, wall: float) -> None:
        """Take in a value that is beyond a level."""
        self.value = value
        self._well_since = None
        if self._bad_since is None:
            self._bad_since = now
        if severity is not Severity.CRITICAL:
            self._critical_since = None
        elif self._critical_since is None:
            self._critical_since = now
        if now - self._bad_since < self.rule.hold:
            return
        long_critical = self._critical_since is not None and now - self._critical_since >= self.rule.hold
        only_critical = self.rule.levels.warning is None
        self.severity = Severity.CRITICAL if long_critical or only_critical else Severity.WARNING
        if self.since is None:
            self.since = wall

    def well(self, now: float) -> bool:
        """Take in a value that is well; return whether the episode is over."""
        if self._well_since is None:
            self._well_since = now
        return not self.firing or now - self._well_since >= self.rule.keep_firing_for

    def alert(self, state: AlertState | None = None, ended: float | None = None) -> Alert:
        """Return it as it travels; `state` is its own when none is given, `ended` the wall time of its end."""
        own = AlertState.FIRING if self.known else AlertState.UNKNOWN
        return Alert(
            rule=self.rule.name,
            source=self.source,
            metric=self.rule.metric,
            attributes=self.attributes,
            state=state or own,
            severity=self.severity,
            value=self.value,
            level=self.rule.level(self.severity),
            direction=self.rule.direction,
            summary=self._summary(),
            since=self.since,
            resolved_at=ended,
            remedies=self.rule.remedies,
        )

    def _summary(self) -> str:
        metric = CATALOGUE[self.rule.metric]
        words = {
            "source": self.source,
            "value": str(show_metric(metric, self.value)),
            "level": str(show_metric(metric, self.rule.level(self.severity))),
        }
        return self.rule.summary.format_map(_Words({**dict(self.attributes), **words, **self.words}))


class _Words(dict[str, str]):
    """The words of a summary; one that this series does not have is empty."""

    def __missing__(self, _name: str) -> str:
        return ""
