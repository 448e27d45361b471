"""Break-glass: pass a check of the guard all the same, with the target's name typed and a reason."""

from perftui.core.action import Plan
from perftui.core.clock import Clock
from perftui.core.errors import Refused
from perftui.tui.dialogs.confirm import Confirmed, Confirming, Later
from perftui.tui.dialogs.fields import columns, field
from perftui.tui.widgets.text import Line, wrapped


class BreakGlass(Confirming):
    """Says which check refused a plan and why, and asks for what passes it."""

    title = "Refused"
    verb = "pass it and apply"
    wanted = 84

    def __init__(
        self, plan: Plan, refusal: Refused, clock: Clock, later: Later, confirmed: Confirmed, *, reason: str = ""
    ) -> None:
        super().__init__(plan.target, clock, later, confirmed, needs_reason=True, reason=reason)
        self._plan = plan
        self._refusal = refusal

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        refusal = self._refusal
        facts = [
            field("check", refusal.check, "warning"),
            field("says", refusal.reason, "warning"),
            field("instead", refusal.remedy),
            field("not done", self._plan.title),
        ]
        words = f"Break-glass passes {refusal.check} this once. It is recorded with your reason, and shown."
        return [*columns(facts, cells), [], *([(part, "title")] for part in wrapped(words, cells))]
