"""The history pane: the selected series over the last 15 minutes, with the levels of its rule."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from perftui.client.state import State
from perftui.core import units
from perftui.core.metric import Metric
from perftui.core.series import SeriesId
from perftui.tui.panes.content import Content
from perftui.tui.panes.moments import Moment, happened, said, with_marks
from perftui.tui.panes.state_words import marks, quantity
from perftui.tui.widgets import chart
from perftui.tui.widgets.spark import columns
from perftui.tui.widgets.table import BYTES, BYTES_RATE, DURATION
from perftui.tui.widgets.text import Line, fit, joined_within, over, right

WINDOW = 900
_TITLE = 12
"""Cells of the title beside its note."""
_SCALE = {"By": BYTES, "By/s": BYTES_RATE}
"""Unit -> cells of the labels at the scale."""


class Window(NamedTuple):
    """A span of time: the wall seconds of its end, and how many seconds it is long."""

    end: float
    seconds: float = WINDOW

    def share(self, wall: float) -> float:
        """Return where in it an instant lies: 0 at its beginning, 1 at its end, beyond both outside."""
        return 1 - (self.end - wall) / self.seconds


def draw(state: State, series: SeriesId | None, cells: int, height: int, *, ascii: bool = False) -> Content:
    """Return the pane in `cells` cells and `height` lines; the chart has an odd number, for a middle label."""
    if series is None:
        return Content("History", empty="waiting for the first figures")
    where = " ".join([series.source, *(value for name, value in series.attributes if name != "kind")])
    words, window = f"{series.metric} · {where}", " · 15 min"
    content = Content("History", [(words + (window if len(words + window) <= cells - _TITLE else ""), "dim")])
    if not has_figures(state, series):
        content.empty = "no figures of this series yet"
        return content
    content.head = curve_lines(
        state, series, Window(state.wall), cells, height - 2, happened(state, series), ascii=ascii
    )
    content.head.append(_summary(state, series, cells))
    return content


def has_figures(state: State, series: SeriesId) -> bool:
    """Return whether there is anything to draw of a series."""
    track = state.tracks.get(series)
    return track is not None and any(value is not None for value in track.values)


def curve_lines(
    state: State,
    series: SeriesId,
    window: Window,
    cells: int,
    height: int,
    moments: Sequence[Moment],
    *,
    ascii: bool = False,
) -> list[Line]:
    """Return the curve of a series that has figures, with its scale, the levels of its rules, and the axis of time.

    On the axis stands what happened: `moments`.
    """
    known = state.metric(series.metric, series.source)
    scale = _SCALE.get(known.unit if known else "", DURATION)
    plot, rows = cells - scale - 2, max(3, (height - 2) | 1)
    values = _buckets(state, series, plot, window)
    levels = marks(state, series.metric)
    newest = [state.value(*series)] if window.end >= state.wall else []
    top = _top(known, [*values, *newest], levels)
    lines: list[Line] = []
    for index, text in enumerate(chart.curve(tuple(values), plot, rows, top, ascii)):
        label = _label(known, top, index, rows)
        lines.append(
            [(right(label, scale), "dim"), (" ┤", "faint"), *_over_levels(text, index, rows, top, levels, known)]
        )
    return [*lines, with_marks(_axis(state, plot, scale, window), moments, window.share, scale + 2, plot)]


def moments_line(state: State, series: SeriesId, window: Window, cells: int, moments: Sequence[Moment]) -> Line:
    """Return the line below a curve that says what happened, the earliest first; what is not in sight is left out."""
    known = state.metric(series.metric, series.source)
    return said(moments, window.share, _SCALE.get(known.unit if known else "", DURATION) + 2, cells)


def _buckets(state: State, series: SeriesId, plot: int, window: Window) -> list[float | None]:
    """Return two means a column; the bucket that still fills is left out, so that the curve stands still."""
    track = state.tracks[series]
    seconds = window.seconds / (2 * plot)
    means = columns(track.wall, track.values, window.end, 2 * plot + 1, seconds)
    return _bridged(means[:-1], max(1, round(2 * _interval(state, series) / seconds)))


def _interval(state: State, series: SeriesId) -> float:
    status = state.sources.get(series.source)
    return status.interval if status else 1.0


def _bridged(values: list[float | None], longest: int) -> list[float | None]:
    """Return the values with holes no longer than two polls filled: they are between samples, not missing."""
    out = list(values)
    last: int | None = None
    for index, value in enumerate(values):
        if value is None:
            continue
        if last is not None and 1 < index - last <= longest + 1:
            start, step = values[last] or 0.0, (value - (values[last] or 0.0)) / (index - last)
            out[last + 1 : index] = [start + step * (hole - last) for hole in range(last + 1, index)]
        last = index
    return out


def _top(metric: Metric | None, values: list[float | None], levels: dict[str, float]) -> float:
    if metric is not None and metric.maximum is not None:
        return metric.maximum
    highest = max((value for value in values if value is not None), default=0.0)
    near = [level for level in levels.values() if level <= highest * 2]
    bytes_ = metric is not None and metric.unit.startswith("By")
    return chart.nice(max([highest, *near]) * 1.05, 1024.0 if bytes_ else 10.0)


def _label(metric: Metric | None, top: float, index: int, rows: int) -> str:
    if index not in (0, rows // 2, rows - 1):
        return ""
    value = top * (rows - 1 - index) / (rows - 1) if index else top
    return str(units.show_metric(metric, value) if metric else units.count(value))


def _over_levels(text: str, index: int, rows: int, top: float, levels: dict[str, float], metric: Metric | None) -> Line:
    """Return a line of the chart with the level that lies in it, dotted behind the curve."""
    for role, level in levels.items():
        if 0 < level <= top and round((1 - level / top) * (rows - 1)) == index:
            name = f" {role} {units.show_metric(metric, level) if metric else units.count(level)}"
            return _dotted(text, role, name)
    return [(text, "bar")]


def _dotted(text: str, role: str, name: str) -> Line:
    line: Line = []
    free = len(text) - len(name)
    named = not text[free:].strip(" \u2800")
    for at, character in enumerate(text):
        blank = character in " \u2800"
        shown = (name[at - free] if named and at >= free else "┈") if blank else character
        own = role if blank else "bar"
        if line and line[-1][1] == own:
            line[-1] = (line[-1][0] + shown, own)
        else:
            line.append((shown, own))
    return line


def _axis(state: State, plot: int, scale: int, window: Window) -> Line:
    times = [datetime.fromtimestamp(window.end - window.seconds * share, UTC) for share in (1.0, 0.5, 0.0)]
    first, middle, last = (f"{time:%H:%M}" for time in times)
    last = "now" if window.end >= state.wall else last
    gap = plot // 2 - len(first) - 2
    line: Line = [(" " * (scale + 2) + first + " " * max(1, gap) + middle, "dim")]
    return [*fit(line, scale + 2 + plot - len(last)), (last, "dim")]


def _summary(state: State, series: SeriesId, cells: int) -> Line:
    """Return what the curve says in figures: now, and the range of the window."""
    track = state.tracks[series]
    since = state.wall - WINDOW
    values = [
        value for wall, value in zip(track.wall, track.values, strict=True) if value is not None and wall >= since
    ]

    def show(value: float | None) -> Line:
        return quantity(state, series.source, series.metric, value)

    now = state.value(*series)
    stale = state.is_stale(series.source)
    parts: list[Line] = [[("last ", "dim"), *over(show(now), "stale")] if stale else [("now ", "dim"), *show(now)]]
    if values:
        parts += [[("lowest ", "dim"), *show(min(values))], [("highest ", "dim"), *show(max(values))]]
        parts.append([("mean ", "dim"), *show(sum(values) / len(values))])
    return fit(joined_within(parts, cells, "   "), cells)
