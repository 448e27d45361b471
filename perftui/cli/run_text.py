"""Plans and runs as plain text."""

from perftui.core.action import Line, Plan, Run
from perftui.core.units import seconds

_WIDTH = 32


def preview(plan: Plan) -> str:
    """Return what the plan would do, what it rests on and what cannot be known."""
    undo = "yes" if plan.reversible else "no"
    takes = "" if plan.estimate is None else f"takes about {seconds(max(1.0, plan.estimate))}   "
    rows = [
        plan.title,
        *(_row(line) for line in plan.lines),
        f"  {takes}risk {plan.risk}   undo {undo}",
        *(f"  rests on  {text}" for text in plan.rests_on),
        *(f"  unknown   {text}" for text in plan.unknown),
        *(f"  warning   {text}" for text in plan.warnings),
    ]
    return "\n".join([*rows, f"  same as   {plan.command}"] if plan.command else rows)


def result(run: Run) -> str:
    """Return how a run ended, and what the second reading showed."""
    head = f"{run.outcome}: {run.message}"
    return "\n".join([head, *(_row(line) for line in run.lines), f"  proof     {run.proof}"])


def _row(line: Line) -> str:
    change = " -> ".join(text for text in (line.before, line.after) if text)
    return f"  {line.label:<{_WIDTH}} {change}"
