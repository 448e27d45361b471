"""`perftui config`: write a first configuration file, check one, describe it."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from perftui.alerts.rules.file import rule_book
from perftui.alerts.rules.schema import rule_structs
from perftui.cli.remedy_lines import remedy_lines
from perftui.config.discovery import discover, usual_candidates
from perftui.config.load import read
from perftui.config.paths import config_file
from perftui.config.render import render
from perftui.config.schema import schema
from perftui.config.settings import Settings
from perftui.core.errors import ConfigError

OK, PROBLEMS = 0, 1


def run(argv: list[str]) -> int:
    """Run `perftui config ARGV`; return 0, or 1 when there is something wrong. argparse exits with 2."""
    options = _parser().parse_args(argv)
    match options.command:
        case "init":
            return _init(config_file(options.file), force=options.force)
        case "check":
            return _check(options.file)
        case "schema":
            print(json.dumps(schema(rule_structs()), indent=2, ensure_ascii=False))
        case _:
            print(config_file())
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="perftui config",
        description="The configuration file. perftui needs none: without it, it shows this host and what it finds.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    init = commands.add_parser(
        "init",
        help="write a commented file with what was found on this host",
        description="Look for Redis, MySQL and MariaDB on this host, and write them as a commented file (mode 0600). "
        "No password is written.",
    )
    init.add_argument("file", nargs="?", metavar="FILE", help="where to (default: what `perftui config path` prints)")
    init.add_argument("--force", action="store_true", help="replace the file where there is one")
    check = commands.add_parser(
        "check",
        help="print every mistake in a file; exits 1 when there is one",
        description="Print every mistake in a file, one a line, with what would be right. Exits 0 without any, else 1.",
    )
    check.add_argument("file", nargs="?", metavar="FILE", help="which (default: what `perftui config path` prints)")
    commands.add_parser("schema", help="print the JSON schema of the file, for editors")
    commands.add_parser("path", help="print where the file is looked for")
    return parser


def _init(path: Path, *, force: bool) -> int:
    try:
        if path.exists() and not force:
            return _fail(f"{path} exists; --force replaces it")
        found = asyncio.run(discover(Settings(), usual_candidates(_note)))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_private(path.resolve(), render(found))
    except OSError as error:
        return _fail(f"{path} cannot be written: {error.strerror}")
    print(f"{path}: {', '.join(source.name for source in found) or 'nothing found; the file is all comments'}")
    return OK


def _write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _check(file: str | None) -> int:
    path = config_file(file)
    loaded = read(path, must_exist=file is not None)
    book = rule_book(loaded.settings)
    of_console = (f"{path.name}: {line}" for line in _console_problems(loaded.settings))
    problems = [*loaded.problems, *book.problems, *remedy_lines(book, loaded.settings), *of_console]
    for line in problems:
        print(line, file=sys.stderr)
    if problems:
        return PROBLEMS
    if not path.exists():
        print(f"{path} does not exist; perftui shows this host and what it finds")
        return OK
    settings = loaded.settings
    routes = f", routes: {', '.join(settings.notify)}" if settings.notify else ""
    print(
        f"{path}: right, {len(settings.sources)} sources with this host and the agent, {len(book.rules)} rules{routes}"
    )
    return OK


def _console_problems(settings: Settings) -> Iterator[str]:
    """Yield what the console would refuse: keys and theme are its own words, which the agent takes as they are."""
    from perftui.tui import keys, theme  # here, because only this command needs them

    try:
        keys.Keymap(settings.keys)
    except ConfigError as error:
        yield str(error)
    try:
        theme.load(settings.theme, {"COLORTERM": "truecolor"})
    except ConfigError as error:
        yield f"theme: {error}"


def _note(line: str) -> None:
    print(f"perftui config: {line}", file=sys.stderr)


def _fail(line: str) -> int:
    _note(line)
    return PROBLEMS
