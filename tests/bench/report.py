"""Figures beside their budgets."""

from collections.abc import Iterable
from typing import NamedTuple


class Row(NamedTuple):
    """One figure: smaller is better, unless `more`; None where nothing is promised."""

    name: str
    value: float
    budget: float | None
    goal: float | None
    unit: str
    more: bool = False

    @property
    def verdict(self) -> str:
        """Whether the goal, the budget or neither is met."""
        if self.budget is None or self.goal is None:
            return ""
        sign = -1 if self.more else 1
        if sign * self.value <= sign * self.goal:
            return "goal met"
        return "within budget" if sign * self.value <= sign * self.budget else "OVER BUDGET"


def table(rows: Iterable[Row]) -> str:
    """Return the rows as aligned text."""
    lines = [f"{'figure':<36}{'measured':>10}{'budget':>9}{'goal':>8}  unit"]
    for row in rows:
        budget, goal = (" " if each is None else f"{each:g}" for each in (row.budget, row.goal))
        lines.append(f"{row.name:<36}{row.value:>10.2f}{budget:>9}{goal:>8}  {row.unit:<12}{row.verdict}".rstrip())
    return "\n".join(lines)
