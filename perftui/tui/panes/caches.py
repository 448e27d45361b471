"""The caches pane: hit rate with its past, memory of its limit, evictions beside refused writes."""

from perftui.client.state import State
from perftui.core import units
from perftui.core.series import SeriesId
from perftui.core.status import SourceStatus
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.sources import lines_of, note, source_mark, worst_first
from perftui.tui.panes.state_words import figure, level_role, number
from perftui.tui.widgets.spark import columns, spark
from perftui.tui.widgets.table import Column, choose, head, row
from perftui.tui.widgets.text import Line

CHARTED = "redis.hit_ratio"
METRICS = frozenset({CHARTED})
_TREND = 6
_COLUMNS = (
    Column("  name", 11, "left", grow=10),
    Column("hit", 6),
    Column("", _TREND, "left", rank=2),
    Column("memory", 12),
    Column("evict/s", 7),
    Column("err/s", 5, rank=1),
    Column("p95", 7, rank=3),
    Column("cmd/s", 5, rank=4),
    Column("clients", 7, rank=5),
    Column("keys", 6, rank=6),
    Column("expired/s", 9, rank=7),
)


def draw(state: State, cells: int) -> Content:
    """Return the pane in `cells` cells."""
    sources = state.sources_of("redis")
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
    return Content("Caches", note(state, sources), [head(_COLUMNS, chosen)], rows, empty="no Redis here")


def _cells(state: State, bad: int, status: SourceStatus) -> list[Line]:
    name = status.name

    def of(metric: str) -> Line:
        return figure(state, name, f"redis.{metric}")

    return [
        [source_mark(bad, status), (f" {name}", "text")],
        of("hit_ratio"),
        _trend(state, name),
        _memory(state, name),
        of("keys.evicted"),
        of("writes.refused"),
        of("latency.p95") if state.value(name, "redis.latency.p95") is not None else of("latency.mean"),
        of("commands"),
        of("clients.connected"),
        _keys(state, name),
        of("keys.expired"),
    ]


def _trend(state: State, name: str) -> Line:
    track = state.track(name, CHARTED)
    if track is None:
        return []
    return [(spark(columns(track.wall, track.values, state.wall, _TREND), 1.0), "bar")]


def _memory(state: State, name: str) -> Line:
    used, limit = state.value(name, "redis.memory.used"), state.value(name, "redis.memory.max")
    role = level_role(state, "redis.memory.utilization", state.value(name, "redis.memory.utilization"))
    if used is None or limit is None:
        return figure(state, name, "redis.memory.used")
    of, whole = units.size(used), units.size(limit)
    start = of.number if of.unit == whole.unit else str(of)
    return [(start, role), (f"/{whole}", "dim")]


def _keys(state: State, name: str) -> Line:
    samples = list(state.samples(name, "redis.db.keys"))
    return number(units.count(sum(sample.value for sample in samples))) if samples else [(units.MISSING, "dim")]
