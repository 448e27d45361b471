"""A rule in words and in the texts that one would write it with, for the screen that lists and edits rules."""

from perftui.alerts.rules.rule import Aggregate, Rule
from perftui.alerts.rules.tables import DIRECTIONS, Table
from perftui.core.alert import RuleInfo


def rule_info(rule: Rule, table: Table, *, origin: str, changed: bool) -> RuleInfo:
    """Return what the console shows of a rule, with its figures as they are written in its plain `table`."""
    levels = table.get(rule.direction, {}) if rule.direction in DIRECTIONS else {}
    written = {name: as_typed(level) for name, level in levels.items()}
    return RuleInfo(
        name=rule.name,
        metric=rule.metric,
        direction=rule.direction,
        info=written.get("info", ""),
        warning=written.get("warning", ""),
        critical=written.get("critical", ""),
        clear=as_typed(table.get("clear", "")),
        hold=(rule.hold if rule.absent_for is None else rule.absent_for).text,
        enabled=rule.enabled,
        summary=rule.summary,
        why=what(rule, table),
        origin=origin,
        changed=changed,
    )


def what(rule: Rule, table: Table) -> str:
    """Return what a rule looks at, in words: `redis.hit_ratio, avg over 5m, while redis.lookups above 5/s`."""
    looked_at = f"{rule.metric} divided by {rule.divided_by}" if rule.divided_by else rule.metric
    parts = [looked_at]
    if rule.aggregate is Aggregate.PREDICT and rule.over is not None and rule.ahead is not None:
        parts.append(f"where the last {rule.over.text} lead to in {rule.ahead.text}")
    elif rule.aggregate is not None and rule.over is not None:
        parts.append(f"{rule.aggregate.value} over {rule.over.text}")
    if rule.absent_for is not None:
        parts.append("which a source that answers does not give")
    written = table.get("when", ())
    conditions = (written,) if isinstance(written, dict) else written
    return ", ".join([*parts, *(f"while {_condition(condition)}" for condition in conditions)])


def _condition(table: Table) -> str:
    bounds = (f"{direction} {as_typed(table[direction])}" for direction in DIRECTIONS if direction in table)
    return f"{table['metric']} {' and '.join(bounds)}"


def as_typed(written: object) -> str:
    """Return a level, duration or switch as it is typed: text without its quotes, the rest as TOML shows it."""
    if isinstance(written, bool):
        return "true" if written else "false"
    return written if isinstance(written, str) else repr(written)
