"""The caches pane: hit rate with its past, memory of its limit, evictions beside refused writes."""

from dataclasses import replace

from perftui.client.state import State
from perftui.core import units
from perftui.tui.panes.content import Content
from perftui.tui.panes.sources import source_rows
from perftui.tui.panes.state_words import figure, level_role, number
from perftui.tui.widgets.spark import columns, spark
from perftui.tui.widgets.table import BYTES_OF, COUNT, DURATION, RATIO, Column
from perftui.tui.widgets.text import Line

CHARTED = "redis.hit_ratio"
METRICS = frozenset({CHARTED})
_TREND = 6
_COLUMNS = (
    Column("  name", 12, "left", grow=10),
    Column("hit", RATIO),
    Column("", _TREND, "left", rank=2),
    Column("memory", BYTES_OF),
    Column("evict/s", 7),
    Column("err/s", COUNT, rank=1),
    Column("p95", DURATION, rank=3),
    Column("cmd/s", COUNT, rank=4),
    Column("clients", 7, rank=5),
    Column("keys", 6, rank=6),
    Column("expired/s", 9, rank=7),
)


def draw(state: State, cells: int) -> Content:
    """Return the pane in `cells` cells."""
    content = source_rows(state, "redis", _COLUMNS, _figures, CHARTED, cells)
    return replace(content, title="Caches", empty="no Redis here")


def _figures(state: State, name: str) -> list[Line]:
    def of(metric: str) -> Line:
        return figure(state, name, f"redis.{metric}")

    return [
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
    used_of, whole = units.size_of(used, limit)
    return [(used_of, role), (f"/{whole}", "dim")]


def _keys(state: State, name: str) -> Line:
    samples = list(state.samples(name, "redis.db.keys"))
    return number(units.count(sum(sample.value for sample in samples))) if samples else [(units.MISSING, "dim")]
