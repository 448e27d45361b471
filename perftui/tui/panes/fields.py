"""Columns of a table that a source delivers: which of them are shown, how wide, and how their values read."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from perftui.core import units
from perftui.core.metric import Kind
from perftui.core.reading import Cell, Table
from perftui.tui.panes.state_words import number
from perftui.tui.widgets.table import Column, choose, head, row
from perftui.tui.widgets.text import Line


class Field(NamedTuple):
    """A column of a Table: its name there, its place on the screen, and how a value of it is shown."""

    name: str
    column: Column
    show: Callable[[Cell], Line]


def text(value: Cell) -> Line:
    """Show a value as it is."""
    return [(str(value), "text")]


def dim(value: Cell) -> Line:
    """Show a value that explains others."""
    return [(str(value), "dim")]


def share(value: Cell) -> Line:
    """Show a ratio 0..1 as per cent; next to nothing is dimmed."""
    ratio = float(value or 0)
    return number(units.show(ratio, "1", kind=Kind.RATIO), "text" if ratio >= 0.001 else "dim")


def size(value: Cell) -> Line:
    """Show bytes."""
    return number(units.size(float(value or 0)))


def whole_seconds(value: Cell) -> Line:
    """Show a duration to the second."""
    return number(units.seconds(round(float(value or 0))))


def duration(value: Cell) -> Line:
    """Show a duration."""
    return number(units.seconds(float(value or 0)))


def moment(value: Cell) -> Line:
    """Show epoch seconds as day and time, UTC."""
    return [(f"{datetime.fromtimestamp(float(value or 0), UTC):%m-%d %H:%M:%S}", "text")]


def shown(value: Cell, show: Callable[[Cell], Line]) -> Line:
    """Return a value as it is shown; what is missing is `–`."""
    return [(units.MISSING, "dim")] if value is None or value == "" else show(value)


def table_lines(table: Table, fields: Sequence[Field], cells: int) -> list[Line]:
    """Return the head and a line for each row; columns that the table does not have stay away."""
    at = {name: index for index, name in enumerate(table.columns)}
    there = [field for field in fields if field.name in at]
    columns = [field.column for field in there]
    chosen = choose(columns, cells)
    rows = [[shown(each[at[field.name]], field.show) for field in there] for each in table.rows]
    return [head(columns, chosen), *(row(each, columns, chosen) for each in rows)]
