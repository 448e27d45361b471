"""What the panes of one kind of source share: a row a source, the worst first, with a line on what is wrong."""

from collections.abc import Callable, Sequence

from perftui.client.state import State
from perftui.core.series import SeriesId
from perftui.core.status import SourceState, SourceStatus
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.state_words import BROKEN, CRITICAL, STALE, WARNING, badness, mark, own_alerts, trouble
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.table import Column, choose, head, row
from perftui.tui.widgets.text import Line, Span, over


def source_rows(
    state: State,
    kind: str,
    columns: Sequence[Column],
    figures: Callable[[State, str], list[Line]],
    charted: str,
    cells: int,
) -> Content:
    """Return a content with a row for each source of a kind: its name, then its `figures`, one a further column.

    Title and words for an empty pane are left to the caller; `charted` is the metric that a row charts.
    """
    sources = state.sources_of(kind)
    chosen = choose(columns, cells)
    rows = []
    for bad, status in worst_first(state, sources):
        name: Line = [source_mark(bad, status), (f" {status.name}", "text")]
        line = row([name, *figures(state, status.name)], columns, chosen)
        series = SeriesId(status.name, charted)
        rows.append(Row(status.name, lines_of(state, bad, status, line), series, status.name))
    return Content("", note(state, sources), [head(columns, chosen)], rows)


def worst_first(state: State, statuses: list[SourceStatus]) -> list[tuple[int, SourceStatus]]:
    """Return (badness, status), the worst first, then by name; what was merely found comes last."""
    rated = [(badness(state, status.name, own_alerts(state, status.name)), status) for status in statuses]
    return sorted(rated, key=lambda each: (each[1].state is SourceState.FOUND, -each[0], each[1].name))


def source_mark(bad: int, status: SourceStatus) -> Span:
    """Return the glyph of a source; one that is not known yet has `?`."""
    if status.state in (SourceState.FOUND, SourceState.WAITING):
        return (glyphs.UNKNOWN, "dim")
    return mark(bad)


def lines_of(state: State, bad: int, status: SourceStatus, figures: Line) -> tuple[Line, ...]:
    """Return the lines of a source's row: its figures, dimmed when they are old, and what is wrong with it."""
    words = trouble(state, status)
    if not words:
        return (figures,)
    old = state.is_stale(status.name)
    role = "critical" if bad in (BROKEN, CRITICAL) else "dim"
    first = [figures[0], *over(figures[1:], "stale")] if old else figures
    what, colon, why = words.partition(":")
    return (first, [("    ", "text"), (what, role), (colon + why, "dim" if role == "dim" else "text")])


def note(state: State, statuses: list[SourceStatus], noun: str = "") -> Line:
    """Return what a title says: how many there are, and the worst among them."""
    rated = [bad for bad, _ in worst_first(state, statuses)]
    found = sum(status.state is SourceState.FOUND for status in statuses)
    parts: Line = [(f"{len(statuses)}{noun}", "dim")]
    words = (
        (CRITICAL, "critical", "critical"), (BROKEN, "failing", "critical"),
        (WARNING, "warning", "warning"), (STALE, "stale", "stale"),
    )  # fmt: skip
    for bad, word, role in words:
        number = rated.count(bad) - (found if bad == STALE else 0)
        if number > 0:
            parts.append((f" · {number} {word}", role))
    return parts
