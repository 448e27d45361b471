"""One alert as a row, in columns that all rows share: mark, time, severity, source, what happens, how long."""

from collections import Counter
from collections.abc import Sequence
from functools import cache, partial
from typing import NamedTuple

from perftui.client.state import State
from perftui.core.alert import Alert, AlertState
from perftui.tui.panes.alert_words import (
    hurry,
    instance_of,
    is_calm,
    is_over,
    is_well,
    level_of,
    mark_of,
    name_of,
    offer_words,
    role_of,
    series_of,
    standing,
    summary_of,
    took,
    value_of,
    word_of,
)
from perftui.tui.panes.content import OneLine, Row
from perftui.tui.panes.state_words import clock_time
from perftui.tui.widgets.text import Line, clip, clip_words, dimmed, fit, left, right, width

NAMED = 60
"""Cells for what happens from which a metric is named beside the rule's words."""
_WIDE, _WORDED = 64, 90
_TAG = "   enter: "
"""What stands before the remedies of an alert, where there is a column of severities."""
_TITLED = 80
"""Cells for what happens from which a remedy is told by its name."""
_TOOK, _SHORT = 13, 9
"""Cells of how long with a blank before it, where there is room and where there is not."""
_LABELS = 16
"""Cells of a name that matter more than the level."""
_NAMES = 8
"""Cells from which a folded row names some of its alerts."""
_FEW = 60
"""Alerts that are all told to find how wide their column is."""


class Told(NamedTuple):
    """What is said of an alert: what happens, how long, and what became of it where that has a line of its own."""

    what: Line
    lasts: str
    below: str = ""


class AlertRows:
    """The rows of some alerts in so many cells; `tall` allows second lines.

    The column of what happens is as wide as the widest of them; of very many, of which few are in view, each is told
    when it is asked for, and the column takes what there is. What Enter offers has its room before the words, so that
    it stands there as long as its alert.
    """

    def __init__(self, state: State, alerts: Sequence[Alert], cells: int, *, tall: bool) -> None:
        self._state = state
        self._tall = tall
        self._cells = cells
        self._remedy = cache(partial(offer_words, state))
        self._source = 14 if cells >= _WIDE else 11
        self._took = _TOOK if cells >= _WIDE else _SHORT
        start = 2 + (10 if cells >= _WIDE else 0) + (10 if cells >= _WORDED else 0) + self._source
        self._free = cells - start - self._took
        tags = [self._tag(alert) for alert in alerts] if cells >= _WORDED else []
        self._words = self._room = max(10, self._free - max(map(len, tags), default=0))
        self._told: dict[int, Told] = {}
        if len(alerts) <= _FEW:
            self._told = {id(alert): self._tell(alert) for alert in alerts}
            self._words = min(self._room, max((width(told.what) for told in self._told.values()), default=0))

    def row(self, alert: Alert) -> Row:
        """Return the row of one alert."""
        key = f"{alert.key}@{alert.resolved_at}" if is_over(alert) else alert.key
        lines: Sequence[Line]
        if id(alert) not in self._told and not (self._tall and standing(self._state, alert)):
            lines = OneLine(lambda: self._lines(alert)[0])
        else:
            lines = self._lines(alert)
        return Row(key, lines, series_of(alert), alert.source, alert)

    def folded(self, id: str, alerts: tuple[Alert, ...], *, is_open: bool) -> Row:
        """Return the row that stands for many alerts of one rule, the first of which speaks for them."""
        first = alerts[0]
        sources = list(dict.fromkeys(alert.source for alert in alerts))
        where = sources[0] if len(sources) == 1 else f"{len(sources)} sources"
        names = _counted([(len(sources) == 1 and instance_of(alert)) or alert.source for alert in alerts])
        start, many = self._start(first, where), f" ×{len(alerts)}"
        rule = clip(first.rule, max(1, self._cells - width(start) - len(many)))
        head: Line = [*start, (rule, role_of(first)), (many, "text")]
        lasts = took(self._state, first, self._took - 1) if self._cells >= _WORDED else ""
        end: Line = [(right(lasts, self._took) if lasts else "", "dim")]
        end.append(("   enter: fold" if is_open else "   enter: all", "dim"))
        end = end if width(head) + width(end) <= self._cells else []
        room = self._cells - width(head) - width(end) - 2
        told = fit(_told(_reason(alerts, sources), names, room), room + 2) if room >= _NAMES else []
        line = [span for span in (*head, *told, *end) if span[0]]
        return Row(id, (line,), series_of(first), folded=alerts)

    def _lines(self, alert: Alert) -> list[Line]:
        told = self._told.get(id(alert)) or self._tell(alert)
        line: Line = [
            *self._start(alert, alert.source),
            *fit(told.what, self._words),
            (right(told.lasts, self._took), "dim"),
        ]
        if self._cells >= _WORDED and (tag := self._tag(alert)):
            line.append((tag, "dim"))
        if not told.below:
            return [line]
        indent = 2 + (10 if self._cells >= _WIDE else 0)
        return [line, [(" " * indent + clip_words(told.below, max(10, self._cells - indent)), "dim")]]

    def _tag(self, alert: Alert) -> str:
        """Return what Enter offers: the remedy by its name where that leaves the words their room, empty for none."""
        if not alert.remedies or is_over(alert):
            return ""
        tag = _TAG + self._remedy(alert.remedies[0])
        return tag if len(tag) <= self._free - _TITLED else f"{_TAG}remedies"

    def _start(self, alert: Alert, source: str) -> Line:
        """Return glyph, time, severity and source; the word and the time give way where there is no room."""
        glyph, role = mark_of(alert)
        line: Line = [(f"{glyph} ", role)]
        if self._cells >= _WIDE:
            at = alert.resolved_at if is_over(alert) else alert.since
            line.append((f"{clock_time(at) if at is not None else '':<8}  ", "dim"))
        if self._cells >= _WORDED:
            line.append((f"{word_of(alert):<10}", role_of(alert)))
        return [*line, (left(source, self._source - 1) + " ", "dim" if is_calm(alert) else "text")]

    def _tell(self, alert: Alert) -> Told:
        """Return what is said of it; what became of it stands behind its words, or below them where that is allowed."""
        state, role, room = self._state, role_of(alert), self._room
        words, fate = self._what(alert), standing(state, alert)
        left_over, below = room - width(words) - 2, ""
        lasts = took(state, alert, self._took - 1)
        if fate and left_over >= min(width([(fate, "")]), NAMED // 2):
            words = [*words, (f"  {clip_words(fate, left_over)}", "dim")]
        elif fate and self._tall:
            below = fate
        elif fate:
            lasts = hurry(state, alert, self._took - 1)
        elif alert.summary and not is_over(alert):
            words = [*words, *_figures(state, alert, role, room, left_over + 2)]
        return Told(dimmed(words) if is_calm(alert) else words, lasts, below)

    def _what(self, alert: Alert) -> Line:
        """Return what happens; that it does not fire yet stands before it where no column says so."""
        is_soon = alert.state is AlertState.PENDING and self._cells < _WORDED
        mark: Line = [("pending: ", "dim")] if is_soon else []
        return [*mark, *_words(self._state, alert, max(0, self._room - width(mark)), role_of(alert))]


def _counted(names: Sequence[str]) -> list[str]:
    """Return each name once, with how often it came where that is more than once."""
    return [name if count == 1 else f"{name} ×{count}" for name, count in Counter(names).items()]


def _reason(alerts: Sequence[Alert], sources: Sequence[str]) -> str:
    """Return what all of a fold say; where they differ what the worst of many sources says, else nothing."""
    reasons = {summary_of(alert) for alert in alerts}
    if len(reasons) == 1:
        return reasons.pop()
    return summary_of(max(alerts, key=_badness)) if len(sources) > 1 else ""


def _badness(alert: Alert) -> float:
    """Return how far its value has gone in the direction that is bad."""
    return float("-inf") if alert.value is None else -alert.value if alert.direction == "below" else alert.value


def _told(reason: str, names: list[str], room: int) -> Line:
    """Return the reason, then as many of the names as fit into the room that it leaves."""
    told: Line = [(f": {clip_words(reason, room)}", "text")] if reason else []
    rest = room + 2 - width(told) - 2
    return [*told, ("  " if reason else ": ", "dim"), (_listed(names, rest), "dim")] if rest >= _NAMES else told


def _listed(names: list[str], cells: int) -> str:
    """Return as many of the names as fit, an ellipsis where there are more."""
    text = ""
    for index, name in enumerate(names):
        longer = f"{text}, {name}" if text else name
        more = ", …" if index < len(names) - 1 else ""
        if width([(longer + more, "")]) > cells:
            return f"{text}, …" if text else clip(name, cells)
        text = longer
    return text


def _words(state: State, alert: Alert, room: int, role: str) -> Line:
    """Return what happens, in the rule's words or as metric, value and level; what has ended in the past tense."""
    tense = "was: " if is_well(alert) else ""
    if is_over(alert):
        tense = "was " if alert.state is AlertState.RESOLVED else "lost from sight: "
    if alert.summary:
        return [(clip_words(tense + alert.summary, room), "text")]
    value: Line = [(" ", "text"), *value_of(state, alert, role)]
    level = level_of(state, alert)
    if level and width([*value, *level]) + 1 + _LABELS <= room:
        value += [(" ", "dim"), *level]
    return [(clip(tense + name_of(alert), max(0, room - width(value))), "text"), *value]


def _figures(state: State, alert: Alert, role: str, room: int, left_over: int) -> Line:
    """Return metric and value beside the rule's words; where both do not fit the metric alone, clipped."""
    if room < NAMED or left_over < _LABELS:
        return []
    figures: Line = [(f"  {alert.metric}", "dim"), (" ", "dim"), *dimmed(value_of(state, alert, role))]
    return figures if width(figures) <= left_over else [(clip(f"  {alert.metric}", left_over), "dim")]
