"""`perftui audit`: who did what, and whether the chain of its lines is whole."""

import argparse
from collections.abc import Iterable

import msgspec

from perftui.actions.audit import AuditLog, Record
from perftui.config.paths import state_dir
from perftui.core.text import clean

OK = 0


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
    actions: dict[str, Record] = {}
    for record in records:
        actions.setdefault(str(record.get("plan")), {}).update({**record, "began": _began(actions, record)})
    return [_row(record) for record in actions.values()]


def _began(actions: dict[str, Record], record: Record) -> object:
    return actions.get(str(record.get("plan")), {}).get("began") or record.get("at")


def _row(record: Record) -> str:
    who = record.get("who")
    login = str(who.get("login") or who.get("uid")) if isinstance(who, dict) else "?"
    when = str(record["began"])[:19].replace("T", " ")
    words = (when, login, record.get("action"), record.get("target"), record.get("outcome", "open"))
    widths = (19, 12, 18, 16, 11)
    cells = [f"{clean(str(word)):<{width}}" for word, width in zip(words, widths, strict=True)]
    ends = (record.get("proof", ""), record.get("message", ""))
    return "  ".join([*cells, *(clean(str(text)) for text in ends if text)])


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
