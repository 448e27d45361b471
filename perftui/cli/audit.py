"""`perftui audit`: who did what, and whether the chain of its lines is whole."""

import argparse
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from perftui.actions.audit.log import AuditLog, Record
from perftui.actions.audit.rows import folded
from perftui.config.paths import state_dir
from perftui.core.action import AuditRow

OK = 0
PLAN_DIGITS = 8
"""Of a plan's id: enough to name it to `perftui undo`."""


def run(argv: list[str]) -> int:
    """Return 0; what does not verify or cannot be read is an AuditError, which the caller shows as one line."""
    options = _parser().parse_args(argv)
    log = AuditLog(state_dir())
    if options.command == "verify":
        print(f"{log.path}: {log.verify()} records, the chain is whole")
        return OK
    if options.json:
        for record in list(log.records())[-options.number :]:
            print(msgspec.json.encode(record).decode())
        return OK
    for row in _rows(log.records())[-options.number :]:
        print(row)
    return OK


def _rows(records: Iterable[Record]) -> list[str]:
    """Return one line for each action, oldest first: when, who, what, how it ended, what the proof was."""
    actions: dict[str, AuditRow] = {}
    for record in records:
        plan = str(record.get("plan"))
        row = folded(actions.get(plan), record)
        if row is not None:
            actions[plan] = row
    return [_row(each, actions.get(each.part_of)) for each in actions.values()]


def _row(row: AuditRow, whole: AuditRow | None) -> str:
    when = f"{datetime.fromtimestamp(row.at, UTC):%Y-%m-%d %H:%M:%S}"
    where = "/".join(filter(None, [row.target, row.subject]))
    words = (when, row.plan[:PLAN_DIGITS], row.who, row.action, where, row.outcome)
    cells = [f"{word:<{width}}" for word, width in zip(words, (19, PLAN_DIGITS, 12, 18, 16, 11), strict=True)]
    passed = f"broke the glass of {', '.join(row.passed)}" if row.passed else ""
    reason = f"reason: {row.reason}" if row.reason else ""
    part = f"part of {whole.action if whole is not None else row.part_of}" if row.part_of else ""
    return "  ".join([*cells, *(text for text in (row.proof, part, row.message, reason, passed) if text)])


def _number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="perftui audit", description="The audit log of the actions run by this user.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    show = commands.add_parser("show", help="print the last actions: when, who, what, outcome, proof")
    show.add_argument("-n", dest="number", type=_number, default=20, metavar="N", help="how many (default 20)")
    show.add_argument("--json", action="store_true", help="print the records as they are, one a line")
    commands.add_parser("verify", help="check the chain; exits 1 naming the first line that breaks it")
    return parser
