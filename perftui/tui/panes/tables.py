"""The tables that sources deliver, as sections of lines: locks, statements, slow log, queues, cores."""

from collections.abc import Callable, Sequence
from functools import partial

from perftui.client.state import State
from perftui.core import units
from perftui.core.reading import Table
from perftui.core.series import Attributes
from perftui.tui.panes.fields import Field, dim, duration, moment, share, size, table_lines, text, whole_seconds
from perftui.tui.panes.locks import lock_lines
from perftui.tui.widgets.table import BYTES, COUNT, DURATION, RATIO, Column
from perftui.tui.widgets.text import Line, wrapped

Section = tuple[str, str, Callable[[Table, int], list[Line]], str]
"""The table, its title, its lines, and the words for a table without rows."""

_STATEMENTS = (
    Field("id", Column("session", 8), text),
    Field("seconds", Column("for", DURATION), whole_seconds),
    Field("user", Column("user", 10, "left", rank=2), text),
    Field("host", Column("host", 16, "left", rank=5), dim),
    Field("db", Column("db", 10, "left", rank=3), text),
    Field("state", Column("state", 14, "left", rank=4, grow=16), dim),
    Field("statement", Column("statement", 16, "left", grow=200), text),
)
_SLOW_LOG = (
    Field("at", Column("at", 14, "left", rank=1), moment),
    Field("duration", Column("took", DURATION), duration),
    Field("command", Column("command", 12, "left", grow=8), text),
    Field("key", Column("key", 12, "left", grow=24), text),
    Field("arguments", Column("args", COUNT, rank=2), text),
    Field("client", Column("client", 16, "left", rank=3, grow=30), dim),
)
_DELETED = (
    Field("size", Column("holds", BYTES), size),
    Field("path", Column("deleted file", 20, "left", grow=60), text),
    Field("process", Column("held open by", 12, "left", grow=12), text),
    Field("pid", Column("pid", DURATION, rank=1), text),
    Field("unit", Column("unit", 14, "left", rank=2, grow=16), text),
    Field("holders", Column("holders", DURATION, rank=3), text),
)
_LOOSE = 6
"""Holders of deleted files without a unit that are named."""
_CORES = (
    Field("cpu", Column("core", COUNT), text),
    Field("utilization", Column("busy", RATIO), share),
    *(Field(mode, Column(mode, RATIO), share) for mode in ("user", "system", "iowait", "steal")),
)


def _with(fields: Sequence[Field]) -> Callable[[Table, int], list[Line]]:
    return lambda table, cells: table_lines(table, fields, cells)


def _deleted(table: Table, cells: int) -> list[Line]:
    """Return the files, and what makes their holders let go of them."""
    at = {name: index for index, name in enumerate(table.columns)}
    rows = [dict(zip(at, row, strict=True)) for row in table.rows]
    words = []
    if any(row.get("unit") for row in rows):
        words.append("their space comes back when the holder closes them: s on its unit restarts the holder")
    loose = dict.fromkeys(f"{row.get('process')} {row.get('pid')}" for row in rows if not row.get("unit"))
    if loose:
        more = f" and {len(loose) - _LOOSE} more" if len(loose) > _LOOSE else ""
        words.append(f"without a unit: F9 on the process signals it: {', '.join(list(loose)[:_LOOSE])}{more}")
    return [*table_lines(table, _DELETED, cells), *([(part, "dim")] for text in words for part in wrapped(text, cells))]


LOCKS: Section = ("locks", "Lock waits", lock_lines, "nobody waits for a lock")
STATEMENTS: Section = ("statements", "Running statements", _with(_STATEMENTS), "no statement runs")
_SECTIONS: dict[str, tuple[Section, ...]] = {
    "mysql": (LOCKS, STATEMENTS),
    "redis": (("slowlog", "Slow log, the newest first", _with(_SLOW_LOG), "no slow command seen"),),
    "system": (
        ("cores", "Cores", _with(_CORES), "no core seen"),
        ("deleted_files", "Deleted files that are still open", _deleted, "none that may be read"),
    ),
}


def sections_of(kind: str, attributes: Attributes = ()) -> tuple[Section, ...]:
    """Return the tables that tell more of a row of this kind of source, with these attributes."""
    pairs = dict(attributes)
    if "queue" in pairs:
        return (("queues", "Queue", partial(_queue, name=pairs["queue"]), "not among the queues"),)
    return () if kind == "system" and attributes else _SECTIONS.get(kind, ())


def topic(source: str, section: Section) -> str:
    """Return the topic of a section's table."""
    return f"table/{source}/{section[0]}"


def section_lines(state: State, source: str, section: Section, cells: int) -> list[Line]:
    """Return a section: its title with how many rows, then its lines."""
    name, title, lines, none = section
    table = state.tables.get((source, name))
    if table is None:
        return [[(title, "title"), ("  waiting for it", "dim")]]
    if not table.rows:
        return [[(title, "title"), (f"  {none}", "dim")]]
    count = "" if name == "queues" else f"  {len(table.rows)}"
    more = f", {table.denied} may not be read" if table.denied else ""
    return [[(title, "title"), (count + more, "dim")], *lines(table, cells)]


def _queue(table: Table, cells: int, name: str) -> list[Line]:
    """Return what the table `queues` says of one queue."""
    at = {column: index for index, column in enumerate(table.columns)}
    found = next((row for row in table.rows if row[at["queue"]] == name), None)
    if found is None:
        return [[(units.MISSING, "dim")]]
    words = {"version": "unknown", "workers": units.MISSING}
    line: Line = []
    for column in ("kind", "version", "workers"):
        value = found[at[column]]
        line += [
            (f"{column} ", "dim"),
            (words.get(column, "") if value is None else str(value), "text"),
            ("   ", "text"),
        ]
    return [[*line, ("paused" if found[at["paused"]] else "", "warning")]]
