"""What a rule looks at, as a metric of its own and in words."""

from collections.abc import Mapping

import msgspec

from perftui.alerts.rule import Aggregate, Rule
from perftui.core.alert import Severity
from perftui.core.metric import Kind, Metric
from perftui.core.units import seconds, show_metric


def measured(rule: Rule, known: Mapping[str, Metric]) -> Metric:
    """Return the metric whose unit the rule's values are in: a share, a change per second, a time, or its own."""
    metric = known[rule.metric]
    if rule.absent_for is not None:
        return msgspec.structs.replace(metric, unit="s", kind=Kind.GAUGE)
    if rule.divided_by:
        alike = metric.unit == known[rule.divided_by].unit
        return msgspec.structs.replace(metric, unit="1", kind=Kind.RATIO if alike else Kind.GAUGE)
    if rule.aggregate is Aggregate.RATE:
        return msgspec.structs.replace(metric, unit=f"{metric.unit}/s", kind=Kind.RATE)
    if rule.aggregate is Aggregate.INCREASE and metric.kind is Kind.RATE:
        return msgspec.structs.replace(metric, unit=metric.unit.removesuffix("/s"), kind=Kind.GAUGE)
    return metric


def explained(rule: Rule, metric: Metric) -> str:
    """Return why a rule fires: `queue.depth, avg over 5m, above 1,000 for 1m`."""
    looked_at = f"{rule.metric} / {rule.divided_by}" if rule.divided_by else rule.metric
    if rule.absent_for is not None:
        return f"{looked_at} has not come for {seconds(rule.absent_for)} from a source that answers"
    if rule.aggregate is Aggregate.PREDICT and rule.over is not None and rule.ahead is not None:
        looked_at += f", where the last {seconds(rule.over)} lead to in {seconds(rule.ahead)},"
    elif rule.aggregate is not None and rule.over is not None:
        looked_at += f", {rule.aggregate.value} over {seconds(rule.over)},"
    levels = [
        f"{show_metric(metric, level)} ({severity.value})"
        for severity in Severity
        if (level := rule.level(severity)) is not None
    ]
    words = f"{looked_at} {rule.direction} {' or '.join(levels)}"
    return f"{words} for {seconds(rule.hold)}" if rule.hold else words
