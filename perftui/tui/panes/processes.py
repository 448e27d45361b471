"""The process table of this host, sorted by what is asked of it."""

from functools import partial

from perftui.client.state import State
from perftui.core.reading import Cell, Table
from perftui.tui.panes.content import Content, OneLine, Row
from perftui.tui.panes.fields import Field, share, shown, size, text, whole_seconds
from perftui.tui.widgets.table import COUNT, DURATION, Column, choose, head, row
from perftui.tui.widgets.text import Line

TABLE = "processes"
SORTS = {"cpu": "cpu", "memory": "memory", "time": "time", "age": "start"}
"""What the user says -> the column of the table."""


_FIELDS = (
    Field("pid", Column("pid", 7), text),
    Field("user", Column("user", 9, "left", rank=2), text),
    Field("cpu", Column("cpu", 7), share),
    Field("memory", Column("memory", 9), size),
    Field("state", Column("s", 1, "left", rank=3), lambda value: [(str(value)[:1], "text")]),
    Field("nice", Column("ni", 3, rank=4), text),
    Field("threads", Column("thr", COUNT, rank=4), text),
    Field("time", Column("time", DURATION, rank=2), whole_seconds),
    Field("start", Column("age", 8, rank=1), whole_seconds),
    Field("unit", Column("unit", 14, "left", rank=5), text),
    Field("name", Column("name", 15, "left"), text),
    Field("command", Column("command", 16, "left", grow=200), text),
)


def draw(state: State, cells: int, sort: str = "cpu", *, inverted: bool = False) -> Content:
    """Return the pane in `cells` cells; `sort` is a key of `SORTS`."""
    source = next((status.name for status in state.sources_of("system")), "")
    table = state.tables.get((source, TABLE))
    if table is None:
        return Content("Processes", empty="waiting for the process table")
    at = {name: index for index, name in enumerate(table.columns)}
    fields = [field for field in _FIELDS if field.name in at]
    columns = [field.column for field in fields]
    chosen = choose(columns, cells)
    key = at.get(SORTS[sort], 0)
    ordered = sorted(table.rows, key=lambda each: _order(each[key]), reverse=not inverted)
    wall, pid = state.wall, at["pid"]

    def line(each: tuple[Cell, ...]) -> Line:
        values = [_age(each[at["start"]], wall) if name == "start" else each[at[name]] for name, _, _ in fields]
        return row([shown(value, show) for value, (_, _, show) in zip(values, fields, strict=True)], columns, chosen)

    pinned = [(name, at[name]) for name in ("pid", "started") if name in at]

    def drawn(each: tuple[Cell, ...]) -> Row:
        params = tuple((name, str(each[index])) for name, index in pinned)
        return Row(str(each[pid]), OneLine(partial(line, each)), params=params)

    rows = [drawn(each) for each in ordered]
    total = state.value(source, "system.processes.count") or len(rows)
    busiest = f"the busiest {len(rows)} of {total:.0f}" if total > len(rows) else f"{len(rows)}"
    note: Line = [(f"{busiest} · by {sort}{' upwards' if inverted else ''}", "dim")]
    if table.denied:
        note.append((f" · {table.denied} may not be read", "warning"))
    return Content("Processes", note, [head(columns, chosen)], rows)


def fact_of(state: State, source: str, pid: str, column: str) -> Cell:
    """Return what the table of processes says of one; None where it does not have it."""
    return _look_up(state.tables.get((source, TABLE)), pid, column)


def process_name(state: State, source: str, pid: str) -> str:
    """Return the name of a process, also of one that is known only as it holds a deleted file; empty if of neither."""
    held = state.tables.get((source, "deleted_files"))
    return str(fact_of(state, source, pid, "name") or _look_up(held, pid, "process") or "")


def _look_up(table: Table | None, pid: str, column: str) -> Cell:
    if table is None or not {"pid", column} <= set(table.columns):
        return None
    at, wanted = table.columns.index("pid"), table.columns.index(column)
    return next((row[wanted] for row in table.rows if str(row[at]) == pid), None)


def _age(start: Cell, wall: float) -> Cell:
    return max(0.0, wall - start) if isinstance(start, (int, float)) else None


def _order(value: Cell) -> float:
    return float(value) if isinstance(value, (int, float)) else -1.0
