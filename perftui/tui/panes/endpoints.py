"""The endpoints pane: HTTP endpoints, whether they are up, how long they take, and what their JSON says."""

from perftui.client.state import State
from perftui.core.series import SeriesId
from perftui.core.status import SourceStatus
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.sources import lines_of, note, source_mark, worst_first
from perftui.tui.panes.state_words import figure, quantity
from perftui.tui.widgets.table import Column, choose, head, row
from perftui.tui.widgets.text import Line, join

CHARTED = "http.client.request.duration"
METRICS = frozenset({CHARTED})
_COLUMNS = (
    Column("  name", 11, "left", grow=10),
    Column("up", 4, "left"),
    Column("status", 6),
    Column("takes", 7),
    Column("figures", 12, "left", grow=80, rank=1),
)


def draw(state: State, cells: int) -> Content:
    """Return the pane in `cells` cells."""
    sources = state.sources_of("http")
    chosen = choose(_COLUMNS, cells)
    rows = [
        Row(
            status.name,
            lines_of(state, bad, status, row(_cells(state, bad, status), _COLUMNS, chosen)),
            series=SeriesId(status.name, CHARTED),
            source=status.name,
        )
        for bad, status in worst_first(state, sources)
    ]
    return Content(
        "Endpoints", note(state, sources), [head(_COLUMNS, chosen)], rows, empty="no HTTP endpoint configured"
    )


def _cells(state: State, bad: int, status: SourceStatus) -> list[Line]:
    up = state.value(status.name, "http.up")
    code = state.value(status.name, "http.response.status_code")
    return [
        [source_mark(bad, status), (f" {status.name}", "text")],
        [("–", "dim")] if up is None else [("yes", "text")] if up else [("no", "critical")],
        [("–", "dim")] if code is None else [(f"{code:.0f}", "text")],
        figure(state, status.name, CHARTED),
        join(_own(state, status)),
    ]


def _own(state: State, status: SourceStatus) -> list[Line]:
    """Return the figures that the user declared for this endpoint."""
    figures = []
    for metric in status.metrics:
        for sample in state.samples(status.name, metric.name):
            labels = " ".join(value for _, value in sample.attributes)
            name = f"{metric.name} {labels}".strip()
            figures.append([(name + " ", "dim"), *quantity(state, status.name, metric.name, sample.value)])
    return figures
