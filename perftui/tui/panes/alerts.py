"""The alerts pane: what fires, the worst first, then what resolved, and what the agent has to say."""

from datetime import UTC, datetime

from perftui.client.state import Link, State
from perftui.core import units
from perftui.core.action import Outcome, Run
from perftui.core.alert import Alert, AlertState
from perftui.core.series import SeriesId
from perftui.core.status import BROKEN_STATES
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.runs import run_line
from perftui.tui.panes.state_words import quantity, severity_role, trouble
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, Span, fit, left, right, width

_GLYPHS = {"critical": glyphs.CRITICAL, "warning": glyphs.WARNING, "text": glyphs.OK, "dim": glyphs.OK}
_SINCE, _OFFER = 12, 20
RUN_SHOWN = 600.0
"""Seconds that a finished action stays in sight."""
_NOBODY = Alert(rule="", source="", metric="")
_OWN_PANE = frozenset({"redis", "mysql", "http"})


def draw(state: State, cells: int, notes: tuple[str, ...] = ()) -> Content:
    """Return the pane in `cells` cells; `notes` are lines of the console's own."""
    shown = [*state.alerts.firing, *state.alerts.log]
    taken = width(_start(_NOBODY, "", "text", cells)) + _SINCE
    words = max(10, min(cells - taken, max((width(_what(state, alert)) for alert in shown), default=0)))
    firing = sorted(state.alerts.firing, key=lambda alert: (-alert.severity.rank, -(alert.since or 0), alert.key))
    rows = [_note("link", f"agent: {state.link_note}")] if state.link is Link.LOST and state.link_note else []
    rows += [_note(f"console {index}", text) for index, text in enumerate(notes)]
    rows += [
        Row(f"run {run.plan.id}", (run_line(run, state.wall),)) for run in state.runs if _is_shown(run, state.wall)
    ]
    rows += [_firing(state, alert, words, cells) for alert in firing]
    rows += [_broken(state, name) for name in sorted(state.sources) if _is_broken(state, name)]
    rows += [_note(f"agent {index}", text) for index, text in enumerate(state.notes)]
    rows += [_resolved(state, alert, words, cells) for alert in state.alerts.log]
    return Content("Alerts", _counts(state), [], rows, empty=_calm(state))


def _counts(state: State) -> Line:
    parts: Line = [(f"{len(state.alerts.firing)} firing", "critical" if state.alerts.firing else "dim")]
    resolved = sum(alert.state is AlertState.RESOLVED for alert in state.alerts.log)
    extra = ((resolved, "resolved"), (state.alerts.pending, "pending"), (state.alerts.unknown, "unknown"))
    return parts + [(f" · {count} {word}", "dim") for count, word in extra if count]


def _calm(state: State) -> str:
    if state.link is not Link.LIVE:
        return "nothing is known without the agent"
    return "nothing fires" if state.readings else "waiting for the first figures"


def _is_shown(run: Run, wall: float) -> bool:
    return run.outcome is Outcome.RUNNING or run.ended is None or wall - run.ended < RUN_SHOWN


def _run(run: Run, wall: float) -> Row:
    return Row(f"run {run.plan.id}", (run_line(run, wall),))


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


def _firing(state: State, alert: Alert, words: int, cells: int) -> Row:
    role = severity_role(alert)
    since = "" if alert.since is None else f"for {units.seconds(max(0.0, round(state.wall - alert.since)))}"
    line: Line = [
        *_start(alert, alert.severity.value, role, cells),
        *fit(_what(state, alert, role), words),
        (right(since, _SINCE), "dim"),
    ]
    if (offer := _remedy(state, alert)) and cells - width(line) >= _OFFER:
        line.append((f"   {offer}", "dim"))
    return Row(alert.key, (line,), _series(alert), alert.source, alert)


def _start(alert: Alert, word: str, role: str, cells: int) -> Line:
    """Return glyph, time, severity and source; the word and the time give way where there is no room."""
    resolved = alert.state is AlertState.RESOLVED
    line: Line = [_mark(alert, role)]
    if cells >= 64:
        line.append((f"{_time(alert.resolved_at if resolved else alert.since)}  ", "dim"))
    if cells >= 90:
        line.append((f"{word:<10}", role))
    return [*line, (left(alert.source, 13 if cells >= 64 else 10) + " ", "dim" if resolved else "text")]


def _mark(alert: Alert, role: str) -> Span:
    """Return the glyph: of its end, of its severity, or of what nobody can see at the moment."""
    if alert.state is AlertState.RESOLVED:
        return f"{glyphs.OK} ", "ok"
    return f"{glyphs.UNKNOWN if alert.state is AlertState.UNKNOWN else _GLYPHS[role]} ", role


def _remedy(state: State, alert: Alert) -> str:
    """Return what Enter offers, in the words of the action."""
    titles = {action.id: action.title for action in state.actions}
    return f"enter: {titles.get(alert.remedies[0], alert.remedies[0])}" if alert.remedies else ""


def _what(state: State, alert: Alert, role: str = "dim") -> Line:
    """Return what happens, in the rule's words or as metric, value and level."""
    words: Line = [(alert.summary or _labels(alert), "text")]
    if not alert.summary:
        words += [(" ", "text"), *quantity(state, alert.source, alert.metric, alert.value, role)]
        if alert.level is not None:
            words += [(f" {alert.direction} ", "dim"), *quantity(state, alert.source, alert.metric, alert.level, "dim")]
    return words


def _labels(alert: Alert) -> str:
    return " ".join([alert.metric, *(value for name, value in alert.attributes if name != "kind")])


def _resolved(state: State, alert: Alert, words: int, cells: int) -> Row:
    took = ""
    if alert.since is not None and alert.resolved_at is not None:
        took = f"after {units.seconds(max(0.0, round(alert.resolved_at - alert.since)))}"
    line: Line = [
        *_start(alert, alert.state.value, "dim", cells),
        *[(text, "dim") for text, _ in fit(_what(state, alert), words)],
        (right(took, _SINCE), "dim"),
    ]
    return Row(f"{alert.key}@{alert.resolved_at}", (line,), _series(alert), alert.source, alert)


def _time(wall: float | None) -> str:
    return "--:--:--" if wall is None else f"{datetime.fromtimestamp(wall, UTC):%H:%M:%S}"
