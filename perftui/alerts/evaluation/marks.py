"""The levels that bars and charts are marked with."""

from collections.abc import Iterable

from perftui.alerts.rules.rule import Aggregate, Rule
from perftui.core.alert import Level, Severity

OTHER_SCALE = frozenset({Aggregate.RATE, Aggregate.INCREASE, Aggregate.PREDICT})
"""What is made of values and is no value of the series itself."""


def marks(rules: Iterable[Rule]) -> tuple[Level, ...]:
    """Return the levels that mean something beside every series of the metric."""
    return tuple(_level(rule) for rule in rules if rule.mark and _is_general(rule))


def _is_general(rule: Rule) -> bool:
    if rule.sources or rule.attributes or rule.divided_by or rule.absent_for is not None:
        return False
    return rule.aggregate not in OTHER_SCALE


def _level(rule: Rule) -> Level:
    return Level(
        metric=rule.metric,
        direction=rule.direction,
        warning=rule.level(Severity.WARNING),
        critical=rule.level(Severity.CRITICAL),
    )
