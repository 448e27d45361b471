"""What the types cannot say about runbooks: one way each, parameters that are known, an undo that takes the same."""

import re
from collections.abc import Iterator

from perftui.config.checks import check_duration, check_patterns
from perftui.config.decode import Where
from perftui.config.duration import Duration
from perftui.config.remedies import Runbook, RunbookParam
from perftui.config.remedy_checks import check_call, check_program
from perftui.config.size import Size
from perftui.config.surroundings import Surroundings
from perftui.core.matching_cost import REACH, check_cost
from perftui.core.text import did_you_mean

TIMEOUTS = (Duration(1), Duration(3600))
_WAYS = ("command", "shell", "http")
_PARAM = re.compile(r"[a-z][a-z0-9_]{0,31}")
_FLAGS = ("yes", "true", "1", "on", "no", "false", "0", "off")


def check_runbook(book: Runbook, where: Where, around: Surroundings) -> None:
    """Add what is wrong with one runbook, but for its undo."""
    problems, known = around.problems, tuple(book.params)
    ways = [way for way in _WAYS if getattr(book, way)]
    if len(ways) != 1:
        problems.add(where, f"give exactly one of command, shell and http{', not ' * bool(ways)}{' and '.join(ways)}")
    for key in ("command", "dry_run", "proof"):
        check_program(key, getattr(book, key), known, where, problems)
    for name in known:
        if re.search(rf"(?<!\$)\{{{name}\}}", book.shell):
            problems.add(where, f'shell: {{{name}}} is not filled in; write "$PARAM_{name.upper()}", in double quotes')
    if book.http is not None:
        check_call(book.http, known, (*where, "http"), around)
    for name, param in book.params.items():
        for line in _param(name, param):
            problems.add((*where, "params", name), line)
    around.check_source("target", book.target, (), where)
    check_patterns("rules", book.rules, where, problems)
    check_duration("timeout", book.timeout, TIMEOUTS, where, problems)


def check_undos(books: dict[str, Runbook], tables: object, around: Surroundings) -> dict[str, Runbook]:
    """Return the runbooks whose undo is another one that can take them back; `tables` are all that are written."""
    written = tables if isinstance(tables, dict) else {}
    wrong = set()
    for name, book in books.items():
        for line in _undo(name, book, books, written):
            around.problems.add(("runbooks", name), line)
            wrong.add(name)
    return {name: book for name, book in books.items() if name not in wrong}


def _undo(name: str, book: Runbook, books: dict[str, Runbook], written: dict[str, object]) -> Iterator[str]:
    if not book.undo:
        return
    other = books.get(book.undo)
    if book.undo == name:
        yield "undo is this runbook itself"
    elif book.undo not in written:
        hint = did_you_mean(book.undo, [each for each in written if each != name])
        yield f'undo: there is no runbook "{book.undo}"{"; " * bool(hint)}{hint}'
    elif other is not None:
        if other.target != book.target:
            yield f'undo: [runbooks.{book.undo}] works on "{other.target}", not on "{book.target}"'
        lacking = [param for param in book.params if param not in other.params]
        if lacking:
            yield f"undo: [runbooks.{book.undo}] has no parameter {' and '.join(lacking)}"
        more = [param for param, each in other.params.items() if each.required and param not in book.params]
        if more:
            yield f"undo: [runbooks.{book.undo}] needs {' and '.join(more)}, which this one does not have"


def _param(name: str, param: RunbookParam) -> Iterator[str]:
    if not _PARAM.fullmatch(name):
        yield "a parameter's name begins with a letter and is lower case, digits and underscores, 32 at most"
    if param.required and param.default:
        yield "required goes without default"
    if any(not choice for choice in param.choices):
        yield "choices: one is empty"
    if reason := _pattern_error(param.pattern):
        yield f"pattern: {reason}"
    elif param.pattern:
        yield from (
            f'"{text}" does not match the pattern'
            for text in filter(None, (param.default, *param.choices))
            if not re.fullmatch(param.pattern, text[:REACH])
        )
    if param.default and param.choices and param.default not in param.choices:
        yield f'default "{param.default}" is none of the choices'
    yield from (
        f'"{text}" is no {param.kind}'
        for text in filter(None, (param.default, *param.choices))
        if not _fits(param, text)
    )


def _pattern_error(pattern: str) -> str:
    try:
        check_cost(pattern)
        re.compile(pattern)
    except ValueError as error:
        return str(error)
    except (re.error, OverflowError, RecursionError) as error:
        return f'"{pattern}" is no regular expression: {error}'
    return ""


def _fits(param: RunbookParam, text: str) -> bool:
    try:
        match param.kind:
            case "integer":
                int(text)
            case "number":
                float(text)
            case "duration":
                Duration.parse(text)
            case "size":
                Size.parse(text)
            case "flag":
                return text.lower() in _FLAGS
    except ValueError:
        return False
    return True
