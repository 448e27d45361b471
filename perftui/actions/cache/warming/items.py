"""What a recipe's rows and objects become: keys with their values, or the reason why not, each for itself."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from perftui.config.duration import Duration
from perftui.config.remedies import WarmRecipe
from perftui.core.errors import Refused
from perftui.core.text import clean, did_you_mean

MOST_ITEM = 16 << 20
"""Bytes of one value: a larger one would hold the server up while it is written."""
_COLUMN = re.compile(r"\{([^{}]+)\}")
# Numbers of the MySQL protocol: DECIMAL, TINY, SHORT, LONG, FLOAT, DOUBLE, LONGLONG, INT24, YEAR, JSON, NEWDECIMAL.
_WHOLE, _BROKEN, _JSON = frozenset({1, 2, 3, 8, 9, 13}), frozenset({0, 4, 5, 246}), 245

Row = Sequence[bytes | None]


class Item(NamedTuple):
    """A key, its value, and how long it lives (seconds) where the item says so itself."""

    key: bytes
    value: bytes
    ttl: float | None = None


Made = Item | str
"""An item, or why there is none."""


def rows_to_items(recipe: WarmRecipe, names: Sequence[str], types: Sequence[int]) -> Callable[[Row], Made]:
    """Return what makes an item of a row. Raises Refused for a column that the query does not give."""
    parts = _COLUMN.split(recipe.key)
    for column in [*parts[1::2], *([recipe.value] if recipe.value else [])]:
        if column not in names:
            given = ", ".join(clean(name, 40) for name in names)
            hint = did_you_mean(column, names) or f"the query gives {given or 'no columns'}"
            raise Refused("recipe", f"key and value need the column {clean(column, 40)}, which is not there", hint)
    fixed = [part.encode() for part in parts[0::2]]
    columns = [names.index(part) for part in parts[1::2]]
    value = names.index(recipe.value) if recipe.value else None

    def make(row: Row) -> Made:
        key = fixed[0]
        for column, text in zip(columns, fixed[1:], strict=True):
            cell = row[column]
            if cell is None:
                return f"{names[column]} is NULL in its key"
            key += cell + text
        if value is None:
            return _checked(key, _row_as_json(names, types, row))
        cell = row[value]
        return _checked(key, f"{names[value]} is NULL" if cell is None else cell)

    return make


def object_to_item(recipe: WarmRecipe, found: object) -> Made:
    """Return the item of an object of a JSON list."""
    if not isinstance(found, dict):
        return "it is no object"
    key = _key(recipe.key, found)
    return key if isinstance(key, str) else _checked(key, _value(recipe.value, found))


def line_to_item(line: bytes) -> Made:
    """Return the item of a line of a key file: `{"key": …, "value": …}`, and `"ttl"` in seconds or as `1h`."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return "it is not JSON"
    if not isinstance(found, dict):
        return "it is no object"
    key = _key("{key}", found)
    if isinstance(key, str):
        return key
    try:
        ttl = None if found.get("ttl") is None else _ttl(found["ttl"])
    except (ValueError, OverflowError):
        return "its ttl is no duration above 0"
    return _checked(key, _value("value", found), ttl)


def _ttl(given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise ValueError(given)
    ttl = float(Duration.parse(given)) if isinstance(given, str) else float(given)
    if not 0.001 <= ttl <= 1e9:
        raise ValueError(given)
    return ttl


def _checked(key: bytes, value: bytes | str, ttl: float | None = None) -> Made:
    if isinstance(value, str):
        return value
    if not key:
        return "its key is empty"
    if len(key) + len(value) > MOST_ITEM:
        return f"it is larger than {MOST_ITEM >> 20} MiB"
    return Item(key, value, ttl)


def _key(template: str, found: Mapping[str, Any]) -> bytes | str:
    parts = _COLUMN.split(template)
    for place in range(1, len(parts), 2):
        cell = found.get(parts[place])
        if isinstance(cell, bool) or not isinstance(cell, str | int | float):
            return f"{clean(parts[place], 40)} is missing or no plain value, and its key needs it"
        parts[place] = str(cell)
    return _encoded("".join(parts))


def _value(column: str, found: Mapping[str, Any]) -> bytes | str:
    if not column:
        return _encoded(_as_json(found))
    value = found.get(column)
    if value is None:
        return f"it has no {clean(column, 40)}"
    return _encoded(value if isinstance(value, str) else _as_json(value))


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _encoded(text: str) -> bytes:
    # A lone surrogate (`\ud800` in the JSON) has no bytes of its own.
    return text.encode("utf-8", "replace")


def _row_as_json(names: Sequence[str], types: Sequence[int], row: Row) -> bytes | str:
    try:
        cells = [_cell(kind, cell) for kind, cell in zip(types, row, strict=True)]
    except UnicodeDecodeError:
        return "a column is not text; name the column of the value"
    pairs = (f"{_as_json(name)}:{cell}" for name, cell in zip(names, cells, strict=True))
    return ("{" + ",".join(pairs) + "}").encode()


def _cell(kind: int, cell: bytes | None) -> str:
    """Return a column's text as JSON: numbers as numbers, with neither the leading zeros nor the sign of ZEROFILL."""
    if cell is None:
        return "null"
    if kind in _WHOLE:
        return str(int(cell))
    text = cell.decode()
    if kind == _JSON:
        return text
    return (
        (text.lstrip("0") if text[1:2].isdigit() else text) if kind in _BROKEN and _is_number(text) else _as_json(text)
    )


def _is_number(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
