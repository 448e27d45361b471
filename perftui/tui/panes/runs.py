"""A running or finished action in one line, and its proof in words."""

from perftui.core import units
from perftui.core.action import Outcome, Proof, Run
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line

OUTCOMES = {
    Outcome.RUNNING: ("▶", "accent"),
    Outcome.SUCCEEDED: (glyphs.OK, "ok"),
    Outcome.PARTIAL: (glyphs.WARNING, "warning"),
    Outcome.CANCELLED: (glyphs.PAUSED, "warning"),
    Outcome.FAILED: (glyphs.CRITICAL, "critical"),
    Outcome.INTERRUPTED: (glyphs.CRITICAL, "critical"),
}
PROOFS = {
    Proof.PENDING: ("proof pending", "dim"),
    Proof.RECOVERED: (f"{glyphs.OK} recovered", "ok"),
    Proof.UNCHANGED: (f"{glyphs.WARNING} unchanged", "warning"),
    Proof.WORSE: (f"{glyphs.CRITICAL} worse", "critical"),
    Proof.UNKNOWN: (f"{glyphs.UNKNOWN} proof unknown", "dim"),
}


def run_line(run: Run, wall: float) -> Line:
    """Return an action in one line: what, on what, how far or how it ended, and the proof."""
    glyph, role = OUTCOMES[run.outcome]
    line: Line = [(f"{glyph} ", role), (run.plan.title, "text"), (f"  {state_of(run, wall)}", role)]
    if run.message:
        line.append((f"  {run.message}", "dim"))
    if run.outcome in (Outcome.SUCCEEDED, Outcome.PARTIAL, Outcome.CANCELLED):
        words, tone = PROOFS[run.proof]
        line.append((f"  {words}", tone))
    return line


def is_watched(run: Run) -> bool:
    """Return whether its steps are done and the readings after it are still to prove it."""
    return run.outcome is not Outcome.RUNNING and run.proof is Proof.PENDING and run.ended is None


def is_open(run: Run) -> bool:
    """Return whether it runs or is still being proved."""
    return run.outcome is Outcome.RUNNING or is_watched(run)


def can_undo(run: Run) -> bool:
    """Return whether there is something to take back, and nobody has."""
    return run.undo is not None and not run.undone and run.outcome is not Outcome.RUNNING


def state_of(run: Run, wall: float) -> str:
    """Return how far an action is, or how it ended and how long it took."""
    took = units.seconds(max(0.0, round((wall if run.done is None else run.done) - run.started, 1)))
    if run.outcome is not Outcome.RUNNING:
        return f"{run.outcome.value} after {took}"
    return f"running {took}" if run.fraction is None else f"running {run.fraction * 100:.0f} %  {took}"
