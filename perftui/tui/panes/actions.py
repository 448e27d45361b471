"""The actions pane, screen 9: who did what, how it ended and what proved it; what runs now comes first."""

from perftui.client.state import State
from perftui.core.action import AuditRow, Outcome, Proof, Run
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.runs import OUTCOMES, PROOFS
from perftui.tui.panes.state_words import clock_time
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.table import Column, choose, head, row
from perftui.tui.widgets.text import Line

_COLUMNS = (
    Column("  at", 10, "left"),
    Column("who", 8, "left", rank=3, grow=12),
    Column("action", 24, "left", grow=40),
    Column("outcome", 12, "left"),
    Column("proof", 15, "left", rank=1),
    Column("undo", 4, "left", rank=2),
    Column("result", 16, "left", rank=4, grow=200),
)
_DAY = 86400.0


def draw(state: State, cells: int) -> Content:
    """Return the pane in `cells` cells."""
    chosen = choose(_COLUMNS, cells)
    current = {run.plan.id for run in state.runs}
    rows = [_run_row(state, run, chosen) for run in state.runs]
    rows += [_audit_row(state, each, chosen) for each in state.audit if each.plan not in current]
    running = sum(run.outcome is Outcome.RUNNING for run in state.runs)
    title: Line = [(f"{len(rows)}", "dim"), *([(f" · {running} running", "accent")] if running else [])]
    return Content("Actions", title, [head(_COLUMNS, chosen)], rows, empty="nothing has been done from here yet")


def _run_row(state: State, run: Run, chosen: list[tuple[int, int]]) -> Row:
    glyph, role = OUTCOMES[run.outcome]
    proof = PROOFS[run.proof] if run.outcome is not Outcome.RUNNING else ("", "dim")
    cells: list[Line] = [
        [(glyph, role), (f" {_when(state, run.started)}", "text")],
        [(run.who, "text")],
        [(run.plan.title, "text")],
        [(_outcome(run), role)],
        [proof],
        _undo(run.undo is not None and not run.undone),
        [(_result(run.message, run.reason), "dim")],
    ]
    return Row(run.plan.id, (row(cells, _COLUMNS, chosen),), source=run.plan.target, run=run.plan.id)


def _outcome(run: Run) -> str:
    """Return how it ended, or how far it is."""
    if run.outcome is Outcome.RUNNING and run.fraction is not None:
        return f"running {run.fraction * 100:.0f} %"
    return run.outcome.value


def _audit_row(state: State, entry: AuditRow, chosen: list[tuple[int, int]]) -> Row:
    outcome = next((each for each in Outcome if each == entry.outcome), None)
    glyph, role = OUTCOMES[outcome] if outcome is not None else (glyphs.UNKNOWN, "dim")
    proof = next((PROOFS[each] for each in Proof if each == entry.proof), ("", "dim"))
    cells: list[Line] = [
        [(glyph, role), (f" {_when(state, entry.at)}", "text")],
        [(entry.who, "text")],
        [(entry.title or f"{entry.action} on {entry.target}", "text")],
        [(entry.outcome, role)],
        [proof],
        _undo(entry.undo is not None),
        [(_result(entry.message, entry.reason), "dim")],
    ]
    return Row(entry.plan, (row(cells, _COLUMNS, chosen),), source=entry.target, run=entry.plan)


def _when(state: State, wall: float) -> str:
    """Return the time of day, or how many days ago."""
    days = int((state.wall - wall) // _DAY)
    return clock_time(wall) if days < 1 else f"{days}d ago"


def _undo(can: bool) -> Line:
    return [("u", "accent")] if can else [("", "dim")]


def _result(message: str, reason: str) -> str:
    return "; ".join(filter(None, [message, f"reason: {reason}" if reason else ""]))
