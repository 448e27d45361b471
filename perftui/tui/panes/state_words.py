"""States as a glyph, a word and a colour: never by colour alone."""

from collections.abc import Iterable
from datetime import UTC, datetime

from perftui.client.state import State
from perftui.core import units
from perftui.core.alert import Alert, Severity
from perftui.core.metric import Kind
from perftui.core.series import Attributes
from perftui.core.status import BROKEN_STATES, SourceState, SourceStatus
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, Span

GOOD, STALE, WARNING, BROKEN, CRITICAL = 0, 1, 2, 3, 4
"""How bad a row is: rows sort by it, the worst first, then by name."""

_SEVERITY = {Severity.INFO: GOOD, Severity.WARNING: WARNING, Severity.CRITICAL: CRITICAL}
_MARKS: dict[int, Span] = {
    GOOD: (glyphs.OK, "ok"),
    STALE: (glyphs.STALE, "stale"),
    WARNING: (glyphs.WARNING, "warning"),
    BROKEN: (glyphs.CRITICAL, "critical"),
    CRITICAL: (glyphs.CRITICAL, "critical"),
}


def says_read_only(state: State) -> bool:
    """Return whether the agent takes no action from us."""
    welcome, agent = state.welcome, state.agent
    return agent.read_only if agent is not None else welcome is not None and welcome.read_only


def firing(state: State, source: str, attributes: Attributes = ()) -> list[Alert]:
    """Return the alerts that fire on a source, and on the series with all of these attributes."""
    wanted = set(attributes)
    return [alert for alert in state.alerts.firing if alert.source == source and wanted <= set(alert.attributes)]


def own_alerts(state: State, source: str) -> list[Alert]:
    """Return the alerts that fire on a source itself: those on its job queues have rows of their own."""
    return [alert for alert in firing(state, source) if not alert.metric.startswith("queue.")]


def badness(state: State, source: str, alerts: Iterable[Alert]) -> int:
    """Return how bad a row about this source is: by its alerts, or by what the poller knows."""
    worst = max((_SEVERITY[alert.severity] for alert in alerts), default=GOOD)
    status = state.sources.get(source)
    if status is not None and status.state in BROKEN_STATES:
        return max(worst, BROKEN)
    return max(worst, STALE) if state.is_stale(source) else worst


def mark(bad: int) -> Span:
    """Return the glyph of a row."""
    return _MARKS[bad]


def severity_role(alert: Alert) -> str:
    """Return the role of an alert's colour."""
    return {Severity.INFO: "text", Severity.WARNING: "warning", Severity.CRITICAL: "critical"}[alert.severity]


def level_role(state: State, metric: str, value: float | None, good: str = "text") -> str:
    """Return the role of a figure: `good`, or that of the level of the metric's rule which it has passed."""
    for level in state.alerts.levels:
        if level.metric != metric or value is None:
            continue
        sign = -1 if level.direction == "below" else 1
        for role, limit in (("critical", level.critical), ("warning", level.warning)):
            if limit is not None and value * sign > limit * sign:
                return role
    return good


def alert_role(state: State, source: str, metric: str, attributes: Attributes = ()) -> str | None:
    """Return the role of the alert that fires on a series, None where none does."""
    for alert in state.alerts.firing:
        if (alert.source, alert.metric, alert.attributes) == (source, metric, attributes):
            return severity_role(alert)
    return None


def marks(state: State, metric: str) -> dict[str, float]:
    """Return role -> level of the metric's rules, for a bar or a chart."""
    found: dict[str, float] = {}
    for level in state.alerts.levels:
        if level.metric == metric:
            pairs = (("warning", level.warning), ("critical", level.critical))
            found |= {role: limit for role, limit in pairs if limit is not None}
    return found


def figure(state: State, source: str, metric: str, attributes: Attributes = (), role: str | None = None) -> Line:
    """Return the latest value of a series, its unit dimmed, coloured by what fires on it; `–` where it is missing."""
    value = state.value(source, metric, attributes)
    return quantity(state, source, metric, value, role or alert_role(state, source, metric, attributes))


def quantity(state: State, source: str, metric: str, value: float | None, role: str | None = None) -> Line:
    """Return a value of a metric as it is read, coloured by its rule's levels unless a role is given."""
    if value is None:
        return [(units.MISSING, "dim")]
    known = state.metric(metric, source)
    shown = units.show_metric(known, value) if known else units.count(value)
    return number(shown, role or level_role(state, metric, value))


def number(shown: units.Shown, role: str = "text") -> Line:
    """Return a number and its unit, the unit dimmed."""
    glue = str(shown)[len(shown.number) : len(str(shown)) - len(shown.unit)]
    return (
        [(shown.number, role), (glue + shown.unit, "dim" if role == "text" else role)]
        if shown.unit
        else [(shown.number, role)]
    )


def clock_time(wall: float | None) -> str:
    """Return the time of day of epoch seconds, UTC."""
    return "--:--:--" if wall is None else f"{datetime.fromtimestamp(wall, UTC):%H:%M:%S}"


def ago(seconds: float | None) -> str:
    """Return an age in words: `14 s ago`."""
    return "never" if seconds is None else f"{units.seconds(round(seconds))} ago"


def trouble(state: State, status: SourceStatus) -> str:
    """Return what is wrong with a source in plain words; empty where nothing is.

    The age comes before the reason, which may be long: what is cut off must not be how old the figures are.
    """
    age = state.age(status.name)
    last = "no figures yet" if age is None else f"figures {ago(age)}"
    match status.state:
        case SourceState.WAITING:
            return "waiting for its first figures"
        case SourceState.FOUND:
            return f"found, needs credentials{_because(status)}"
        case SourceState.DENIED:
            return f"refuses us, {last}{_because(status)}"
        case SourceState.FAILING:
            return f"failing{_for(state, status)}, {last}{_because(status)}"
        case SourceState.OPEN:
            return f"failing{_for(state, status)}, {last}{_next(state, status)}{_because(status)}"
        case SourceState.SLOW:
            return "slow: a poll takes longer than its interval"
    return f"stale, {last}" if state.is_stale(status.name) else ""


def _because(status: SourceStatus) -> str:
    return f": {status.error}" if status.error else ""


def _for(state: State, status: SourceStatus) -> str:
    since = status.failing_since
    return "" if since is None else f" for {units.seconds(max(0, round(state.now - since)))}"


def _next(state: State, status: SourceStatus) -> str:
    if status.next_poll is None:
        return ""
    return f", next probe in {units.seconds(max(0, round(status.next_poll - state.now)))}"


def percent(value: float | None, role: str = "text") -> Line:
    """Return a ratio 0..1 as per cent."""
    return [(units.MISSING, "dim")] if value is None else number(units.show(value, "1", kind=Kind.RATIO), role)
