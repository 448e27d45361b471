"""`perftui rules`: the rules in force, whether they are right, and whether they do what is written of them."""

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from perftui.alerts.cases.file import load_cases
from perftui.alerts.cases.report import lines_of
from perftui.alerts.cases.runner import run_cases
from perftui.alerts.rules.file import rule_book, rule_infos
from perftui.cli.remedy_lines import remedy_lines
from perftui.config.load import load, read
from perftui.config.paths import config_file
from perftui.core.alert import RuleInfo
from perftui.core.errors import ConfigError

OK, FAILED, WRONG = 0, 1, 2


def run(argv: list[str]) -> int:
    """Run `perftui rules ARGV`; return 0, 1 when a case or a rule is wrong, 2 for a file that cannot be understood."""
    options = _parser().parse_args(argv)
    match options.command:
        case "test":
            return _test([Path(name) for name in options.files])
        case "check":
            return _check(options.file)
        case _:
            return _list(options.config)


def _test(paths: Iterable[Path]) -> int:
    started = time.perf_counter()
    cases = failed = wrong = 0
    for path in paths:
        try:
            file = load_cases(path)
        except ConfigError as error:
            print(f"perftui: {str(error).replace(chr(10), chr(10) + 'perftui: ')}", file=sys.stderr)
            wrong += 1
            continue
        for outcome in run_cases(file):
            cases += 1
            if outcome.mismatches:
                failed += 1
                print(f"FAILED {path}: {outcome.case.name}", *lines_of(outcome, file.known), sep="\n")
    spent = time.perf_counter() - started
    said = f"{failed} of {_number(cases, 'case')} failed" if failed else f"{_number(cases, 'case')} passed"
    unread = f", {_number(wrong, 'file')} not understood" if wrong else ""
    print(f"{said}{unread} in {spent:.2f} s")
    return WRONG if wrong else FAILED if failed else OK


def _check(name: str | None) -> int:
    path = config_file(name)
    loaded = read(path, must_exist=name is not None)
    book = rule_book(loaded.settings)
    problems = (*loaded.problems, *book.problems, *remedy_lines(book, loaded.settings))
    for line in problems:
        print(f"perftui: {line}", file=sys.stderr)
    if problems:
        return FAILED
    print(f"{_number(len(book.rules), 'rule')}, {_number(len(book.inhibitions), 'inhibition')}: right")
    return OK


def _list(name: str | None) -> int:
    infos = rule_infos(load(config_file(name), must_exist=name is not None))
    width = max(len(info.name) for info in infos)
    for info in infos:
        hold = f" for {info.hold}" if info.hold not in ("", "0s") else ""
        off = "" if info.enabled else "off: "
        print(f"{info.name:<{width}}  {off}{_levels(info)}{hold}: {info.why}  ({info.origin})")
    return OK


def _levels(info: RuleInfo) -> str:
    levels = {"info": info.info, "warning": info.warning, "critical": info.critical}
    written = ", ".join(f"{level} ({severity})" for severity, level in levels.items() if level)
    return f"{info.direction} {written}".rstrip()


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


_FORMAT = """\
a file of cases:

  rules = "default"            # or the path of a file, a list of them, or [[rules]] tables
  interval = "1s"              # between two values, and between two looks at the rules

  [[tests]]
  name = "a busy CPU calls after half a minute, and is over after it has been well"
  input = [
      { source = "web-1", metric = "system.cpu.utilization", values = "0.5 0.75x59 0.2x119" },
  ]
  expect = [
      { at = "29s", alerts = [{ rule = "cpu", source = "web-1", state = "pending" }] },
      { at = "50s", alerts = [{ rule = "cpu", source = "web-1", severity = "warning" }], notifications = 1 },
      { at = "3m", alerts = [{ rule = "cpu", source = "web-1", state = "resolved" }], notifications = 2 },
  ]

values, one each interval
  1 2 3       these                        0+10x60   0, then 60 more, each 10 above the one before
  5x3         5, then 3 more               90-2x10   90, then 10 more, each 2 below the one before
  _  _x5      no sample; five times none   stale     from here the figures of the source are too old,
                                           failing   or its polls fail, until a value comes again

expect
  alerts      exactly those that fire or are unknown; pending and resolved ones are looked at only where they are named.
              Each: rule, source, and if it matters attributes, state (pending, firing, unknown, resolved; firing unless
              given), severity, summary, muted
  includes    true: others may fire, too
  notifications   how many there were so far, on one route with the usual settings

A path is relative to the file, and may be a whole perftui.toml; ["default", "perftui.toml"] is what an agent with that
file runs. Time is virtual: an hour takes milliseconds. Exit status: 0 all passed, 1 some failed, 2 a file is wrong."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="perftui rules", description="The rules by which alerts fire.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    test = commands.add_parser(
        "test",
        help="run written cases in virtual time",
        description="Run written cases in virtual time: what comes in, and what must fire when.",
        epilog=_FORMAT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    test.add_argument("files", nargs="+", metavar="FILE", help="a file of cases")
    check = commands.add_parser(
        "check",
        help="print every mistake in the rules of a file; exits 1 when there is one",
        description="Print every mistake in a configuration and its rules, one a line. Exits 0 without any, else 1.",
    )
    check.add_argument("file", nargs="?", metavar="FILE", help="which (default: the user's perftui.toml)")
    listing = commands.add_parser("list", help="print the rules in force, with their levels and where they come from")
    listing.add_argument("--config", metavar="FILE", help="configuration (default: the user's perftui.toml)")
    return parser
