"""More of one row: every figure of its source, what fires on it, what it is denied."""

from collections.abc import Callable

from perftui.client.state import State
from perftui.core import units
from perftui.core.alert import Alert
from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.panes.alert_words import summary_of
from perftui.tui.panes.content import Row
from perftui.tui.panes.state_words import ago, firing, quantity, severity_role, trouble
from perftui.tui.panes.tables import section_lines, sections_of, topic
from perftui.tui.widgets.text import Line, clip, fit, left

_FIRES = 6
"""Alerts of the source that are named."""


class Details(Dialog):
    """Shows the source of a row, as it is now, until it is closed."""

    wanted = 100

    def __init__(self, state: Callable[[], State], row: Row) -> None:
        super().__init__()
        self._state = state
        self._row = row
        self.title = row.source or "Details"
        status = state().sources.get(row.source)
        attributes = row.series.attributes if row.series else ()
        self._sections = sections_of(status.kind, attributes) if status is not None else ()
        self.tables = frozenset(topic(row.source, section) for section in self._sections)

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        state, source = self._state(), self._row.source
        lines = self.head(state, cells)
        status = state.sources.get(source)
        if status is None:
            return lines or [[(text, role) for text, role in self._row.lines[0]]]
        lines.append([(status.kind, "text"), (f"  {status.address}", "dim"), (f"  {status.state.value}", "text")])
        lines.append(
            [
                ("read ", "dim"),
                (ago(state.age(source)), "text"),
                (f"  every {units.seconds(status.interval)}", "dim"),
            ]
        )
        if words := trouble(state, status):
            lines.append([(words, "critical")])
        fires = firing(state, source)
        lines += [[("fires: ", severity_role(alert)), *_words(state, alert)] for alert in fires[:_FIRES]]
        if len(fires) > _FIRES:
            lines.append([(f"and {len(fires) - _FIRES} more fire", "text")])
        for section in self._sections:
            lines += [[], *section_lines(state, source, section, cells)]
        return [*lines, *_facts(state, source, cells), *_figures(state, source, self._row, cells)]

    def head(self, state: State, cells: int) -> list[Line]:
        """Return what is said above the source."""
        return []

    def foot(self) -> Line:
        """Return what its keys do."""
        return hints(("↑↓", "scroll"), ("esc", "back"))

    def press(self, key: str, character: str | None) -> None:
        """Close with Enter, too: it was opened by it."""
        super().press("escape" if key in ("enter", "d", "q") else key, character)


def _words(state: State, alert: Alert) -> Line:
    role = severity_role(alert)
    value = quantity(state, alert.source, alert.metric, alert.value, role)
    return [(summary_of(alert), role)] if alert.summary else [(f"{alert.metric} ", role), *value]


def _facts(state: State, source: str, cells: int) -> list[Line]:
    reading = state.readings.get(source)
    if reading is None:
        return []
    facts: list[Line] = [
        [(left(name, 14), "dim"), (clip(text, cells - 14), "text")] for name, text in sorted(reading.facts.items())
    ]
    denied: list[Line] = [
        [("denied  ", "warning"), (f"{what}: {why}", "text")] for what, why in sorted(reading.denied.items())
    ]
    if reading.overflow:
        denied.append([(f"{reading.overflow} series left out: too many", "warning")])
    return [[], *facts, *denied] if facts or denied else []


def _figures(state: State, source: str, row: Row, cells: int) -> list[Line]:
    """Return every figure of the source; those of the row's own series only where it has attributes."""
    reading = state.readings.get(source)
    if reading is None:
        return []
    wanted = set(row.series.attributes) if row.series else set()
    name_cells = max(20, cells - 44)
    lines: list[Line] = [[]]
    for sample in sorted(reading.samples, key=lambda each: (each.metric, each.attributes)):
        if not wanted <= set(sample.attributes):
            continue
        labels = " ".join(value for pair in sample.attributes if pair not in wanted for value in pair[1:])
        figure = fit(quantity(state, source, sample.metric, sample.value), 12, "right")
        lines.append([(left(sample.metric, name_cells), "dim"), (left(labels, 24), "text"), *figure])
    return lines
