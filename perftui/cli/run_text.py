"""Plans and runs as plain text."""

from perftui.core.action import Line, Plan, Run
from perftui.core.proof_words import proof_words
from perftui.core.units import seconds

_WIDTH = 32
_TARGETS = 10


def preview(plan: Plan) -> str:
    """Return what the plan would do, what it rests on, what proves it and what cannot be known."""
    undo = "yes" if plan.reversible else "no"
    takes = "" if plan.estimate is None else f"takes about {seconds(max(1.0, plan.estimate))}   "
    rows = [
        plan.title,
        *(_row(line) for line in plan.lines),
        *_targets(plan),
        f"  {takes}risk {plan.risk}   undo {undo}",
        *(f"  warning   {text}" for text in plan.warnings),
        *(f"  guard     {text}" for text in plan.guards),
        *(f"  rests on  {text}" for text in plan.rests_on),
        *(f"  proof     {text}" for text in proof_words(plan)),
        *(f"  unknown   {text}" for text in plan.unknown),
    ]
    return "\n".join([*rows, f"  same as   {plan.command}"] if plan.command else rows)


def _targets(plan: Plan) -> list[str]:
    """Return the exact targets, as many as a screen has room for."""
    more = plan.count - len(plan.targets[:_TARGETS])
    shown = [f"  target    {text}" for text in plan.targets[:_TARGETS]]
    return [*shown, f"  target    and {more:,} more"] if more > 0 else shown


def result(run: Run) -> str:
    """Return how a run ended, what was done and what was not, and what the readings after it showed."""
    counts = [f"{count:,} {word}" for count, word in ((run.left, "left alone"), (run.failed, "failed")) if count]
    head = f"{run.outcome}: {run.message}" + (f" ({', '.join(counts)})" if counts else "")
    undo = [f"  undo      perftui undo {run.plan.id}   ({run.undo.title or run.undo.action})"] if run.undo else []
    rows = [head, *map(_row, run.lines), *map(_row, run.proof_lines), f"  proof     {run.proof}", *undo]
    return "\n".join(rows)


def _row(line: Line) -> str:
    change = " -> ".join(text for text in (line.before, line.after) if text)
    return f"  {line.label:<{_WIDTH}} {change}"
