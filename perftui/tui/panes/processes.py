"""The process table of this host, sorted by what is asked of it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from perftui.client.state import State
from perftui.core import units
from perftui.core.metric import Kind
from perftui.core.reading import Cell
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.state_words import number
from perftui.tui.widgets.table import Column, choose, head, row
from perftui.tui.widgets.text import Line

TABLE = "processes"
SORTS = {"cpu": "cpu", "memory": "memory", "time": "time", "age": "start"}
"""What the user says -> the column of the table."""


def _text(value: Cell) -> Line:
    return [(str(value), "text")]


def _letter(value: Cell) -> Line:
    return [(str(value)[:1], "text")]


def _share(value: Cell) -> Line:
    number_ = float(value or 0)
    return number(units.show(number_, "1", kind=Kind.RATIO), "text" if number_ >= 0.001 else "dim")


def _bytes(value: Cell) -> Line:
    return number(units.size(float(value or 0)))


def _seconds(value: Cell) -> Line:
    return number(units.seconds(round(float(value or 0))))


_COLUMNS: tuple[tuple[str, Column, Callable[[Cell], Line]], ...] = (
    ("pid", Column("pid", 7), _text),
    ("user", Column("user", 9, "left", rank=2), _text),
    ("cpu", Column("cpu", 6), _share),
    ("memory", Column("memory", 9), _bytes),
    ("state", Column("s", 1, "left", rank=3), _letter),
    ("threads", Column("thr", 4, rank=4), _text),
    ("time", Column("time", 7, rank=2), _seconds),
    ("start", Column("age", 7, rank=1), _seconds),
    ("unit", Column("unit", 14, "left", rank=5), _text),
    ("name", Column("name", 15, "left"), _text),
    ("command", Column("command", 16, "left", grow=200), _text),
)


def draw(state: State, cells: int, sort: str = "cpu", *, inverted: bool = False) -> Content:
    """Return the pane in `cells` cells; `sort` is a key of `SORTS`."""
    source = next((status.name for status in state.sources_of("system")), "")
    table = state.tables.get((source, TABLE))
    if table is None:
        return Content("Processes", empty="waiting for the process table")
    at = {name: index for index, name in enumerate(table.columns)}
    shown = [each for each in _COLUMNS if each[0] in at]
    columns = [column for _, column, _ in shown]
    chosen = choose(columns, cells)
    key = at.get(SORTS[sort], 0)
    ordered = sorted(table.rows, key=lambda each: _order(each[key]), reverse=not inverted)
    wall, pid = state.wall, at["pid"]

    def line(each: tuple[Cell, ...]) -> Line:
        values = [_age(each[at[name]], wall) if name == "start" else each[at[name]] for name, _, _ in shown]
        cells_ = [_cell(value, show) for value, (_, _, show) in zip(values, shown, strict=True)]
        return row(cells_, columns, chosen)

    rows = [Row(str(each[pid]), _OneLine(partial(line, each))) for each in ordered]
    note: Line = [(f"{len(rows)} · by {sort}{' upwards' if inverted else ''}", "dim")]
    if table.denied:
        note.append((f" · {table.denied} may not be read", "warning"))
    return Content("Processes", note, [head(columns, chosen)], rows)


class _OneLine(Sequence[Line]):
    """The line of a process, made when it is asked for: of hundreds of processes only a few are in view."""

    def __init__(self, make: Callable[[], Line]) -> None:
        self._make = make

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        return [self._make()][index]


def _age(start: Cell, wall: float) -> Cell:
    return max(0.0, wall - start) if isinstance(start, (int, float)) else None


def _order(value: Cell) -> float:
    return float(value) if isinstance(value, (int, float)) else -1.0


def _cell(value: Cell, show: Callable[[Cell], Line]) -> Line:
    return [(units.MISSING, "dim")] if value is None else show(value)
