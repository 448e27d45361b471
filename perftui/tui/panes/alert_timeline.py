"""When what fired within the last hour: a line for each alert, or for each rule where there are too many."""

from collections.abc import Iterable
from datetime import UTC, datetime

from rich.cells import cell_len

from perftui.client.state import State
from perftui.core.alert import Alert, AlertState
from perftui.tui.panes.alert_words import instance_of
from perftui.tui.panes.state_words import severity_role
from perftui.tui.widgets.bar import merge
from perftui.tui.widgets.text import Line, clip, fit, left, width

HOUR = 3600.0
_LABEL = (22, 34)
"""Cells of the name at the left, least and most."""
_RULE = 5
"""Cells of a rule's name that stay where source and instance need the room."""
_BLOCKS = {"critical": "█", "warning": "▆", "text": "▃"}
"""Role -> what a span of it is drawn with: higher is worse, with or without colour."""
_RANK = {role: rank for rank, role in enumerate(("critical", "warning", "text"))}


def timeline(state: State, alerts: Iterable[Alert], cells: int, height: int) -> list[Line]:
    """Return the axis and at most `height` - 1 spans in lines of `cells` cells; nothing where nothing fired.

    Columns are fixed spans of time, so that the picture stands still until one is over.
    """
    label = min(_LABEL[1], max(_LABEL[0], cells // 4))
    plot = cells - label - 1
    recent = [each for each in alerts if each.since is not None and _end(state, each) >= state.wall - HOUR]
    if not recent or height < 2 or plot < 20:
        return []
    shown = sorted(_grouped(recent, height - 1).values(), key=_place)[: height - 1]
    spans = [[(left(_label(group, label), label) + " ", "dim"), *_spans(state, group, plot)] for group in shown]
    return [*spans, [(" " * (label + 1), "dim"), *_axis(state, plot)]]


def _label(group: list[Alert], cells: int) -> str:
    """Return what the alerts of a line share, for so many cells: the rule gives way first, the source last."""
    source = _shared(alert.source for alert in group)
    instance = _shared(instance_of(alert) for alert in group) if source else ""
    taken = sum(cell_len(part) + 1 for part in (source, instance) if part)
    rule = clip(group[0].rule, max(_RULE, cells - taken))
    instance = clip(instance, max(_RULE, cells - cell_len(f"{source} {rule} ")))
    return " ".join(filter(None, (source, rule, instance)))


def _shared(texts: Iterable[str]) -> str:
    """Return the text that all of them are, empty where they differ."""
    different = set(texts)
    return different.pop() if len(different) == 1 else ""


def _grouped(alerts: list[Alert], most: int) -> dict[tuple[str, ...], list[Alert]]:
    """Return the alerts of each line: one alert while they suffice, else rule and source, else a rule."""
    lines: dict[tuple[str, ...], list[Alert]] = {}
    for parts in (3, 2, 1):
        lines = {}
        for alert in alerts:
            lines.setdefault((alert.rule, alert.source, instance_of(alert))[:parts], []).append(alert)
        if len(lines) <= most:
            break
    return lines


def _place(group: list[Alert]) -> tuple[bool, int, float]:
    """Return where a line stands: what fires now first, then the worst, then the newest."""
    fires = any(alert.resolved_at is None for alert in group)
    return not fires, min(_RANK[severity_role(alert)] for alert in group), -max(alert.since or 0.0 for alert in group)


def _end(state: State, alert: Alert) -> float:
    return state.wall if alert.resolved_at is None else alert.resolved_at


def _spans(state: State, group: list[Alert], plot: int) -> Line:
    """Return the blocks of one line, the worst of what fired in each column."""
    column = HOUR / plot
    newest = int(state.wall // column)
    cells: list[tuple[str, str]] = [(" ", "text")] * plot
    for alert in sorted(group, key=lambda each: -_RANK[severity_role(each)]):
        first = max(0, plot - 1 - (newest - int((alert.since or 0.0) // column)))
        last = min(plot - 1, plot - 1 - (newest - int(_end(state, alert) // column)))
        role = severity_role(alert)
        shade = "dim" if alert.mutes or alert.state is AlertState.UNKNOWN else role
        cells[first : last + 1] = [(_BLOCKS[role], shade)] * (last + 1 - first)
    return merge(cells)


def _axis(state: State, plot: int) -> Line:
    """Return the times at the quarters of the hour that is shown, and now."""
    line: Line = []
    for quarter in range(4 if plot >= 40 else 2):
        share = quarter / (4 if plot >= 40 else 2)
        time = datetime.fromtimestamp(state.wall - HOUR * (1 - share), UTC)
        at = round(plot * share)
        line += [(" " * (at - width(line)), "dim"), (f"└{time:%H:%M}", "dim")]
    return merge([*fit(line, plot - 4), (" now", "dim")])
