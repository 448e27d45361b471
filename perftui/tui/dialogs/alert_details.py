"""More of one alert: the curve around its time, why it fired, what holds it back, how it ended before."""

from collections.abc import Callable
from datetime import UTC, datetime

from perftui.client.state import State
from perftui.core import units
from perftui.core.alert import Alert, AlertState
from perftui.tui.dialogs.base import hints
from perftui.tui.dialogs.details import Details
from perftui.tui.dialogs.fields import Field, columns, field
from perftui.tui.panes.alert_words import (
    is_over,
    level_of,
    mark_of,
    name_of,
    remedy_words,
    series_of,
    standing,
    summary_of,
    value_of,
    word_of,
)
from perftui.tui.panes.content import Row
from perftui.tui.panes.history import Window, curve_lines, has_figures, moments_line
from perftui.tui.panes.moments import Moment, acted
from perftui.tui.panes.state_words import clock_time, severity_role
from perftui.tui.widgets.text import Line, clip_words

_CHART = 9
"""Lines of the curve with its axis."""
_BEFORE, _AFTER, _SHORTEST, _LONGEST = 300.0, 120.0, 300.0, 6 * 3600.0
"""Seconds that the curve shows before and after an alert, and in all at least and at most."""


class AlertDetails(Details):
    """Shows an alert as it is now, above its source; `past` is how it ended before, once the agent has said so."""

    def __init__(
        self,
        state: Callable[[], State],
        row: Row,
        alert: Alert,
        act: Callable[[str, Alert], bool],
        keys: tuple[tuple[str, str], ...] = (),
        *,
        ascii: bool = False,
    ) -> None:
        """`act` takes a key for the alert and returns whether it was one; `keys` are those and what they do."""
        super().__init__(state, row)
        self._act = act
        self._keys = keys
        self.title = f"{alert.rule} on {alert.source}"
        self.past: tuple[Alert, ...] | None = None
        self.past_problem = ""
        self._alert = alert
        self._ascii = ascii

    def head(self, state: State, cells: int) -> list[Line]:
        """Return everything about the alert."""
        alert = self._now(state)
        glyph, role = mark_of(alert)
        return [
            [(f"{glyph} ", role), (summary_of(alert) or name_of(alert), "title")],
            *columns(_fields(state, alert), cells),
            [],
            *self._chart(state, alert, cells),
            [],
            *self._history(cells),
            [],
        ]

    def foot(self) -> Line:
        """Return what its keys do."""
        return hints(("↑↓", "scroll"), *self._keys, ("esc", "back"))

    def press(self, key: str, character: str | None) -> None:
        """Take care of the alert or silence it, or scroll."""
        if not self._act(key, self._alert):
            super().press(key, character)

    def _now(self, state: State) -> Alert:
        """Return the alert as it stands; as it was last seen where it is over."""
        if not is_over(self._alert):
            view = (*state.alerts.firing, *state.alerts.pending, *state.alerts.log)
            self._alert = next((each for each in view if each.key == self._alert.key), self._alert)
        return self._alert

    def _chart(self, state: State, alert: Alert, cells: int) -> list[Line]:
        series = series_of(alert)
        window = _window(state, alert) if has_figures(state, series) else None
        if window is None:
            return [[("the figures of that time are not here", "dim")]]
        moments = (
            [Moment(alert.since, f"▲ fires {clock_time(alert.since)}", severity_role(alert))] if alert.since else []
        )
        if alert.resolved_at is not None:
            moments.append(Moment(alert.resolved_at, f"● {word_of(alert)} {clock_time(alert.resolved_at)}", "ok"))
        lines = curve_lines(state, series, window, cells, _CHART, acted(state), ascii=self._ascii)
        return [*lines, moments_line(state, series, window, cells, moments)]

    def _history(self, cells: int) -> list[Line]:
        """Return how the same alert ended before, newest first."""
        if self.past_problem:
            return [[("before  ", "dim"), (self.past_problem, "warning")]]
        if self.past is None:
            return [[("before  ", "dim"), ("asking the agent", "dim")]]
        if not self.past:
            return [[("before  ", "dim"), ("it has not fired before, as far as is remembered", "text")]]
        times = f"{len(self.past)} time{'' if len(self.past) == 1 else 's'}"
        return [[("before  ", "dim"), (times, "text")], *(_ended(alert, cells) for alert in self.past)]


def _fields(state: State, alert: Alert) -> list[Field]:
    ack = alert.ack
    return [
        field("metric", alert.metric),
        ("value", value_of(state, alert, severity_role(alert))),
        ("level", level_of(state, alert, "text") or [(units.MISSING, "dim")]),
        *([field("why", alert.why)] if alert.why else []),
        field("since", _since(state, alert)),
        field("rule", f"{alert.rule}, {alert.severity.value}, {_state(alert)}"),
        field("source", alert.source),
        field("attributes", "  ".join(f"{name}={value}" for name, value in alert.attributes) or units.MISSING),
        *(field("held back", mute.reason, "warning") for mute in alert.mutes),
        *([field("acked", f"by {ack.author} at {clock_time(ack.at)} UTC")] if ack else []),
        *([field("note", ack.note)] if ack and ack.note else []),
        *([field("stands", words)] if not alert.mutes and not ack and (words := standing(state, alert)) else []),
        *(field("notified", note) for note in alert.notes),
        *([field("routes", ", ".join(alert.notify))] if alert.notify else []),
        *(field("remedy", remedy_words(state, remedy)) for remedy in alert.remedies),
        *([field("runbook", alert.runbook)] if alert.runbook else []),
    ]


def _state(alert: Alert) -> str:
    return word_of(alert) if is_over(alert) else alert.state.value


def _since(state: State, alert: Alert) -> str:
    if alert.since is None:
        return units.MISSING
    end = state.wall if alert.resolved_at is None else alert.resolved_at
    lasted = units.seconds(max(0.0, round(end - alert.since)))
    return f"{_day(state, alert.since)}{clock_time(alert.since)} UTC, for {lasted}"


def _day(state: State, wall: float) -> str:
    """Return the day of a moment with a blank behind it; nothing where it is today."""
    day, today = (datetime.fromtimestamp(each, UTC).date() for each in (wall, state.wall))
    return "" if day == today else f"{day:%m-%d} "


def _window(state: State, alert: Alert) -> Window | None:
    """Return the time around an alert that there are figures of, None where there are none."""
    oldest = state.tracks[series_of(alert)].wall[0]
    end = state.wall if alert.resolved_at is None else min(state.wall, alert.resolved_at + _AFTER)
    start = max((alert.since or state.wall) - _BEFORE, oldest, end - _LONGEST)
    return None if end - oldest < 2 else Window(end, max(_SHORTEST, end - start))


def _ended(alert: Alert, cells: int) -> Line:
    glyph, role = mark_of(alert)
    since = alert.since or 0.0
    took = units.seconds(max(0.0, round((alert.resolved_at or since) - since)))
    words = f"{datetime.fromtimestamp(since, UTC):%m-%d %H:%M:%S}  {alert.severity.value:<9} for {took!s:<8}"
    lost = "lost from sight: " if alert.state is AlertState.UNKNOWN else ""
    rest = clip_words(lost + (alert.summary or name_of(alert)), max(10, cells - len(words) - 4))
    return [(f"{glyph} ", role), (f"{words}  ", "text"), (rest, "dim")]
