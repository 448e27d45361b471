"""Records of the audit log, folded into a row an action and a run each.

The records may be of another version, or somebody may have written them by hand: nothing in them is relied upon.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from perftui.actions.audit.log import Record
from perftui.actions.contract import Actor
from perftui.actions.params import LONGEST
from perftui.core.action import AuditRow, Line, Outcome, Plan, Proof, Risk, Run, Undo
from perftui.core.text import clean

MOST_LINES = 40
_LONGEST_NAME = 200


def folded(row: AuditRow | None, record: Record) -> AuditRow | None:
    """Return the row of an action with one more of its records in it; None for a record that is of no action."""
    event, at = record.get("event"), wall_of(record)
    if event not in ("intent", "cancel", "outcome", "proof"):
        return row
    if row is None:
        row = AuditRow(
            plan=text(record, "plan", "?"),
            at=at or 0.0,
            action=text(record, "action", "?"),
            target=text(record, "target", "?"),
        )
    if event == "intent":
        return msgspec.structs.replace(
            row,
            at=at if at is not None else row.at,
            subject=text(record, "subject", limit=LONGEST),
            title=text(record, "title") or f"{row.action} on {row.target}",
            who=_who(record.get("who")),
            reason=text(record, "reason"),
            passed=_words(record.get("passed")),
            undoes=text(record, "undoes"),
            part_of=text(record, "part_of"),
        )
    if event == "cancel":
        return (
            row if row.done is not None else msgspec.structs.replace(row, message=cancelled_by(_who(record.get("who"))))
        )
    lines = (*row.lines, *_lines(record.get("lines")))[:MOST_LINES]
    if event == "proof":
        message = text(record, "message") or row.message
        return msgspec.structs.replace(row, proof=text(record, "proof"), lines=lines, message=message)
    return msgspec.structs.replace(
        row,
        done=at,
        outcome=text(record, "outcome", "?"),
        message=text(record, "message"),
        lines=lines,
        undo=_undo(record.get("undo")),
        undoes=text(record, "undoes") or row.undoes,
    )


def run_of(row: AuditRow, risk: Risk = Risk.HIGH) -> Run | None:
    """Return a row as a run that is over; None while it is open, or where nobody can say how it ended."""
    outcome = next((each for each in Outcome if each == row.outcome), Outcome.RUNNING)
    if outcome is Outcome.RUNNING:
        return None
    plan = Plan(
        id=row.plan,
        action=row.action,
        title=row.title or f"{row.action} on {row.target}",
        target=row.target,
        subject=row.subject,
        digest="",
        expires=0.0,
        risk=risk,
        reversible=row.undo is not None,
        confirm="",
        command="",
        undoes=row.undoes,
        part_of=row.part_of,
    )
    proof = next((each for each in Proof if each == row.proof and each is not Proof.PENDING), Proof.UNKNOWN)
    return Run(
        plan=plan,
        outcome=outcome,
        proof=proof,
        message=row.message,
        lines=row.lines,
        started=row.at,
        done=row.done,
        ended=row.done if row.done is not None else row.at,
        who=row.who,
        reason=row.reason,
        passed=row.passed,
        undo=row.undo,
        undone=row.undone,
    )


def wall_of(record: Record) -> float | None:
    """Return when a record was written (wall seconds), None when it does not say."""
    try:
        return datetime.fromisoformat(str(record.get("at"))).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def seconds_of(record: Record, key: str) -> float:
    """Return a number of seconds, 0 where the record has none."""
    value = record.get(key)
    return float(value) if isinstance(value, (int, float)) and 0 <= value < 1e9 else 0.0


def text(record: Record, key: str, missing: str = "", limit: int = 500) -> str:
    """Return a text, cleaned."""
    value = record.get(key)
    return missing if value is None else clean(value if isinstance(value, str) else str(value), limit)


def cancelled_by(name: str) -> str:
    """Return how it is said of a run."""
    return f"cancelled by {name}"


def actor_name(actor: Actor) -> str:
    """Return who it is: who logged in, and who that claims to be."""
    return name_of(actor.login or str(actor.uid), actor.claimed)


def name_of(login: str, claimed: dict[str, str]) -> str:
    """Return who it was: who logged in, and who that claims to be."""
    other = claimed.get("SUDO_USER", "")
    return clean(f"{login} (claims {other})" if other and other != login else login, _LONGEST_NAME)


def _who(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    claimed = value.get("claimed")
    claims = {str(key): str(name) for key, name in claimed.items()} if isinstance(claimed, dict) else {}
    return name_of(str(value.get("login") or value.get("uid") or "?"), claims)


def _words(value: object) -> tuple[str, ...]:
    return tuple(clean(str(each), 40) for each in value[:10]) if isinstance(value, list) else ()


def _lines(value: object) -> Iterable[Line]:
    for each in value[:MOST_LINES] if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield Line(*(clean(str(each.get(key, ""))) for key in ("label", "before", "after")))


def _undo(value: object) -> Undo | None:
    if not (isinstance(value, dict) and isinstance(value.get("action"), str) and isinstance(value.get("params"), dict)):
        return None
    params = {clean(str(key), 60): clean(str(each), 2000) for key, each in value["params"].items()}
    return Undo(action=clean(value["action"], 80), params=params, title=clean(str(value.get("title", ""))))
