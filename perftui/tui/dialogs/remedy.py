"""The preview of a remedy: exactly what it will do, what proves it, and what confirms it."""

from collections.abc import Callable

from perftui.core import units
from perftui.core.action import Plan
from perftui.core.clock import Clock
from perftui.core.proof_words import proof_words
from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.dialogs.confirm import Confirmed, Confirming, Later
from perftui.tui.dialogs.fields import Field, change, columns, field
from perftui.tui.widgets.text import Line, wrapped

_FIRST = 5
"""Targets that the preview names; all that are known by name are one key away."""


class Preview(Confirming):
    """Shows a plan; `edit` is called for its parameters to be changed, `targets` to list what it touches.

    `undone` is the title of what it takes back.
    """

    wanted = 96

    def __init__(
        self,
        plan: Plan,
        clock: Clock,
        later: Later,
        confirmed: Confirmed,
        *,
        production: bool = False,
        edit: Callable[[], None] | None = None,
        targets: Callable[[], None] | None = None,
        undone: str = "",
    ) -> None:
        super().__init__(plan.confirm, clock, later, confirmed, needs_reason=plan.needs_reason)
        self.title = "Preview"
        self.plan = plan
        self._production = production
        self._edit = edit
        self._undone = undone
        self._targets = targets if len(plan.targets) > _FIRST else None

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        plan = self.plan
        lines: list[Line] = [[(part, "title")] for part in wrapped(plan.title, cells)]
        if self._production:
            lines.append([("production: ", "warning"), ("this target is marked so", "text")])
        warnings = [*_refused(plan), *(field("warning", text, "warning") for text in plan.warnings)]
        undoes = [field("undoes", self._undone or plan.undoes)] if plan.undoes else []
        facts = [*undoes, *_facts(plan)]
        return lines + columns([*warnings, *map(change, plan.lines), *_touched(plan), *facts], cells)

    def others(self) -> list[tuple[str, str]]:
        """Return the keys for parameters and targets; with Ctrl where letters are the name that is typed."""
        prefix = "" if self.plan.confirm == "y" else "^"
        edit = [(f"{prefix}e", "edit")] if self._edit is not None else []
        return edit + ([(f"{prefix}t", "list")] if self._targets is not None else [])

    def press_other(self, key: str) -> bool:
        """Edit the parameters, or list the targets."""
        prefix = "" if self.plan.confirm == "y" else "ctrl+"
        does = {f"{prefix}e": self._edit, f"{prefix}t": self._targets}.get(key)
        if does is not None:
            does()
        return does is not None


class Targets(Dialog):
    """Lists what a plan touches, as far as it is known by name."""

    title = "Targets"
    wanted = 96

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        plan = self._plan
        lines: list[Line] = [[(part, "text")] for name in plan.targets for part in wrapped(name, cells) or [""]]
        more = max(plan.count, len(plan.targets)) - len(plan.targets)
        return [*lines, *([[(f"and {more:,} more, pinned by the plan's digest", "dim")]] if more else [])]

    def foot(self) -> Line:
        """Return what its keys do."""
        return hints(("↑↓", "scroll"), ("esc", "back"))


def _refused(plan: Plan) -> list[Field]:
    """Return what the guard would object to now, and how that is passed; what it has nothing against is not told."""
    return [
        field("refused now" if not line.startswith("part ") else "part refused", f"{line}; {way}", "warning")
        for line in plan.guards
        if (way := _way_past(line))
    ]


def _way_past(line: str) -> str:
    """Return how an objection of the guard is passed; empty for a line that is none (`limits: 2 of at most 4`)."""
    check = line.partition(":")[0]
    if check == "read-only":
        return "nothing passes that: change it there and reload"
    if check == "lock":
        return "wait for its end, or cancel it"
    is_limit = check == "limits" and " of at most " not in line
    if is_limit or line.startswith("frozen") or (check == "cooldown" and line.endswith(" left")):
        return "wait, or apply it and pass that with the name and a reason (break-glass)"
    return "the rest would be done without it" if line.startswith("part ") else ""


def _touched(plan: Plan) -> list[Field]:
    """Return how many things it touches, which share of all that is, and the first of them by name."""
    count = max(plan.count, len(plan.targets))
    if not count:
        return []
    share = "" if plan.share is None else f", {units.percent(plan.share)} of all"
    named = plan.targets[:_FIRST]
    others = [f"and {count - len(named):,} more"] if count > len(named) else []
    also = [field("changes too", ", ".join(plan.touches))] if plan.touches else []
    if count == 1:
        return [field("touches", plan.targets[0] + share if plan.targets else f"1 thing{share}"), *also]
    return [
        field("touches", f"{count:,} things{share}"),
        *(field("", name, "dim") for name in [*named, *others]),
        *also,
    ]


def _facts(plan: Plan) -> list[Field]:
    """Return what is to be known of a plan besides what it changes."""
    takes = "" if plan.estimate is None else f"takes about {units.seconds(plan.estimate)}"
    undo = "can be undone" if plan.reversible else "cannot be undone"
    return [
        field("risk", ", ".join(filter(None, [plan.risk.value, undo, takes]))),
        *([field("rests on", " · ".join(plan.rests_on))] if plan.rests_on else []),
        *_listed("proof", proof_words(plan) or ["its own second reading afterwards"]),
        *_listed("unknown", plan.unknown),
        field("same as", plan.command),
    ]


def _listed(label: str, texts: tuple[str, ...] | list[str]) -> list[Field]:
    """Return each text on a line of its own, the label before the first."""
    return [field(label if index == 0 else "", text) for index, text in enumerate(texts)]
