"""The queues pane: what waits, what fails, how fast it comes and goes, when it is empty, who works on it."""

from collections.abc import Iterator
from typing import NamedTuple

from perftui.client.state import State
from perftui.core import units
from perftui.core.alert import Alert, Severity
from perftui.core.series import Attributes, SeriesId
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.state_words import (
    CRITICAL,
    GOOD,
    STALE,
    WARNING,
    figure,
    firing,
    level_role,
    mark,
    number,
    trouble,
)
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.spark import columns, spark
from perftui.tui.widgets.table import COUNT, DURATION, Column, choose, head, row
from perftui.tui.widgets.text import Line, over

DEPTH = "queue.depth"
METRICS = frozenset({DEPTH})
_TREND = 6
_AGES = 100 * 86400.0
"""Seconds to empty a queue that are as good as never."""
_COLUMNS = (
    Column("  name", 11, "left", grow=18),
    Column("wait", COUNT),
    Column("active", 6, rank=3),
    Column("failed", 6),
    Column("in/s", COUNT, rank=1),
    Column("out/s", COUNT),
    Column("drains", DURATION, rank=2),
    Column("work", COUNT),
    Column("", _TREND, "left", rank=4),
    Column("oldest", DURATION, rank=5),
    Column("delayed", 7, rank=6),
    Column("fail/s", 6, rank=7),
    Column("on", 12, "left", rank=8, grow=8),
)


class Queue(NamedTuple):
    """One queue of a source: which, and how bad."""

    source: str
    attributes: Attributes
    bad: int
    alone: bool
    """Whether no other source has a queue of that name."""

    @property
    def name(self) -> str:
        """The name of the queue."""
        return dict(self.attributes).get("queue", "?")


def draw(state: State, cells: int) -> Content:
    """Return the pane in `cells` cells: the worst first, then by name."""
    found = sorted(find(state), key=lambda queue: (-queue.bad, queue.name, queue.source))
    chosen = choose(_COLUMNS, cells)
    rows = [_row(state, queue, chosen) for queue in found]
    return Content("Queues", _note(state, found), [head(_COLUMNS, chosen)], rows, empty="no job queue found")


def find(state: State) -> Iterator[Queue]:
    """Yield each queue there is a depth of."""
    seen = [(name, s.attributes) for name in state.readings for s in state.samples(name, DEPTH)]
    names = [dict(attributes).get("queue") for _, attributes in seen]
    for source, attributes in seen:
        alerts = firing(state, source, tuple(pair for pair in attributes if pair[0] == "queue"))
        yield Queue(source, attributes, _bad(state, source, alerts), names.count(dict(attributes).get("queue")) == 1)


def _bad(state: State, source: str, alerts: list[Alert]) -> int:
    """Return how bad a queue is: by its own alerts; a server that fails makes its figures stale, no worse."""
    worst = max((WARNING if alert.severity is Severity.WARNING else CRITICAL for alert in alerts), default=GOOD)
    return max(worst, STALE) if state.is_stale(source) else worst


def _row(state: State, queue: Queue, chosen: list[tuple[int, int]]) -> Row:
    figures = row(_cells(state, queue), _COLUMNS, chosen)
    if state.is_stale(queue.source):
        figures = [figures[0], *over(figures[1:], "stale")]
    id = f"{queue.source}/{queue.name}"
    series = SeriesId(queue.source, DEPTH, queue.attributes)
    return Row(id, (figures,), series, queue.source, params=(("queue", queue.name),))


def _cells(state: State, queue: Queue) -> list[Line]:
    def of(metric: str) -> Line:
        return figure(state, queue.source, f"queue.{metric}", queue.attributes)

    name: Line = [_mark(state, queue), (f" {queue.name}", "text")]
    if not queue.alone:
        name.append((f" {queue.source}", "dim"))
    return [
        name,
        of("depth"),
        _jobs(state, queue, "active"),
        _jobs(state, queue, "failed"),
        of("added"),
        of("completed"),
        _drains(state, queue),
        of("workers"),
        _trend(state, queue),
        of("oldest_age"),
        _jobs(state, queue, "delayed"),
        of("failed"),
        [(queue.source, "dim")],
    ]


def _is_paused(state: State, queue: Queue) -> bool:
    return bool(state.value(queue.source, "queue.paused", queue.attributes))


def _mark(state: State, queue: Queue) -> tuple[str, str]:
    if queue.bad == GOOD and _is_paused(state, queue):
        return (glyphs.PAUSED, "warning")
    if queue.bad == GOOD and _may_be_abandoned(state, queue):
        return (glyphs.UNKNOWN, "dim")
    return mark(queue.bad)


def _may_be_abandoned(state: State, queue: Queue) -> bool:
    """Return whether it grows, nothing is seen to complete, and whether it has workers is not known.

    A plain list never says any of it: its growth alone tells nothing.
    """
    if dict(queue.attributes).get("kind") == "list":
        return False
    depth, change, completed, workers = (
        state.value(queue.source, metric, queue.attributes)
        for metric in (DEPTH, "queue.change", "queue.completed", "queue.workers")
    )
    return workers is None and not completed and (depth or 0) > 0 and (change or 0) > 0


def _jobs(state: State, queue: Queue, which: str) -> Line:
    attributes = tuple(sorted((*queue.attributes, ("state", which))))
    return figure(state, queue.source, "queue.jobs", attributes)


def _drains(state: State, queue: Queue) -> Line:
    """Return when the queue is empty at this pace, in figures or in a word."""
    depth = state.value(queue.source, DEPTH, queue.attributes)
    change = state.value(queue.source, "queue.change", queue.attributes)
    left = state.value(queue.source, "queue.drain_time", queue.attributes)
    if depth == 0:
        return [("empty", "dim")]
    if _is_paused(state, queue):
        return [("paused", "warning")]
    if left is not None:
        role = level_role(state, "queue.drain_time", left)
        return [(">99d", role)] if left >= _AGES else number(units.seconds(round(left, 1)), role)
    if change is None:
        return [(units.MISSING, "dim")]
    workers = state.value(queue.source, "queue.workers", queue.attributes)
    if workers == 0:
        return [("never", "critical")]
    return [("growing", "warning")] if change > 0 else [("still", "dim")]


def _trend(state: State, queue: Queue) -> Line:
    track = state.track(queue.source, DEPTH, queue.attributes)
    if track is None:
        return []
    return [(spark(columns(track.wall, track.values, state.wall, _TREND)), "bar")]


def _note(state: State, found: list[Queue]) -> Line:
    idle = sum(1 for queue in found if _starving(state, queue))
    line: Line = [(str(len(found)), "dim")]
    if idle:
        line.append((f" · {idle} without workers", "critical"))
    stale = {queue.source for queue in found if state.is_stale(queue.source)}
    for source in sorted(stale):
        line.append((f" · {source} {trouble(state, state.sources[source])}", "stale"))
    return line


def _starving(state: State, queue: Queue) -> bool:
    depth = state.value(queue.source, DEPTH, queue.attributes)
    return bool(depth) and state.value(queue.source, "queue.workers", queue.attributes) == 0
