"""The databases pane: what hurts first, one row a server."""

from dataclasses import replace

from perftui.client.state import State
from perftui.core import units
from perftui.tui.panes.content import Content
from perftui.tui.panes.sources import source_rows
from perftui.tui.panes.state_words import figure, level_role, number
from perftui.tui.widgets.table import COUNT, DURATION, RATIO, Column
from perftui.tui.widgets.text import Line

KIND = "mysql"

METRICS = frozenset({"mysql.query.client.count"})
CHARTED = "mysql.query.client.count"
_LOCKS = ("mysql.metadata_locks.waiting", "mysql.row_locks.waiting")
_COLUMNS = (
    Column("  name", 12, "left", grow=10),
    Column("run", COUNT),
    Column("oldest", DURATION),
    Column("locks", COUNT),
    Column("conns", COUNT + 1 + COUNT, rank=2),
    Column("qps", COUNT),
    Column("p95", DURATION, rank=3),
    Column("slow/m", 6, rank=1),
    Column("pool", RATIO, rank=4),
    Column("dead/m", 6, rank=4),
    Column("lag", DURATION, rank=4),
)


def draw(state: State, cells: int) -> Content:
    """Return the pane in `cells` cells: running, oldest statement, lock waits, connections, rates."""
    content = source_rows(state, KIND, _COLUMNS, _figures, CHARTED, cells)
    return replace(content, title="Databases", empty="no MySQL or MariaDB here")


def _figures(state: State, name: str) -> list[Line]:
    def of(metric: str) -> Line:
        return figure(state, name, f"mysql.{metric}")

    return [
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
