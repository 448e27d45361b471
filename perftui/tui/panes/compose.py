"""From a pane's content to lines: filter, order that holds still, selection that follows identity, scroll, frame."""

from perftui.client.state import State
from perftui.core.alert import Alert, Severity
from perftui.core.series import SeriesId
from perftui.tui.layout import Box
from perftui.tui.panes import (
    actions,
    alerts,
    caches,
    databases,
    endpoints,
    history,
    processes,
    queues,
    services,
    sessions,
    system,
)
from perftui.tui.panes.alert_filter import AlertFilter
from perftui.tui.panes.alert_filter import found as matching
from perftui.tui.panes.alert_words import is_loud, series_of
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.state_words import trouble
from perftui.tui.view import View
from perftui.tui.widgets import chart
from perftui.tui.widgets.frame import frame
from perftui.tui.widgets.text import Line, clip, crop, fit, join, over, width

WATCHED = system.METRICS | queues.METRICS | caches.METRICS | databases.METRICS | endpoints.METRICS
"""The metrics that sparklines need the recent past of."""
_TYPED = 24
"""Cells that the text of a filter takes of a title, at most."""


def needs(state: State) -> dict[str, int]:
    """Return how many rows each pane has to show; 0 for a kind of which there is nothing."""
    rows = {"system": system.rows_wanted(state), "queues": len(list(queues.find(state)))}
    for pane, kind in (("caches", "redis"), ("databases", "mysql"), ("endpoints", "http")):
        sources = state.sources_of(kind)
        rows[pane] = sum(2 if trouble(state, status) else 1 for status in sources)
    rows["services"] = services.wanted(state)
    return rows


def content(pane: str, state: State, view: View, box: Box, *, ascii: bool = False) -> Content:
    """Return what a pane has to say in the room of its box."""
    cells, rows = box.width - 4, box.height - 2
    match pane:
        case "system":
            return system.draw(state, cells, rows)
        case "history":
            return history.draw(state, charted(state, view), cells, rows, ascii=ascii)
        case "queues":
            return queues.draw(state, cells)
        case "caches":
            return caches.draw(state, cells)
        case "databases":
            return databases.draw(state, cells)
        case "endpoints":
            return endpoints.draw(state, cells)
        case "services":
            return services.draw(state, cells)
        case "actions":
            return actions.draw(state, cells)
        case "sessions":
            return sessions.draw(state, sessions.database(state, view.selected.get("databases")), cells)
        case "processes":
            return processes.draw(state, cells, view.sort, inverted=view.inverted)
    return alerts.draw(state, cells, tuple(view.notes.values()), _look(view), rows)


def tables(pane: str, state: State, view: View) -> frozenset[str]:
    """Return the topics of the tables that a pane shows."""
    match pane:
        case "processes":
            return frozenset(f"table/{host.name}/{processes.TABLE}" for host in state.sources_of("system"))
        case "services":
            return services.tables(state)
        case "sessions":
            return sessions.tables(sessions.database(state, view.selected.get("databases")))
    return frozenset()


def charted(state: State, view: View) -> SeriesId | None:
    """Return the series that the history shows: the selected one, else that of the worst newest alert, else the CPU."""
    if view.series is not None:
        return view.series
    for worst in sorted(state.alerts.firing, key=_urgency, reverse=True):
        if state.value(worst.source, worst.metric, worst.attributes) is not None:
            return series_of(worst)
    return next((SeriesId(status.name, system.CPU) for status in state.sources_of("system")), None)


def _urgency(alert: Alert) -> tuple[bool, int, float, str]:
    return not alert.mutes, alert.severity.rank, alert.since or 0.0, alert.key


def looks(pane: str, view: View) -> tuple[object, ...]:
    """Return everything of the view that a pane's lines depend on: while it is equal, so are they."""
    return (view.focus == pane, view.selected.get(pane), view.filters.get(pane), view.offsets.get(pane))


def asks(pane: str, view: View) -> tuple[object, ...]:
    """Return everything of the view that a pane's content depends on."""
    match pane:
        case "history":
            return (view.series, chart.is_loaded())
        case "processes":
            return (view.sort, view.inverted)
        case "services" | "actions":
            return ()
        case "sessions":
            return (view.selected.get("databases"),)
    return (*view.notes.values(), _look(view))


def _look(view: View) -> alerts.Look:
    """Return how the alerts are looked at: filtered on their own screen alone, unfolded where text is looked for."""
    whole = view.screen == "alerts"
    unfolded = None if view.filters.get("alerts") else view.unfolded
    return alerts.Look(whole, view.choice if whole else AlertFilter(), unfolded)


def visible_rows(pane: str, found: Content, view: View, now: float) -> list[Row]:
    """Return the rows that pass the filter, in the order that holds still while keys are pressed.

    What has become critical meanwhile goes on top all the same.
    """
    rows = list(matching(found.rows, view.filters.get(pane, "")))
    if view.held(now) and pane in view.orders:
        place = {id: index for index, id in enumerate(view.orders[pane])}
        rows = sorted(rows, key=lambda row: _place(row, place))
    view.orders[pane] = [_urgent(row.id) if _is_urgent(row) else row.id for row in rows]
    return rows


def _place(row: Row, place: dict[str, int]) -> int:
    """Return where a row stood; before all others where it was not there, or not critical, and now is."""
    stood = place.get(_urgent(row.id))
    if _is_urgent(row):
        return -1 if stood is None else stood
    return place.get(row.id, len(place) if stood is None else stood)


def _urgent(id: str) -> str:
    """Return what stands for a row in the order while it is critical."""
    return f"critical {id}"


def _is_urgent(row: Row) -> bool:
    alert = row.folded[0] if row.folded else row.alert
    return alert is not None and alert.severity is Severity.CRITICAL and is_loud(alert)


def draw(pane: str, found: Content, view: View, box: Box, now: float) -> list[Line]:
    """Return a pane with this content as exactly the lines of its box."""
    rows = visible_rows(pane, found, view, now)
    focused = view.focus == pane
    cells, room = box.width - 4, box.height - 2 - len(found.head) - len(found.tail)
    lines, first, total = _scrolled(rows, view, pane, max(1, room), cells, focused)
    if not rows and found.empty:
        words = "no row has that text" if view.filters.get(pane) and found.rows else found.empty
        lines = [[(words, "dim")]]
    blank: list[Line] = [[]] * (max(0, room - len(lines)) if found.tail else 0)
    body = [*found.head, *lines, *blank, *found.tail]
    place = _place_of(len(lines), first, total)
    foot = join([crop(found.foot, cells - width(place) - 4), place])
    title, note = found.title, found.note
    if typed := view.filters.get(pane, "").strip():
        title = f"{title} /{clip(typed, _TYPED)}: {len(rows)} of {len(found.rows)}"
        note = join([_hidden(found, rows), note], " · ")
    return frame(title, note, body, box.width, box.height, focused=focused, foot=foot)


def _hidden(found: Content, rows: list[Row]) -> Line:
    """Return how many alerts that call somebody are kept from sight by what was typed."""
    seen = {row.id for row in rows}
    hidden = [row.alert.severity for row in found.rows if row.alert and row.id not in seen and is_loud(row.alert)]
    counts = [(each.value, hidden.count(each)) for each in (Severity.CRITICAL, Severity.WARNING)]
    parts: list[Line] = [[(f"{count} {word}", word)] for word, count in counts if count]
    return [("hides ", "dim"), *join(parts, ", ")] if parts else []


def _place_of(shown: int, first: int, total: int) -> Line:
    """Return which lines are in view, where that is not all of them."""
    if total <= shown:
        return []
    more = total - first - shown
    return [(f"{first + 1}-{first + shown} of {total}{' ↓' if more else ''}", "dim")]


def _scrolled(
    rows: list[Row], view: View, pane: str, room: int, cells: int, focused: bool
) -> tuple[list[Line], int, int]:
    """Return the lines in view, the index of the first, and how many there are; the selection stays in view."""
    chosen = view.selected.get(pane)
    places = [(row, index) for row in rows for index in range(len(row.lines))]
    offset = view.offsets.get(pane, 0)
    picked = [at for at, (row, _) in enumerate(places) if row.id == chosen]
    if picked:
        offset = min(max(offset, picked[-1] + 1 - room), picked[0])
    offset = view.offsets[pane] = max(0, min(offset, len(places) - room))
    lines = []
    for row, index in places[offset : offset + room]:
        line = row.lines[index]
        is_picked = focused and row.id == chosen
        lines.append(over(fit(line, cells), "selected") if is_picked else crop(line, cells))
    return lines, offset, len(places)
