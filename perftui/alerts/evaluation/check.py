"""A rule made ready to judge many values a second, and its words."""

import math
from collections.abc import Mapping
from typing import NamedTuple

from perftui.alerts.evaluation.marks import OTHER_SCALE
from perftui.alerts.evaluation.measured import Measure, Neighbours, Notation, metric_of
from perftui.alerts.rules.rule import Rule
from perftui.config.duration import Duration
from perftui.core import units
from perftui.core.alert import Severity
from perftui.core.matcher import fits, matches
from perftui.core.metric import Kind, Metric
from perftui.core.series import Attributes

SOURCE_FAILING = "source.failing"
SOURCE_STALE = "source.stale"
WELL = -1
"""The rank of a value that is beyond no level."""
_SECONDS = Metric(name="", unit="s", kind=Kind.GAUGE, description="")


class Threshold(NamedTuple):
    """Where a severity begins, as a figure and for people, and in words what is waited for."""

    level: float
    level_text: str
    why: str


class Check:
    """Tells how bad a value is, by the rank of a severity: `bounds` are mildest first, turned so that above is bad."""

    __slots__ = (
        "_clear", "_known", "attributes", "bounds", "clear", "conditions", "edge", "hold", "judges_source", "measure",
        "metric", "name", "notation", "rule", "sign", "summary", "thresholds",
    )  # fmt: skip

    def __init__(self, rule: Rule, known: Mapping[str, Metric]) -> None:
        self.rule = rule
        self.name = rule.name
        self.attributes = rule.attributes
        self.conditions = rule.conditions
        self.measure = Measure.of(rule)
        self.metric = metric_of(rule.metric, known)
        self.sign = -1.0 if rule.below else 1.0
        self.judges_source = rule.metric in (SOURCE_FAILING, SOURCE_STALE)
        self.hold = float(rule.hold if rule.absent_for is None else rule.absent_for)
        levels = _levels(rule)
        self.bounds = tuple((self.sign * level, severity.rank) for severity, level in levels.items())
        self.edge = self.bounds[0][0] if self.bounds else math.inf
        self._clear = self.edge if rule.clear is None else self.sign * rule.clear
        mildest = next(iter(levels.values()), 0.0)
        self.clear = self.sign * self._clear if self._is_plain else None
        self.notation = Notation(self.measure, known, mildest)
        if rule.absent_for is not None:
            self.notation = Notation(Measure(SOURCE_STALE), {SOURCE_STALE: _SECONDS}, mildest)
        self._known = known
        self.summary = rule.summary or self._template()
        self.thresholds = {severity: self._threshold(level) for severity, level in levels.items()}

    @property
    def _is_plain(self) -> bool:
        """Whether the series itself tells that it is well. What hurts above 0 under a condition hurts by that."""
        rule = self.rule
        tied = bool(self.conditions) and self.edge == 0
        return bool(self.bounds) and not (tied or self.is_absence or rule.divided_by or rule.aggregate in OTHER_SCALE)

    @property
    def is_absence(self) -> bool:
        """Whether it waits for a metric that does not come."""
        return self.rule.absent_for is not None

    def watches(self, source: str) -> bool:
        """Return whether it is about a source of this name."""
        return not self.rule.sources or any(fits(pattern, source) for pattern in self.rule.sources)

    def agrees_with(self, attributes: Attributes) -> bool:
        """Return whether it is about series with these attributes."""
        return not self.attributes or matches(self.attributes, dict(attributes))

    def rank(self, value: float) -> int:
        """Return the rank of the worst level that `value` is beyond, WELL if of none; NaN is beyond nothing."""
        turned, worst = self.sign * value, WELL
        for bound, rank in self.bounds:
            if turned > bound:
                worst = rank
        return worst

    def is_well(self, value: float) -> bool:
        """Return whether `value` lies on the good side of `clear`."""
        return self.sign * value <= self._clear

    def holds(self, attributes: Attributes, neighbours: Neighbours, words: dict[str, str]) -> bool | None:
        """Return whether every `when` holds, None when one cannot be told; adds the first one's value to `words`."""
        found = True
        for condition in self.conditions:
            value = neighbours.value(condition.metric, attributes)
            if value is None:
                return None
            found = found and condition.holds(value)
            words.setdefault("when", str(units.show_metric(metric_of(condition.metric, self._known), value)))
        return found

    def said(self, words: Mapping[str, str]) -> str:
        """Return the summary with these words; one that this series does not have is empty."""
        return self.summary.format_map(_Words(words))

    def _template(self) -> str:
        """Return the summary of a rule that has none of its own."""
        metric = self.rule.metric.replace("{", "{{").replace("}", "}}")
        return (
            f"no {metric} for {{value}}" if self.is_absence else f"{metric} {{value}} {self.rule.direction} {{level}}"
        )

    def _threshold(self, level: float) -> Threshold:
        text = self.notation.level(level)
        return Threshold(level, text, self._why(text))

    def _why(self, level_text: str) -> str:
        if self.is_absence:
            labels = "".join(f" {name}={pattern}" for name, pattern in self.attributes.items())
            return f"{self.rule.metric}{labels} has not come for {_time(self.hold)}"
        words = f"{self.measure.words} {self.rule.direction} {level_text}"
        if self.hold:
            words += f" for {_time(self.hold)}"
        for condition in self.conditions:
            metric = metric_of(condition.metric, self._known)
            bounds = (("above", condition.above), ("below", condition.below))
            said = [f"{side} {units.show_metric(metric, bound)}" for side, bound in bounds if bound is not None]
            words += f", while {condition.metric} {' and '.join(said)}"
        return words


class _Words(dict[str, str]):
    """The words of a summary; one that is not there is empty."""

    def __missing__(self, _name: str) -> str:
        return ""


def _levels(rule: Rule) -> dict[Severity, float]:
    """Return the levels of a rule, mildest first; of an absence the time that it may take."""
    if rule.absent_for is not None:
        return {rule.severity or Severity.WARNING: float(rule.absent_for)}
    levels = {severity: rule.level(severity) for severity in Severity}
    return {severity: level for severity, level in levels.items() if level is not None}


def _time(seconds: float) -> str:
    """Return a duration of a rule: `30 s`, `5m`."""
    return str(units.seconds(seconds)) if seconds < 60 else Duration(seconds).text
