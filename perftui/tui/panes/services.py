"""The services pane: units of systemd and programs of supervisor, what is wrong with them, the worst first."""

from typing import NamedTuple

from perftui.client.state import State
from perftui.core.reading import Cell, Table
from perftui.core.series import SeriesId
from perftui.core.status import SourceStatus
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.fields import Field, dim, share, shown, size, text, whole_seconds
from perftui.tui.panes.sources import lines_of, note, source_mark, worst_first
from perftui.tui.panes.state_words import BROKEN, GOOD, STALE, WARNING, mark
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.table import BYTES, COUNT, DURATION, RATIO, Column, choose, head, row
from perftui.tui.widgets.text import Line, over

KINDS = ("systemd", "supervisor")
TABLE = "units"
_NONE = Table(columns=(), rows=())
CHARTED = "service.cpu.utilization"
_BAD = {"failed": BROKEN, "fatal": BROKEN, "backoff": BROKEN, "activating": WARNING, "deactivating": WARNING,
        "starting": WARNING, "stopping": WARNING, "reloading": WARNING, "unknown": STALE}  # fmt: skip
"""What a state of a unit says, where it is not simply well."""


def _state(value: Cell) -> Line:
    bad = _BAD.get(str(value), GOOD)
    return [(str(value), "critical" if bad == BROKEN else "warning" if bad == WARNING else "text")]


_FIELDS = (
    Field("unit", Column("  unit", 18, "left", grow=30), text),
    Field("active", Column("state", 12, "left"), _state),
    Field("sub", Column("", 9, "left", rank=5), dim),
    Field("since", Column("since", 8, rank=2), whole_seconds),
    Field("restarts", Column("restarts", 8, rank=3), text),
    Field("cpu", Column("cpu", RATIO, rank=4), share),
    Field("memory", Column("memory", BYTES, rank=1), size),
    Field("tasks", Column("tasks", COUNT, rank=6), text),
    Field("pid", Column("pid", DURATION, rank=6), text),
    Field("exit", Column("exit", 10, "left", rank=2, grow=20), text),
    Field("description", Column("what", 12, "left", rank=7, grow=60), dim),
)


class _Unit(NamedTuple):
    bad: int
    name: str
    status: SourceStatus
    cells: dict[str, Cell]


def draw(state: State, cells: int) -> Content:
    """Return the pane in `cells` cells."""
    statuses = state.sources_of(*KINDS)
    columns = [field.column for field in _FIELDS]
    chosen = choose(columns, cells)
    units = sorted(_units(state), key=lambda each: (-each.bad, each.name))
    rows = [_row(state, unit, columns, chosen) for unit in units]
    broken = [_broken(state, bad, status) for bad, status in worst_first(state, statuses) if bad >= BROKEN]
    failed = sum(unit.bad == BROKEN for unit in units)
    words = note(state, statuses, " source" if len(statuses) == 1 else " sources")
    title: Line = [(f"{len(units)} units", "dim"), *([(f" · {failed} failed", "critical")] if failed else []),
                   (" · ", "dim"), *words]  # fmt: skip
    empty = "waiting for the units" if statuses else "no systemd or supervisor here"
    return Content("Services", title, [head(columns, chosen)], [*broken, *rows], empty=empty)


def tables(state: State) -> frozenset[str]:
    """Return the topics of the tables that the pane shows."""
    return frozenset(f"table/{status.name}/{TABLE}" for status in state.sources_of(*KINDS))


def wanted(state: State) -> int:
    """Return how many rows there are to show."""
    return len(_units(state)) or len(state.sources_of(*KINDS))


def _units(state: State) -> list[_Unit]:
    found = []
    for status in state.sources_of(*KINDS):
        table = state.tables.get((status.name, TABLE), _NONE)
        for values in table.rows:
            cells = dict(zip(table.columns, values, strict=True))
            name = str(cells.get("unit", ""))
            found.append(_Unit(_BAD.get(str(cells.get("active")), GOOD), name, status, cells))
    return found


def _row(state: State, unit: _Unit, columns: list[Column], chosen: list[tuple[int, int]]) -> Row:
    values = dict(unit.cells)
    since = values.get("since")
    values["since"] = max(0.0, state.wall - since) if isinstance(since, (int, float)) else None
    off = unit.cells.get("active") == "inactive"
    name: Line = [(glyphs.PAUSED, "dim") if off else mark(unit.bad), (f" {unit.name}", "dim" if off else "text")]
    others = [shown(values.get(field.name), field.show) for field in _FIELDS[1:]]
    line = row([name, *others], columns, chosen)
    if state.is_stale(unit.status.name):
        line = [line[0], *over(line[1:], "stale")]
    series = SeriesId(unit.status.name, CHARTED, (("unit", unit.name),))
    return Row(f"{unit.status.name} {unit.name}", (line,), series, unit.status.name, params=(("unit", unit.name),))


def _broken(state: State, bad: int, status: SourceStatus) -> Row:
    """Return the row of a source that does not answer: what its units do is not known."""
    line: Line = [source_mark(bad, status), (f" {status.name}", "text")]
    return Row(status.name, lines_of(state, bad, status, line), None, status.name)
