"""Actions that run or have ended, in words: how far, how they ended, what proved it; which stands beside the alerts."""

from collections.abc import Sequence

from perftui.core import units
from perftui.core.action import Outcome, Proof, Run
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line

ENDED_SHOWN, FAILED_SHOWN = 30.0, 120.0
"""Seconds that a finished action stays beside the alerts: one that went well, and one that failed or made it worse."""
OUTCOMES = {
    Outcome.RUNNING: ("▶", "accent"),
    Outcome.SUCCEEDED: (glyphs.OK, "ok"),
    Outcome.PARTIAL: (glyphs.WARNING, "warning"),
    Outcome.CANCELLED: (glyphs.PAUSED, "warning"),
    Outcome.FAILED: (glyphs.CRITICAL, "critical"),
    Outcome.INTERRUPTED: (glyphs.CRITICAL, "critical"),
}
PROOFS = {
    Proof.PENDING: (f"{glyphs.PENDING} proof pending", "dim"),
    Proof.RECOVERED: (f"{glyphs.OK} recovered", "ok"),
    Proof.HELD: (f"{glyphs.OK} as planned", "ok"),
    Proof.UNCHANGED: (f"{glyphs.WARNING} unchanged", "warning"),
    Proof.WORSE: (f"{glyphs.CRITICAL} worse", "critical"),
    Proof.UNKNOWN: (f"{glyphs.UNKNOWN} proof unknown", "dim"),
}
_PROVED = (Outcome.SUCCEEDED, Outcome.PARTIAL, Outcome.CANCELLED)
_FAILED = (Outcome.PARTIAL, Outcome.FAILED, Outcome.INTERRUPTED)


def news(runs: Sequence[Run], wall: float) -> Line:
    """Return one line on what runs or has just ended, the worst first, and how many more there are; else nothing."""
    shown = sorted(
        (run for run in runs if not run.plan.part_of and _is_news(run, wall)),
        key=lambda run: (_is_bad(run), is_open(run), run.started),
        reverse=True,
    )
    if not shown:
        return []
    more: Line = [(f"  and {len(shown) - 1} more", "dim")] if len(shown) > 1 else []
    return [*_run_line(shown[0], wall), *more]


def _is_news(run: Run, wall: float) -> bool:
    return is_open(run) or (
        run.ended is not None and wall - run.ended < (FAILED_SHOWN if _is_bad(run) else ENDED_SHOWN)
    )


def _is_bad(run: Run) -> bool:
    return run.outcome in _FAILED or run.proof is Proof.WORSE


def _run_line(run: Run, wall: float) -> Line:
    """Return an action in one line: what, how far or how it ended, and the proof."""
    glyph, role = OUTCOMES[run.outcome]
    line: Line = [(f"{glyph} ", role), (run.plan.title, "text"), (f"  {state_of(run, wall)}", role)]
    if run.outcome in _PROVED:
        words, tone = PROOFS[run.proof]
        line.append((f"  {words}", tone))
    return [*line, (f"  {run.message}", "dim")] if run.message else line


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
