"""A rule changed within the text of perftui.toml: its own table is edited, every other byte of the file stays."""

import re
import tomllib
from collections.abc import Mapping, MutableMapping
from typing import Any

import tomlkit
from tomlkit.items import InlineTable, Item, Table

from perftui.alerts.rules.amount import Amount
from perftui.alerts.rules.file import defaults
from perftui.alerts.rules.tables import DIRECTIONS, OFF, direction_of, laid_over, plain
from perftui.alerts.rules.words import as_typed
from perftui.config.decode import unknown
from perftui.config.duration import Duration
from perftui.core.alert import Severity
from perftui.core.errors import ConfigError

LEVELS = tuple(severity.value for severity in Severity)
DURATIONS = ("for", "keep_firing_for", "clear_for", "cooldown")
KEYS = (*LEVELS, "clear", *DURATIONS, "enabled")
"""What can be changed here."""
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_TABLE = re.compile(r"^[ \t]*\[", re.MULTILINE)
_RULE = re.compile(r"""^[ \t]*\[\[[ \t]*(rules|"rules"|'rules')[ \t]*\]\]""", re.MULTILINE)
_PART_OF_RULE = re.compile(r"""[ \t]*\[\[?[ \t]*(rules|"rules"|'rules')[ \t]*\.""")
_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)*")


def edited(text: str, name: str, changes: Mapping[str, str]) -> str:
    """Return `text` with the rule `name` changed. Raises ConfigError, one line.

    `changes` are texts as one types them: `{"warning": "85%", "for": "1m", "enabled": "false"}`. An empty text takes
    the key out, so that a default is back in force; "off" is for a level, or `clear`, that is not wanted. A table over
    a default that says nothing any more goes as a whole.
    """
    before = _read(text)
    base = defaults().rule_tables.get(name)
    end_of_line = "\r\n" if "\r\n" in text else "\n"
    span = _span(text, name)
    if span is None:
        _check_new(name, before)
        part = f'[[rules]]\nname = "{name}"\n'
    else:
        part = text[slice(*span)].replace("\r\n", "\n").removesuffix("\n") + "\n"
    changed = _changed(part, changes, base).replace("\n", end_of_line)
    result = _appended(text, changed, end_of_line) if span is None else _replaced(text, span, changed, end_of_line)
    if _others(_read(result), name) != _others(before, name):
        raise ConfigError(f'"{name}" cannot be changed without touching other tables; change the file by hand')
    return result


def _read(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"the file is no TOML: {error}") from error


def _check_new(name: str, document: dict[str, Any]) -> None:
    known = defaults().rule_tables
    if any(table.get("name") == name for table in _rules(document)):
        raise ConfigError(f'"{name}" is not written as a [[rules]] table of its own; change it by hand')
    if name not in known:
        raise ConfigError(unknown("rule", name, known))


def _rules(document: dict[str, Any]) -> list[dict[str, Any]]:
    tables = document.get("rules")
    return [table for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []


def _others(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a document without the rule `name`: the first of it."""
    rules = _rules(document)
    own = next((table for table in rules if table.get("name") == name), None)
    return {**document, "rules": [table for table in rules if table is not own]}


def _span(text: str, name: str) -> tuple[int, int] | None:
    """Return where the table of the rule `name` stands, without the comments between it and the next one."""
    tables = [match.start() for match in _TABLE.finditer(text)]
    for match in _RULE.finditer(text):
        start = match.start()
        for end in [*(place for place in tables if place > start), len(text)]:
            if _PART_OF_RULE.match(text, end):
                continue
            try:
                (table,) = tomllib.loads(text[start:end])["rules"]
            except tomllib.TOMLDecodeError:
                continue  # that was no table, but a line of a value
            if table.get("name") == name:
                return start, _last_key(text, start, end)
            break
    return None


def _last_key(text: str, start: int, end: int) -> int:
    """Return where the last line ends that is neither blank nor a comment."""
    while True:
        line = text.rfind("\n", start, end - 1) + 1
        words = text[line:end].strip()
        if line <= start or (words and not words.startswith("#")):
            return end
        end = line


def _changed(part: str, changes: Mapping[str, str], base: Mapping[str, Any] | None) -> str:
    """Return the text of one rule's table with the changes in it; empty when it says nothing any more."""
    document = tomlkit.parse(part)
    table = document["rules"][0]
    for key, value in changes.items():
        own = table.unwrap()
        whole = laid_over(base, own) if base else plain(own)
        if value.strip() != _in_force(whole, key):
            _change(table, key, value.strip(), direction_of(whole), base or {})
    is_empty = base is not None and table.keys() == {"name"} and "#" not in tomlkit.dumps(document)
    return "" if is_empty else tomlkit.dumps(document)


def _in_force(whole: Mapping[str, Any], key: str) -> str:
    """Return what a key says now, as one would type it."""
    levels = whole.get(direction_of(whole), {})
    return as_typed((levels if key in LEVELS else whole).get(key, ""))


def _change(table: Table, key: str, value: str, direction: str, base: Mapping[str, Any]) -> None:
    if key in LEVELS:
        if direction not in DIRECTIONS:
            raise ConfigError(f"{key}: this rule has no levels; it fires when its metric does not come")
        _change_level(table, key, value, direction, base.get(direction, {}))
    elif key == "clear":
        _put(table, key, _level(key, value) if value != OFF or key in base else None)
    elif key in DURATIONS:
        _put(table, "absent_for" if key == "for" and direction == "absent" else key, _duration(key, value))
    elif key == "enabled":
        switched = _switch(value)
        _put(table, key, None if switched is base.get(key, True) else switched)
    else:
        raise ConfigError(f"{unknown('key', key, KEYS)}; other keys are changed in the file")


def _change_level(table: Table, key: str, value: str, direction: str, before: Mapping[str, Any]) -> None:
    written, levels = table.get(direction), table.unwrap().get(direction, {})
    if not isinstance(levels, dict):
        # A single level stands for all of a default's: the others stay off.
        levels = dict.fromkeys(before, OFF) | {str(table.pop("severity", "warning")): levels}
    levels[key] = _level(key, value) if value != OFF or key in before else None
    left = {name: level for name, level in levels.items() if level is not None}
    if isinstance(written, MutableMapping) and not isinstance(written, InlineTable) and left:
        _put(written, key, levels[key])
    else:
        # A rule of one's own keeps its direction, so that the check says what it lacks.
        _put(table, direction, _inline(left) if left or not before else None)


def _inline(levels: Mapping[str, Any]) -> Item:
    """Return a table on one line, its levels in their order."""
    order = sorted(levels, key=lambda name: LEVELS.index(name) if name in LEVELS else len(LEVELS))
    return tomlkit.value(
        "{ " + ", ".join(f"{name} = {tomlkit.item(levels[name]).as_string()}" for name in order) + " }"
    )


def _put(table: MutableMapping[str, Any], key: str, value: Any) -> None:
    """Set a key, or take it out."""
    if value is not None:
        table[key] = value
    elif key in table:
        del table[key]


def _level(key: str, value: str) -> str | float | None:
    """Return a level as TOML has it: a number where it is one, else text; None for an empty one."""
    if value in ("", OFF):
        return value or None
    number = (float(value) if set(value) & set(".eE") else int(value)) if _NUMBER.fullmatch(value) else None
    try:
        Amount.parse(value if number is None else number)
    except ValueError as error:
        raise ConfigError(f"{key}: {error}") from error
    return value if number is None else number


def _duration(key: str, value: str) -> str | None:
    if not value:
        return None
    try:
        Duration.parse(value)
    except ValueError as error:
        raise ConfigError(f"{key}: {error}") from error
    return value


def _switch(value: str) -> bool | None:
    if value not in ("true", "false", ""):
        raise ConfigError("enabled must be true or false")
    return value == "true" if value else None


def _appended(text: str, part: str, end_of_line: str) -> str:
    if not part:
        return text
    if text and not text.endswith("\n"):
        text += end_of_line
    if text and not text.endswith(end_of_line * 2):
        text += end_of_line
    return text + part


def _replaced(text: str, span: tuple[int, int], part: str, end_of_line: str) -> str:
    before, after = text[: span[0]], text[span[1] :]
    if part:
        return before + part + after
    rest = after[_BLANK_LINES.match(after).end() :]  # type: ignore[union-attr]  # it matches nothing, too
    if not rest:
        return before.rstrip() + end_of_line if before.strip() else ""
    is_apart = not before.strip() or before.endswith(("\n\n", "\n\r\n"))
    return before + (rest if is_apart else after)
