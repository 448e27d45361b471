"""The receipt of an action: who did what and why, what became of each step, what proved it, how it is taken back."""

from collections.abc import Callable
from datetime import UTC, datetime

from perftui.core import units
from perftui.core.action import Outcome
from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.dialogs.fields import Field, change, columns, field
from perftui.tui.panes.deeds import Deed
from perftui.tui.panes.state_words import clock_time
from perftui.tui.widgets.text import Line, wrapped

_NAMED = 20
"""Targets that are named."""


class Receipt(Dialog):
    """Shows an action as it stands; `undo` previews what takes it back, `title_of` names another by its plan's id."""

    title = "Action"
    wanted = 100

    def __init__(
        self, deed: Callable[[], Deed], title_of: Callable[[str], str], undo: Callable[[], None] | None
    ) -> None:
        super().__init__()
        self._deed = deed
        self._title_of = title_of
        self._undo = undo

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        deed = self._deed()
        glyph, role = deed.mark
        titles = wrapped(deed.title, cells - 2) or [""]
        lines: list[Line] = [
            [(f"{glyph} " if at == 0 else "  ", role), (part, "title")] for at, part in enumerate(titles)
        ]
        return lines + columns([*_told(deed, self._title_of), *_done(deed), *_proved(deed), *_after(deed)], cells)

    def foot(self) -> Line:
        """Return what its keys do."""
        undo = [("u", "undo")] if self._can_undo else []
        return hints(*undo, ("↑↓", "scroll"), ("esc", "back"))

    def press(self, key: str, character: str | None) -> None:
        """Take it back with u, close with what opened it, scroll."""
        if key == "u" and self._undo is not None and self._can_undo:
            self._undo()
        else:
            super().press("escape" if key in ("enter", "d", "q") else key, character)

    @property
    def _can_undo(self) -> bool:
        return self._undo is not None and self._deed().can_undo


def _told(deed: Deed, title_of: Callable[[str], str]) -> list[Field]:
    """Return who, when, on what and why."""
    _, role = deed.mark
    took = "" if deed.done is None else f" after {units.seconds(max(0.0, round(deed.done - deed.at, 1)))}"
    words = "no outcome was recorded" if deed.outcome == "open" else deed.outcome + took
    day = f"{datetime.fromtimestamp(deed.at, UTC):%Y-%m-%d}"
    return [
        field("outcome", words, role),
        *([field("says", deed.message)] if deed.message else []),
        field("when", f"{day} {clock_time(deed.at)} UTC"),
        field("who", deed.who or units.MISSING),
        *([field("reason", deed.reason)] if deed.reason else []),
        *([field("passed", f"{', '.join(deed.passed)} by break-glass", "warning")] if deed.passed else []),
        field("on", f"{deed.target}/{deed.subject}" if deed.subject else deed.target),
        *([field("part of", title_of(deed.part_of))] if deed.part_of else []),
        *([field("takes back", title_of(deed.undoes))] if deed.undoes else []),
    ]


def _done(deed: Deed) -> list[Field]:
    """Return what it touched and what it changed."""
    named = deed.targets[:_NAMED]
    more = max(deed.total, len(deed.targets)) - len(named)
    names = [*named, *([f"and {more:,} more"] if named and more else [])]
    counts = zip(("changed", "left alone", "failed"), deed.counts, ("text", "text", "critical"), strict=True)
    return [
        *(field(label, f"{count:,}", role) for label, count, role in counts if count),
        *(field("touched" if at == 0 else "", name, "dim") for at, name in enumerate(names)),
        *map(change, deed.lines),
    ]


def _proved(deed: Deed) -> list[Field]:
    words, role = deed.proved
    shown = deed.outcome != Outcome.RUNNING and words
    return [*map(change, deed.proof_lines), *([field("proof", words, role)] if shown else [])]


def _after(deed: Deed) -> list[Field]:
    """Return what takes it back, and what it was the same as."""
    undo = []
    if deed.undone:
        undo = [field("undone", "it was taken back")]
    elif deed.undo is not None:
        undo = [field("undo", deed.undo.title or deed.undo.action)]
    elif deed.outcome != Outcome.RUNNING:
        undo = [field("undo", "there is none", "dim")]
    return [*undo, *([field("same as", deed.command)] if deed.command else [])]
