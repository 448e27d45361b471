"""The tables of rules as they are written: single levels put in their place, one table laid over another."""

from collections.abc import Mapping
from typing import Any

from perftui.alerts.rules.amount import Amount
from perftui.core.alert import Severity

Table = Mapping[str, Any]
DIRECTIONS = ("above", "below")
OFF = "off"
"""Written in the place of a level, or of `clear`, that a default has and that is not wanted."""
_SEVERITIES = frozenset(severity.value for severity in Severity)
_ABSENT_IGNORES = ("clear", "aggregate", "over", "ahead", "divided_by", "when", "for")


def plain(table: Table) -> dict[str, Any]:
    """Return a rule's table with a single level under its severity, and without what is off."""
    result = dict(table)
    for direction in DIRECTIONS:
        if direction in table:
            _spread(result, direction)
    if result.get("clear") == OFF:
        del result["clear"]
    return result


def laid_over(default: Table, own: Table) -> dict[str, Any]:
    """Return `default` (plain) with what `own` says instead; levels of the same direction severity by severity.

    Another direction replaces all levels, and so does a single level. The default's `clear` goes where it makes no
    sense any more, so that giving other levels is enough.
    """
    result = {**default, **own}
    given = [key for key in (*DIRECTIONS, "absent_for") if key in own]
    if given:
        _drop(result, {*DIRECTIONS, "absent_for", *(_ABSENT_IGNORES if given == ["absent_for"] else ())} - own.keys())
    for direction in DIRECTIONS:
        levels, before = own.get(direction), default.get(direction)
        if isinstance(levels, dict) and isinstance(before, dict):
            result[direction] = {**before, **levels}
        if levels is not None and before is None:
            _drop(result, {"clear", "severity"} - own.keys())
    result = plain(result)
    if "clear" not in own and not _clear_fits(result):
        del result["clear"]
    return result


def direction_of(table: Table) -> str:
    """Return `above`, `below`, or `absent`."""
    return next((direction for direction in DIRECTIONS if direction in table), "absent")


def _spread(table: dict[str, Any], direction: str) -> None:
    severity, levels = table.get("severity"), table[direction]
    if not isinstance(levels, dict):
        levels = {Severity.WARNING.value: levels}
    levels = {name: level for name, level in levels.items() if level != OFF}
    if isinstance(severity, str) and severity in _SEVERITIES and len(levels) == 1 and levels.keys() <= _SEVERITIES:
        levels = {severity: next(iter(levels.values()))}
        del table["severity"]
    table[direction] = levels


def _drop(table: dict[str, Any], keys: set[str]) -> None:
    for key in keys:
        table.pop(key, None)


def _clear_fits(table: Table) -> bool:
    """Return whether `clear` lies on the good side of the levels, or cannot be judged here."""
    direction = direction_of(table)
    if "clear" not in table or direction == "absent":
        return True
    try:
        clear = Amount.parse(table["clear"])
        levels = [Amount.parse(level) for level in table[direction].values()]
    except ValueError:
        return True
    return all(clear <= level if direction == "above" else clear >= level for level in levels)
