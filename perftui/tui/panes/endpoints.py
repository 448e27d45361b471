"""The endpoints pane: HTTP endpoints, whether they are up, how long they take, and what their JSON says."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from perftui.client.state import State
from perftui.tui.panes.content import Content
from perftui.tui.panes.sources import source_rows
from perftui.tui.panes.state_words import figure, quantity
from perftui.tui.widgets.table import DURATION, Column, choose
from perftui.tui.widgets.text import Line, clip, joined_within, width

CHARTED = "http.client.request.duration"
METRICS = frozenset({CHARTED})
_COLUMNS = (
    Column("  name", 12, "left", grow=4),
    Column("up", 4, "left"),
    Column("status", 6),
    Column("takes", DURATION),
    Column("figures", 12, "left", grow=80, rank=1),
)


def draw(state: State, cells: int) -> Content:
    """Return the pane in `cells` cells."""
    room = dict(choose(_COLUMNS, cells)).get(len(_COLUMNS) - 1, 0)
    content = source_rows(state, "http", _COLUMNS, partial(_figures, room=room), CHARTED, cells)
    return replace(content, title="Endpoints", empty="no HTTP endpoint configured")


def _figures(state: State, name: str, room: int) -> list[Line]:
    up = state.value(name, "http.up")
    code = state.value(name, "http.response.status_code")
    return [
        [("–", "dim")] if up is None else [("yes", "text")] if up else [("no", "critical")],
        [("–", "dim")] if code is None else [(f"{code:.0f}", "text")],
        figure(state, name, CHARTED),
        joined_within(_own(state, name, room), room),
    ]


def _own(state: State, name: str, room: int) -> Iterator[Line]:
    """Yield the figures that the user declared for this endpoint; names are cut to `room` cells, figures are not."""
    for metric in state.sources[name].metrics:
        for sample in state.samples(name, metric.name):
            labels = " ".join([metric.name, *(value for _, value in sample.attributes)])
            value: Line = [(" ", "text"), *quantity(state, name, metric.name, sample.value)]
            yield [(clip(labels, max(0, room - width(value))), "dim"), *value]
