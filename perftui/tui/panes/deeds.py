"""What was done here: the runs that the agent tells of and the older rows of the audit log, each action once."""

from typing import NamedTuple

from perftui.client.state import State
from perftui.core.action import AuditRow, Line, Outcome, Proof, Run, Undo
from perftui.tui.panes.runs import OUTCOMES, PROOFS, is_open
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Span


class Deed(NamedTuple):
    """An action of the past, or one that is `open`: it runs or is being proved; `at` and `done` are wall seconds."""

    plan: str
    title: str
    target: str
    at: float
    who: str
    outcome: str
    proof: str
    is_open: bool = False
    fraction: float | None = None
    subject: str = ""
    done: float | None = None
    reason: str = ""
    message: str = ""
    targets: tuple[str, ...] = ()
    total: int = 0
    counts: tuple[int, int, int] = (0, 0, 0)
    """How many of its targets were changed, left alone, and failed."""
    lines: tuple[Line, ...] = ()
    proof_lines: tuple[Line, ...] = ()
    passed: tuple[str, ...] = ()
    undo: Undo | None = None
    undone: bool = False
    undoes: str = ""
    part_of: str = ""
    command: str = ""

    @property
    def can_undo(self) -> bool:
        """Whether there is something to take back, and nobody has."""
        return self.undo is not None and not self.undone and self.outcome != Outcome.RUNNING

    @property
    def mark(self) -> Span:
        """Its glyph."""
        outcome = next((each for each in Outcome if each == self.outcome), None)
        return OUTCOMES[outcome] if outcome is not None else (glyphs.UNKNOWN, "dim")

    @property
    def proved(self) -> Span:
        """The words for its proof, with their glyph; empty while it runs, and where nothing proved it."""
        proof = next((each for each in Proof if each == self.proof), None)
        return PROOFS[proof] if proof is not None and self.outcome != Outcome.RUNNING else ("", "dim")


def deeds(state: State) -> list[Deed]:
    """Return what runs first, then what was done, the newest first."""
    rows = {each.plan: each for each in state.audit}
    found = [_of_run(run, rows.pop(run.plan.id, None)) for run in state.runs]
    found += map(_of_row, rows.values())
    return sorted(found, key=lambda deed: (deed.is_open, deed.at), reverse=True)


def deed_of(state: State, plan: str) -> Deed | None:
    """Return an action by the id of its plan."""
    return next((each for each in deeds(state) if each.plan == plan), None)


def title_of(state: State, plan: str) -> str:
    """Return the title of an action; its id where that is all that is known."""
    found = deed_of(state, plan)
    return found.title if found is not None else plan


def _of_run(run: Run, row: AuditRow | None) -> Deed:
    plan = run.plan
    return Deed(
        plan=plan.id,
        title=plan.title,
        target=plan.target,
        at=run.started,
        who=run.who,
        outcome=run.outcome,
        proof=run.proof,
        is_open=is_open(run),
        fraction=run.fraction,
        subject=plan.subject,
        done=run.done,
        reason=run.reason,
        message=run.message,
        targets=plan.targets,
        total=plan.count,
        counts=(run.applied, run.left, run.failed),
        lines=run.lines,
        proof_lines=run.proof_lines,
        passed=run.passed,
        undo=run.undo,
        undone=run.undone,
        undoes=plan.undoes,
        part_of=plan.part_of or (row.part_of if row is not None else ""),
        command=plan.command,
    )


def _of_row(row: AuditRow) -> Deed:
    return Deed(
        plan=row.plan,
        title=row.title or f"{row.action} on {row.target}",
        target=row.target,
        at=row.at,
        who=row.who,
        outcome=row.outcome,
        proof=row.proof,
        subject=row.subject,
        done=row.done,
        reason=row.reason,
        message=row.message,
        lines=row.lines,
        passed=row.passed,
        undo=row.undo,
        undone=row.undone,
        undoes=row.undoes,
        part_of=row.part_of,
    )
