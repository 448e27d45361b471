"""The alerts pane: what fires, the worst first, then what resolved, and what the agent has to say."""

from typing import NamedTuple

from perftui.client.state import Link, State
from perftui.core import units
from perftui.core.action import Outcome, Run
from perftui.core.alert import Alert, AlertState
from perftui.core.series import SeriesId
from perftui.core.status import BROKEN_STATES
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.runs import run_line
from perftui.tui.panes.state_words import clock_time, quantity, severity_role, trouble
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, Span, clip, clip_words, dimmed, fit, left, right, width

_GLYPHS = {"critical": glyphs.CRITICAL, "warning": glyphs.WARNING, "text": glyphs.OK, "dim": glyphs.OK}
_OFFER, _WIDE, _TOOK = 20, 64, 13
_NAMED = 60
"""Cells for what happens from which a metric is named beside the rule's words."""
_LABELS = 16
"""Cells of a name that matter more than the level."""
RUN_SHOWN = 600.0
"""Seconds that a finished action stays in sight."""
_NOBODY = Alert(rule="", source="", metric="")
_MUTE = (Link.LOST, Link.SILENT)
_OWN_PANE = frozenset({"redis", "mysql", "http"})


class _Widths(NamedTuple):
    """Cells of the pane, those that there are for what happens, and those that it takes."""

    cells: int
    room: int
    words: int


def draw(state: State, cells: int, notes: tuple[str, ...] = ()) -> Content:
    """Return the pane in `cells` cells; `notes` are lines of the console's own."""
    shown = [*state.alerts.firing, *state.alerts.log]
    taken = width(_start(_NOBODY, "", "text", cells)) + width([_took("for", 0.0, cells)])
    room = max(10, cells - taken)
    words = max((width(_what(state, alert, room)) for alert in shown), default=0)
    widths = _Widths(cells, room, min(room, words))
    firing = sorted(state.alerts.firing, key=lambda alert: (-alert.severity.rank, -(alert.since or 0), alert.key))
    rows = [_note("link", f"agent: {state.link_note}")] if state.link in _MUTE and state.link_note else []
    rows += [_note(f"console {index}", text) for index, text in enumerate(notes)]
    rows += [
        Row(f"run {run.plan.id}", (run_line(run, state.wall),)) for run in state.runs if _is_shown(run, state.wall)
    ]
    rows += [_firing(state, alert, widths) for alert in firing]
    rows += [_broken(state, name) for name in sorted(state.sources) if _is_broken(state, name)]
    rows += [_note(f"agent {index}", text) for index, text in enumerate(state.notes)]
    rows += [_resolved(state, alert, widths) for alert in state.alerts.log]
    return Content("Alerts", _counts(state), [], rows, empty=_calm(state))


def _counts(state: State) -> Line:
    parts: Line = [(f"{len(state.alerts.firing)} firing", "critical" if state.alerts.firing else "dim")]
    resolved = sum(alert.state is AlertState.RESOLVED for alert in state.alerts.log)
    extra = ((resolved, "resolved"), (state.alerts.pending, "pending"), (state.alerts.unknown, "unknown"))
    return parts + [(f" · {count} {word}", "dim") for count, word in extra if count]


def _calm(state: State) -> str:
    if state.link is not Link.LIVE:
        return "nothing is known without the agent"
    return "nothing fires" if state.knows_what_fires else "waiting for the first figures of every source"


def _is_shown(run: Run, wall: float) -> bool:
    return run.outcome is Outcome.RUNNING or run.ended is None or wall - run.ended < RUN_SHOWN


def _is_broken(state: State, name: str) -> bool:
    """Return whether a source without a pane of its own is broken: its line belongs here."""
    status = state.sources[name]
    return status.kind not in _OWN_PANE and status.state in BROKEN_STATES


def _broken(state: State, name: str) -> Row:
    status = state.sources[name]
    words: Line = [(f"{glyphs.CRITICAL} ", "critical"), (f"{name}  ", "text"), (trouble(state, status), "dim")]
    return Row(f"source {name}", (words,), source=name)


def _note(id: str, text: str) -> Row:
    return Row(id, ([(f"{glyphs.WARNING} ", "warning"), (text, "text")],))


def _series(alert: Alert) -> SeriesId:
    return SeriesId(alert.source, alert.metric, alert.attributes)


def _firing(state: State, alert: Alert, widths: _Widths) -> Row:
    role = severity_role(alert)
    since = None if alert.since is None else state.wall - alert.since
    line: Line = [
        *_start(alert, alert.severity.value, role, widths.cells),
        *fit(_what(state, alert, widths.room, role), widths.words),
        _took("for", since, widths.cells),
    ]
    if (offer := _remedy(state, alert)) and widths.cells - width(line) >= _OFFER:
        line.append((f"   {offer}", "dim"))
    return Row(alert.key, (line,), _series(alert), alert.source, alert)


def _start(alert: Alert, word: str, role: str, cells: int) -> Line:
    """Return glyph, time, severity and source; the word and the time give way where there is no room."""
    resolved = alert.state is AlertState.RESOLVED
    line: Line = [_mark(alert, role)]
    if cells >= _WIDE:
        line.append((f"{clock_time(alert.resolved_at if resolved else alert.since)}  ", "dim"))
    if cells >= 90:
        line.append((f"{word:<10}", role))
    return [*line, (left(alert.source, 13 if cells >= _WIDE else 10) + " ", "dim" if resolved else "text")]


def _mark(alert: Alert, role: str) -> Span:
    """Return the glyph: of its end, of its severity, or of what nobody can see at the moment."""
    if alert.state is AlertState.RESOLVED:
        return f"{glyphs.OK} ", "ok"
    return f"{glyphs.UNKNOWN if alert.state is AlertState.UNKNOWN else _GLYPHS[role]} ", role


def _remedy(state: State, alert: Alert) -> str:
    """Return what Enter offers, in the words of the action."""
    titles = {action.id: action.title for action in state.actions}
    return f"enter: {titles.get(alert.remedies[0], alert.remedies[0])}" if alert.remedies else ""


def _what(state: State, alert: Alert, cells: int, role: str = "dim") -> Line:
    """Return what happens, in the rule's words or as metric, value and level; of `cells` cells words give way first."""
    value: Line = [(" ", "text"), *quantity(state, alert.source, alert.metric, alert.value, role)]
    if alert.summary:
        figures: Line = [(f"  {alert.metric}", "dim"), *dimmed(value)]
        summary = clip_words(alert.summary, cells)
        left_over = cells - width([(summary, "text")])
        if cells < _NAMED or left_over < _LABELS:
            figures = []
        elif width(figures) > left_over:
            figures = [(clip(f"  {alert.metric}", left_over), "dim")]
        return [(summary, "text"), *figures]
    if alert.level is not None:
        level: Line = [
            (f" {alert.direction} ", "dim"),
            *quantity(state, alert.source, alert.metric, alert.level, "dim"),
        ]
        value += level if width([*value, *level]) + _LABELS <= cells else []
    return [(clip(_labels(alert), max(0, cells - width(value))), "text"), *value]


def _took(word: str, seconds: float | None, cells: int) -> Span:
    """Return how long, with its word where there is room."""
    text = "" if seconds is None else str(units.seconds(max(0.0, round(seconds))))
    return (right(f"{word} {text}" if text else "", _TOOK), "dim") if cells >= _WIDE else (right(text, 8), "dim")


def _labels(alert: Alert) -> str:
    return " ".join([alert.metric, *(value for name, value in alert.attributes if name != "kind")])


def _resolved(state: State, alert: Alert, widths: _Widths) -> Row:
    took = None
    if alert.since is not None and alert.resolved_at is not None:
        took = alert.resolved_at - alert.since
    line: Line = [
        *_start(alert, alert.state.value, "dim", widths.cells),
        *dimmed(fit(_what(state, alert, widths.room), widths.words)),
        _took("after", took, widths.cells),
    ]
    return Row(f"{alert.key}@{alert.resolved_at}", (line,), _series(alert), alert.source, alert)
