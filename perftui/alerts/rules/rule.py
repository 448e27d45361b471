"""What a rule is: a metric, the levels that hurt, how long, and what to say and do about it."""

from enum import StrEnum

import msgspec

from perftui.alerts.rules.amount import Amount
from perftui.config.duration import Duration
from perftui.core.alert import Severity

CLEAR_FOR = Duration(10.0)
COOLDOWN = Duration(600.0)


class Aggregate(StrEnum):
    """What is made of the values within a window.

    `rate` is the change per second of a level, `increase` its change over the window (of a rate: its integral);
    `predict` is where a straight line through the window will be after `ahead`.
    """

    AVG = "avg"
    MIN = "min"
    MAX = "max"
    P50 = "p50"
    P90 = "p90"
    P95 = "p95"
    P99 = "p99"
    RATE = "rate"
    INCREASE = "increase"
    PREDICT = "predict"


class Levels(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it becomes worth knowing, a warning, and critical; strictly beyond the level."""

    info: Amount | None = None
    warning: Amount | None = None
    critical: Amount | None = None


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A second metric that must agree: of the same reading, from the series with the same attributes."""

    metric: str
    above: Amount | None = None
    below: Amount | None = None

    def holds(self, value: float) -> bool:
        """Return whether `value` is beyond the bounds that are given."""
        return (self.above is None or value > self.above) and (self.below is None or value < self.below)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: a metric, the direction that hurts with its levels, and what to say and do about it."""

    name: str
    """What it is called, and by what name it is overridden."""
    metric: str
    """What it looks at; `perftui metrics` lists them."""
    summary: str = ""
    """What happened; `{value}`, `{level}`, `{source}`, `{when}`, `{error}` and attributes such as `{queue}`."""
    sources: tuple[str, ...] = ()
    """Patterns of source names, any of which must agree; all sources when empty."""
    attributes: dict[str, str] = {}
    """Patterns that the attributes must agree with, such as `{ queue = "mail-*" }`."""
    divided_by: str = ""
    """A second metric: the rule looks at the first divided by this one, of the same attributes or else of none."""
    aggregate: Aggregate | None = None
    """What is made of the values of the last `over`."""
    over: Duration | None = None
    """The window of `aggregate`."""
    ahead: Duration | None = None
    """How far ahead `predict` looks."""
    above: Levels | None = None
    """Levels above which it hurts; a single level where `severity` says how bad it is."""
    below: Levels | None = None
    """Levels below which it hurts."""
    absent_for: Duration | None = None
    """It fires when a source that answers has not given this metric for so long; instead of levels."""
    severity: Severity | None = None
    """How bad it is, for a single level and for `absent_for`."""
    clear: Amount | None = None
    """Firing ends only on the good side of this (hysteresis)."""
    when: When | tuple[When, ...] = ()
    """Other metrics of the same thing that must agree."""
    hold: Duration = msgspec.field(default=Duration(0), name="for")
    """It must be beyond the level for this long."""
    keep_firing_for: Duration = Duration(0)
    """It goes on firing for this long after the last value beyond the level."""
    clear_for: Duration = CLEAR_FOR
    """It must be well without a break for this long before it counts as resolved."""
    cooldown: Duration = COOLDOWN
    """Once it was notified, the same alert is not notified as new for this long."""
    remedies: tuple[str, ...] = ()
    """Ids of actions that help."""
    notify: tuple[str, ...] = ()
    """Only these routes are told; all whose own filters agree when empty."""
    runbook: str = ""
    """A link to what to do."""
    enabled: bool = True
    """False switches it off."""
    mark: bool = True
    """Mark the levels on bars and charts; not where they mean nothing without `when`."""

    @property
    def conditions(self) -> tuple[When, ...]:
        """Return what must hold besides, whether written as one table or as a list of them."""
        return self.when if isinstance(self.when, tuple) else (self.when,)

    @property
    def direction(self) -> str:
        """Return `above`, `below`, or `absent`."""
        return "above" if self.above else "below" if self.below else "absent"

    @property
    def levels(self) -> Levels:
        """Return the levels of either direction."""
        return self.above or self.below or Levels()

    def level(self, severity: Severity) -> float | None:
        """Return where `severity` begins."""
        level: Amount | None = getattr(self.levels, severity.value)
        return None if level is None else float(level)

    def beyond(self, value: float, level: Amount | None) -> bool:
        """Return whether `value` is on the bad side of `level`."""
        return level is not None and (value > level if self.above else value < level)


class Inhibition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """While an alert that agrees with `when` fires, those that agree with `mutes` and share `equal` call nobody."""

    name: str
    """What it is called, and by what name it is overridden."""
    when: dict[str, str]
    """Patterns of the labels of the alert that is the cause."""
    mutes: dict[str, str] = {}
    """Patterns of the labels of those that follow from it, no more severe than it unless `severity` is named here."""
    equal: tuple[str, ...] = ("source",)
    """Labels that both must have alike, and not empty."""
    reason: str = ""
    """What the screen says; `{rule}`, `{source}` and the other labels of the cause."""
    enabled: bool = True
    """False switches it off."""


class RuleBook(msgspec.Struct, frozen=True, kw_only=True):
    """The rules and inhibitions in force, and the lines on those that could not be read."""

    rules: tuple[Rule, ...] = ()
    inhibitions: tuple[Inhibition, ...] = ()
    problems: tuple[str, ...] = ()
