"""Gauges of one line: a label, a bar, a figure, a sparkline."""

from perftui.client.state import State
from perftui.core.series import Attributes
from perftui.tui.panes.state_words import level_role, marks, percent
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.bar import bar
from perftui.tui.widgets.spark import columns, spark
from perftui.tui.widgets.text import Line, fit, left, width

SPARK = 10
"""Columns of a sparkline in a gauge."""
FLAGS = {"warning": glyphs.WARNING, "critical": glyphs.CRITICAL}


def labelled(label: str, figure: Line, cells: int = 0) -> Line:
    """Return a dim label before a figure, in at least `cells` cells for the figure."""
    return [(label + " ", "dim"), *(fit(figure, cells) if cells else figure)]


def sparkline(state: State, source: str, metric: str, attributes: Attributes = (), top: float | None = None) -> Line:
    """Return the last minutes of a series as a sparkline; blank where the series is not watched."""
    track = state.track(source, metric, attributes)
    means = columns(track.wall, track.values, state.wall, SPARK) if track else [None] * SPARK
    return [("  ", "text"), (spark(means, top), "bar")]


def gauge(
    state: State,
    source: str,
    metric: str,
    label: str | Line,
    cells: int,
    *,
    value: float | None = None,
    tail: Line | None = None,
) -> Line:
    """Return a line of `cells` cells: label, bar with its levels, per cent with its state, sparkline.

    `tail` takes the place of the per cent and the sparkline of a series with attributes.
    """
    if tail is None:
        value = state.value(source, metric)
        role = level_role(state, metric, value)
        flag = FLAGS.get(role, " ")
        tail = [
            *fit(percent(value, role), 6, "right"),
            (f" {flag} ", role),
            *sparkline(state, source, metric, (), 1.0)[1:],
        ]
    start: Line = [(left(label, 7), "dim")] if isinstance(label, str) else label
    room = cells - width(start) - width(tail)
    role = level_role(state, metric, value, "bar")
    return [*start, *bar(value, room, role, marks(state, metric)), *tail]
