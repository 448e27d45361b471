"""The actions pane, screen 9: who did what, how it ended and what proved it; what runs now comes first."""

from perftui.client.state import State
from perftui.core.action import Outcome
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.deeds import Deed, deeds
from perftui.tui.panes.state_words import clock_time
from perftui.tui.widgets.table import Column, choose, head, row
from perftui.tui.widgets.text import Line, Span

_COLUMNS = (
    Column("  at", 10, "left"),
    Column("who", 8, "left", rank=3, grow=12),
    Column("action", 20, "left", grow=44),
    Column("outcome", 12, "left"),
    Column("proof", 15, "left"),
    Column("undo", 4, "left", rank=2),
    Column("result", 16, "left", rank=4, grow=200),
)
_PROOF, _NARROW = 4, 65
"""Where the column of the proof stands, and the cells below which it has no more than a glyph."""
_SHORT = (*_COLUMNS[:_PROOF], Column("proof", 5, "left"), *_COLUMNS[_PROOF + 1 :])
_DAY = 86400.0


def draw(state: State, cells: int) -> Content:
    """Return the pane in `cells` cells."""
    columns = _COLUMNS if cells >= _NARROW else _SHORT
    chosen = choose(columns, cells)
    found = deeds(state)
    titles = {each.plan: each.title for each in found}
    rows = [
        Row(each.plan, (row(_cells(state, each, titles, cells), columns, chosen),), source=each.target, run=each.plan)
        for each in found
    ]
    running = sum(each.outcome == Outcome.RUNNING for each in found)
    count = f"{len(rows)} action{'' if len(rows) == 1 else 's'}"
    title: Line = [(count, "dim"), *([(f" · {running} running", "accent")] if running else [])]
    return Content("Actions", title, [head(columns, chosen)], rows, empty="nothing has been done from here yet")


def _cells(state: State, deed: Deed, titles: dict[str, str], cells: int) -> list[Line]:
    glyph, role = deed.mark
    return [
        [(glyph, role), (f" {_when(state, deed.at)}", "text")],
        [(deed.who, "text")],
        [(deed.title, "text")],
        [(_outcome(deed), role)],
        [_proof(deed, cells)],
        [("u", "accent") if deed.can_undo else ("", "dim")],
        [(_result(deed, titles), "dim")],
    ]


def _outcome(deed: Deed) -> str:
    """Return how it ended, or how far it is."""
    if deed.outcome == Outcome.RUNNING and deed.fraction is not None:
        return f"running {deed.fraction * 100:.0f} %"
    return deed.outcome


def _proof(deed: Deed, cells: int) -> Span:
    """Return what proved it; its glyph alone where there is little room."""
    words, role = deed.proved
    return (words if cells >= _NARROW else words[:1], role)


def _when(state: State, wall: float) -> str:
    """Return the time of day, or how many days ago."""
    days = int((state.wall - wall) // _DAY)
    return clock_time(wall) if days < 1 else f"{days}d ago"


def _result(deed: Deed, titles: dict[str, str]) -> str:
    part = f"part of {titles.get(deed.part_of) or deed.part_of}" if deed.part_of else ""
    return "; ".join(filter(None, [part, deed.message, f"reason: {deed.reason}" if deed.reason else ""]))
