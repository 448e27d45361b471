"""Tables of TOML into structs, strictly: every mistake becomes one line, and one mistake does not hide the next.

msgspec stops at the first mistake and leaves out the names on the way to it, so structs are walked here, and only their
single values are given to msgspec.
"""

import re
from collections.abc import Iterable
from enum import EnumType
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from perftui.config.figure import Figure
from perftui.config.secret import Secret
from perftui.core.text import clean, did_you_mean

Where = tuple[str, ...]
"""The names of the tables that lead to a place: `("sources", "cache-1")`, or `('[[rules]] "cpu"', "above")`."""

StructType = TypeVar("StructType", bound=msgspec.Struct)
LONGEST_LINE = 400
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class Problems:
    """The lines that say what is wrong in one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: list[str] = []

    def add(self, where: Where, text: str) -> None:
        """Add the line `FILE: [TABLE] TEXT`, fit for the screen."""
        self.lines.append(clean(f"{self.file}: {_place(where)}{text}", LONGEST_LINE))


def _place(where: Where) -> str:
    if where and where[0].startswith("[["):  # one of a list of tables
        return f"{where[0]} " + (f"{'.'.join(where[1:])}: " if where[1:] else "")
    return f"[{'.'.join(_quoted(name) for name in where)}] " if where else ""


def decode(
    struct: type[StructType], table: dict[str, Any], where: Where, problems: Problems, others: Iterable[str] = ()
) -> StructType | None:
    """Return `table` as a `struct`, with the default for what is wrong, so that the rest can be checked further.

    What is wrong is added to `problems`; None where a key is wrong or missing that has no default. `others` are keys
    that somebody else reads.
    """
    fields = _fields(struct)
    for key in table:
        if key not in fields and key not in others:
            problems.add(where, unknown("key", key, [*others, *fields]))
    values = {
        key: _value(field.type, table[key], where, key, problems) for key, field in fields.items() if key in table
    }
    right = {key: value for key, value in values.items() if value is not None}
    required = [key for key, field in fields.items() if field.required]
    for key in required:
        if key not in table:
            problems.add(where, f'missing key "{key}"')
    if not all(key in right for key in required):
        return None
    return struct(**{fields[key].name: value for key, value in right.items()})


@cache
def _fields(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """Return the fields of a struct by the names that they have in TOML."""
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


def unknown(what: str, name: str, allowed: Iterable[str]) -> str:
    """Return what is said of a name that nobody knows: the nearest one that is, or all of them."""
    names = list(dict.fromkeys(allowed))
    return f'unknown {what} "{name}"; ' + (did_you_mean(name, names) or f"allowed: {', '.join(names)}")


def _value(kind: Any, value: Any, where: Where, name: str, problems: Problems) -> Any:
    """Return `value` as a `kind`, or None once `problems` says why not."""
    kind = _of_union(kind, value)
    if _is_struct(kind):
        return _table(kind, value, (*where, name), problems)
    if get_origin(kind) is tuple and isinstance(value, list) and _is_struct(get_args(kind)[0]):
        found = [_table(get_args(kind)[0], entry, (*where, name), problems) for entry in value]
        return tuple(entry for entry in found if entry is not None)
    if get_origin(kind) is dict and issubclass(get_args(kind)[1], msgspec.Struct):
        if not isinstance(value, dict):
            problems.add((*where, name), "must be a table of tables")
            return None
        inner = get_args(kind)[1]
        entries = {key: _table(inner, entry, (*where, name, key), problems) for key, entry in value.items()}
        return {key: entry for key, entry in entries.items() if entry is not None}
    try:
        return msgspec.convert(value, kind, dec_hook=_own_types)
    except msgspec.ValidationError as error:
        reason = str(error.__cause__) if isinstance(error.__cause__, ValueError) else f"must be {expected(kind)}"
        problems.add(where, f"{_quoted(name)} {reason}")
        return None


def _of_union(kind: Any, value: Any) -> Any:
    """Return the member of a union with a struct in it that `value` is meant as; any other kind as it is."""
    members = get_args(kind) if get_origin(kind) in (Union, UnionType) else ()
    struct = next((member for member in members if _is_struct(member)), None)
    if struct is None:
        return kind
    lists = (member for member in members if get_origin(member) is tuple and isinstance(value, list))
    return next(lists, struct)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _table(struct: type[StructType], value: Any, where: Where, problems: Problems) -> StructType | None:
    if isinstance(value, dict):
        return decode(struct, value, where, problems)
    problems.add(where, "must be a table")
    return None


def _own_types(kind: type, value: Any) -> Any:
    """Make the types that msgspec does not know; a ValueError's text follows the name of the key."""
    if issubclass(kind, Figure) and isinstance(value, kind.WRITTEN_AS) and not isinstance(value, bool):
        try:
            return kind.parse(value)
        except ValueError as error:
            raise ValueError(f"is wrong: {error}") from error
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise ValueError(f"must be {expected(kind)}")


_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text in quotes",
    Secret: 'a reference in quotes, such as "env:NAME", "file:PATH", "keyring:NAME" or "command:PROGRAM"',
}


def expected(kind: Any) -> str:
    """Return what a value of the type `kind` looks like in TOML."""
    if kind in _WORDS:
        return _WORDS[kind]
    if isinstance(kind, type) and issubclass(kind, Figure):
        return kind.EXPECTED
    if isinstance(kind, EnumType):
        return _one_of(list(kind))
    inner = get_args(kind)
    match get_origin(kind):
        case origin if origin is Literal:
            return _one_of(inner)
        case origin if origin is Annotated:
            limits = inner[1]
            return f"{expected(inner[0])} from {limits.ge} to {limits.le}"
        case origin if origin is Union or origin is UnionType:
            return expected(next(kind for kind in inner if kind not in (type(None), msgspec.UnsetType)))
        case origin if origin is tuple and inner[1] is not Ellipsis:
            return f"a list of {len(inner)}, each {expected(inner[0])}"
        case origin if origin is tuple:
            return f"a list, each {expected(inner[0])}"
    return f"a table, each value {expected(inner[1])}"


def _one_of(choices: Iterable[Any]) -> str:
    return " or ".join(f'"{choice}"' for choice in choices)


def _quoted(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else f'"{name}"'
