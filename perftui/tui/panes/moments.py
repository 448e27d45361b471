"""What happened, marked on the axis of time below a curve: actions, and the alerts of its series."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

from perftui.client.state import State
from perftui.core.series import SeriesId
from perftui.tui.panes.alert_words import series_of
from perftui.tui.panes.state_words import severity_role
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, fit, width

Place = Callable[[float], float]
"""Wall seconds -> where on the axis that lies: 0 at its beginning, 1 at its end."""


class Moment(NamedTuple):
    """Something that happened, as it is marked below a curve: wall seconds, words, role."""

    wall: float
    words: str
    role: str


def acted(state: State) -> list[Moment]:
    """Return the actions, each by the key of its picker: on anything, as what was done to one shows on another."""
    known = {each.plan for each in state.audit}
    keys = {info.id: info.key for info in state.actions}
    marks = [Moment(each.at, _action(each.key), "accent") for each in state.audit]
    running = (run for run in state.runs if run.plan.id not in known)
    return marks + [Moment(run.started, _action(keys.get(run.plan.action, "")), "accent") for run in running]


def _action(key: str) -> str:
    return f"{glyphs.WARNING}{key or 'r'}"


def happened(state: State, series: SeriesId) -> list[Moment]:
    """Return the actions, and when the alerts of a series began and ended."""
    alerts = [alert for alert in (*state.alerts.firing, *state.alerts.log) if series_of(alert) == series]
    began = [Moment(alert.since, glyphs.CRITICAL, severity_role(alert)) for alert in alerts if alert.since is not None]
    ended = [Moment(alert.resolved_at, glyphs.OK, "ok") for alert in alerts if alert.resolved_at is not None]
    return [*acted(state), *began, *ended]


def with_marks(axis: Line, moments: Sequence[Moment], place: Place, start: int, plot: int) -> Line:
    """Return the axis with a mark where something happened; one that has no room of its own is left out.

    `start` and `plot` are the cells before the curve and of the curve.
    """
    cells = [(character, role) for text, role in axis for character in text]
    for moment in sorted(moments, reverse=True):  # the newest has the first say
        share = place(moment.wall)
        if not 0 <= share <= 1:
            continue
        at = start + min(plot - len(moment.words), int(share * plot))
        around = cells[max(start, at - 1) : at + len(moment.words) + 1]
        if all(character == " " for character, _ in around):
            cells[at : at + len(moment.words)] = [(character, moment.role) for character in moment.words]
    return [
        ("".join(character for character, _ in run), role) for role, run in groupby(cells, key=lambda cell: cell[1])
    ]


def said(moments: Sequence[Moment], place: Place, start: int, cells: int) -> Line:
    """Return the moments as a line of words of their own, each where it happened."""
    plot = cells - start
    line: Line = []
    for moment in moments:
        share = place(moment.wall)
        at = start + min(plot - 1, int(share * plot))
        if 0 <= share <= 1:
            at = max(width(line) + bool(line), min(at, cells - len(moment.words)))
            line += [(" " * (at - width(line)), "text"), (moment.words, moment.role)]
    return fit(line, cells)
