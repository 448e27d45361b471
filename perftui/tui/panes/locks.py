"""Who waits for whom in a database: each root blocker with those behind it, what it holds up the most first."""

from itertools import groupby

from perftui.core import units
from perftui.core.reading import Table
from perftui.tui.panes.fields import Field, dim, table_lines, text, whole_seconds
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.table import DURATION, Column
from perftui.tui.widgets.text import Line

_FIELDS = (
    Field("waiting", Column("  waits", 10, "left"), lambda value: [("  └ ", "faint"), (str(value), "text")]),
    Field("seconds", Column("for", DURATION), whole_seconds),
    Field("kind", Column("lock", 8, "left"), text),
    Field("waiting_user", Column("user", 10, "left", rank=3), dim),
    Field("object", Column("on", 16, "left", rank=2), text),
    Field("statement", Column("statement", 16, "left", rank=1, grow=200), text),
)


def lock_lines(table: Table, cells: int) -> list[Line]:
    """Return a line for each root blocker, and below it one for each session that waits for it."""
    at = {name: index for index, name in enumerate(table.columns)}
    lines: list[Line] = []
    for _, group in groupby(table.rows, key=lambda row: row[at["blocker"]]):
        rows = tuple(group)
        waiting = table_lines(Table(columns=table.columns, rows=rows), _FIELDS, cells)
        lines += waiting[:1] if not lines else []
        lines += [_root({name: rows[0][index] for name, index in at.items()}, len(rows)), *waiting[1:]]
    return lines


def _root(first: dict[str, str | float | int | None], count: int) -> Line:
    """Return the session that holds the others up, in words; `first` is the row of one that waits for it."""
    holds = f"holds up {count}"
    if first["blocker"] is None:
        return [(f"{glyphs.UNKNOWN} ", "dim"), ("who holds it is not known", "text"), (f"  {holds}", "dim")]
    doing = "sleeps in an open transaction" if first["blocker_doing"] == "Sleep" else str(first["blocker_doing"])
    line: Line = [(f"{glyphs.CRITICAL} ", "critical"), (f"{first['blocker']}", "title")]
    line += [(f"  {first['blocker_user']}", "dim"), (f"  {doing or units.MISSING}", "text")]
    if isinstance(first["blocker_seconds"], (int, float)):
        line.append((f" for {units.seconds(round(first['blocker_seconds']))}", "text"))
    line.append((f"  {holds}", "critical"))
    if first["sure"] != "yes":
        line.append((f"  {first['sure']}", "warning"))
    return line
