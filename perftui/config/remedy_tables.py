"""The tables for actions: `[actions]`, and each `[warm|files|scale|cdn|runbooks.NAME]` by itself.

A mistake in one leaves the others standing.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from perftui.config import freeze
from perftui.config.checks import check_name, check_patterns
from perftui.config.decode import Problems, Where, decode
from perftui.config.remedies import NAMED, ActionRules, CdnHook, FileRule, Freeze, Runbook, ScaleGroup, WarmRecipe
from perftui.config.remedy_checks import check_cdn, check_files, check_scale, check_warm
from perftui.config.runbook_checks import check_runbook, check_undos
from perftui.config.surroundings import Surroundings

ACTION_TABLES = ("actions", *NAMED)
"""The names of these tables in perftui.toml."""
_ACTION_NAME = re.compile(r"[a-z0-9_-]{1,40}")
_SINGULAR = {"warm": "recipe", "files": "rule", "scale": "group", "cdn": "hook", "runbooks": "runbook"}
_Named = TypeVar("_Named", bound=msgspec.Struct)


class RemedyTables(msgspec.Struct, frozen=True, kw_only=True):
    """What is right of them, under the names that `Settings` has for it."""

    actions: ActionRules
    warm: dict[str, WarmRecipe]
    files: dict[str, FileRule]
    scale: dict[str, ScaleGroup]
    cdn: dict[str, CdnHook]
    runbooks: dict[str, Runbook]


def read_remedies(document: Mapping[str, Any], around: Surroundings) -> RemedyTables:
    """Return the tables for actions that are right; the others are told of in the problems of `around`."""
    runbooks = _named("runbooks", Runbook, document, around)
    return RemedyTables(
        actions=_actions(document.get("actions", {}), around),
        warm=_named("warm", WarmRecipe, document, around),
        files=_named("files", FileRule, document, around),
        scale=_named("scale", ScaleGroup, document, around),
        cdn=_named("cdn", CdnHook, document, around),
        runbooks=check_undos(runbooks, document.get("runbooks", {}), around),
    )


def _actions(table: object, around: Surroundings) -> ActionRules:
    where, problems = ("actions",), around.problems
    if not isinstance(table, dict):
        problems.add((), "actions must be a table: write [actions]")
        return ActionRules()
    rules = decode(ActionRules, table, where, problems)
    assert rules is not None, "every key has a default"
    return msgspec.structs.replace(rules, freeze=tuple(each for each in rules.freeze if _holds(each, problems)))


def _holds(window: Freeze, problems: Problems) -> bool:
    where, before = ("actions", "freeze"), len(problems.lines)
    check_patterns("sources", window.sources, where, problems)
    try:
        freeze.parse(window.start, window.until)
    except ValueError as error:
        problems.add(where, str(error))
    return len(problems.lines) == before


def _named(table: str, struct: type[_Named], document: Mapping[str, Any], around: Surroundings) -> dict[str, _Named]:
    tables = document.get(table, {})
    if not isinstance(tables, dict):
        around.problems.add((), f"{table} must be tables: write [{table}.NAME] for each")
        return {}
    found = {name: _entry(table, struct, name, entry, around) for name, entry in tables.items()}
    return {name: entry for name, entry in found.items() if entry is not None}


def _entry(table: str, struct: type[_Named], name: str, written: object, around: Surroundings) -> _Named | None:
    where, problems = (table, name), around.problems
    before = len(problems.lines)
    if not isinstance(written, dict):
        problems.add(where, "must be a table")
        return None
    check_name(_SINGULAR[table], name, where, problems)
    if table == "runbooks" and not _ACTION_NAME.fullmatch(name):
        problems.add(where, "a runbook's name is part of an action's: lower case, digits, dashes, 40 at most")
    entry = decode(struct, written, where, problems)
    if entry is not None and len(problems.lines) == before:
        _check(entry, where, around)
    return entry if len(problems.lines) == before else None


def _check(entry: msgspec.Struct, where: Where, around: Surroundings) -> None:
    match entry:
        case WarmRecipe():
            check_warm(entry, where, around)
        case FileRule():
            check_files(entry, where, around.problems)
        case ScaleGroup():
            check_scale(entry, where, around)
        case CdnHook():
            check_cdn(entry, where, around)
        case Runbook():
            check_runbook(entry, where, around)
