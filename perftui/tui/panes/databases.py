"""The databases pane: what hurts first, one row a server."""

from perftui.client.state import State
from perftui.core import units
from perftui.core.series import SeriesId
from perftui.core.status import SourceStatus
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.sources import lines_of, note, source_mark, worst_first
from perftui.tui.panes.state_words import figure, level_role, number
from perftui.tui.widgets.table import Column, choose, head, row
from perftui.tui.widgets.text import Line

METRICS = frozenset({"mysql.query.client.count"})
CHARTED = "mysql.query.client.count"
_LOCKS = ("mysql.metadata_locks.waiting", "mysql.row_locks.waiting")
_COLUMNS = (
    Column("  name", 11, "left", grow=10),
    Column("run", 3),
    Column("oldest", 6),
    Column("locks", 5),
    Column("conns", 7, rank=2),
    Column("qps", 5),
    Column("p95", 7, rank=3),
    Column("slow/m", 6, rank=1),
    Column("pool", 6, rank=4),
    Column("dead/m", 6, rank=4),
    Column("lag", 6, rank=4),
)


def draw(state: State, cells: int) -> Content:
    """Return the pane in `cells` cells: running, oldest statement, lock waits, connections, rates."""
    sources = state.sources_of("mysql")
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
    return Content("Databases", note(state, sources), [head(_COLUMNS, chosen)], rows, empty="no MySQL or MariaDB here")


def _cells(state: State, bad: int, status: SourceStatus) -> list[Line]:
    name = status.name

    def of(metric: str) -> Line:
        return figure(state, name, f"mysql.{metric}")

    return [
        [source_mark(bad, status), (f" {name}", "text")],
        of("threads.running"),
        of("query.oldest"),
        _locks(state, name),
        _connections(state, name),
        of("query.client.count"),
        of("query.duration.p95"),
        of("query.slow.recent"),
        of("buffer_pool.hit_ratio"),
        of("deadlocks.recent"),
        of("replica.time_behind_source"),
    ]


def _locks(state: State, name: str) -> Line:
    """Return the sessions that wait for a metadata lock and those that wait for a row lock, together."""
    waiting = {metric: state.value(name, metric) for metric in _LOCKS}
    known = [value for value in waiting.values() if value is not None]
    if not known:
        return [(units.MISSING, "dim")]
    roles = {level_role(state, metric, value) for metric, value in waiting.items()}
    role = next((role for role in ("critical", "warning") if role in roles), "text")
    return number(units.count(sum(known)), role)


def _connections(state: State, name: str) -> Line:
    current, most = state.value(name, "mysql.connections"), state.value(name, "mysql.connections.max")
    used = state.value(name, "mysql.connections.utilization")
    role = level_role(state, "mysql.connections.utilization", used)
    line = number(units.show(current, "{connection}"), role)
    return line if current is None or most is None else [*line, (f"/{units.count(most)}", "dim")]
