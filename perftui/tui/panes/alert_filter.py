"""Which alerts are shown: by severity, state and source, and by what is typed after `/`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from perftui.client.state import State
from perftui.core.alert import Alert, Severity
from perftui.tui.panes.alert_words import states_of
from perftui.tui.panes.content import Row
from perftui.tui.widgets.text import plain

SEVERITIES = tuple(severity.value for severity in reversed(Severity))
STATES = ("unacked", "acked", "muted", "unknown", "pending", "ended")


@dataclass(frozen=True)
class AlertFilter:
    """What an alert must be to be shown; empty is anything."""

    severity: str = ""
    state: str = ""
    source: str = ""

    def __bool__(self) -> bool:
        return bool(self.severity or self.state or self.source)

    def passes(self, alert: Alert) -> bool:
        """Return whether an alert is shown."""
        return (
            self.severity in ("", alert.severity)
            and self.source in ("", alert.source)
            and (not self.state or self.state in states_of(alert))
        )

    @property
    def words(self) -> str:
        """What is shown, for a title; empty where that is everything."""
        return " ".join(filter(None, (self.severity, self.state, self.source)))

    def next_severity(self) -> "AlertFilter":
        """Return the filter with the next severity: all, critical, warning, info."""
        return replace(self, severity=_next(SEVERITIES, self.severity))

    def next_state(self) -> "AlertFilter":
        """Return the filter with the next state."""
        return replace(self, state=_next(STATES, self.state))

    def next_source(self, sources: Iterable[str]) -> "AlertFilter":
        """Return the filter with the next of the sources."""
        return replace(self, source=_next(sorted(sources), self.source))


def sources_of(state: State) -> frozenset[str]:
    """Return the sources that some alert is about."""
    view = state.alerts
    return frozenset(alert.source for alert in (*view.firing, *view.pending, *view.log))


def found(rows: Sequence[Row], typed: str) -> Sequence[Row]:
    """Return the rows that have the typed text, or else, where none has, all of its words.

    A word such as `source:cache-1` or `state:pending` is about that of an alert; it may have `*` and `?` in it. While
    nothing agrees with all of it, its beginning counts.
    """
    wanted = typed.strip().casefold()
    if not wanted:
        return rows
    facts = {row.id: _facts(row) for row in rows if row.alert is not None} if ":" in wanted else {}
    for word in wanted.split():
        label, colon, pattern = word.partition(":")
        if colon and any(label in known for known in facts.values()):
            exact = {id for id, known in facts.items() if _agrees(known.get(label, ()), pattern)}
            begun = {id for id, known in facts.items() if _agrees(known.get(label, ()), pattern + "*")}
            rows = [row for row in rows if row.id in (exact or begun)]
            wanted = " ".join(wanted.replace(word, "", 1).split())
    texts = {row.id: _text(row) for row in rows}
    whole = [row for row in rows if wanted in texts[row.id]]
    return whole or [row for row in rows if all(word in texts[row.id] for word in wanted.split())]


def _text(row: Row) -> str:
    """Return what is looked through: what the row shows, and the words for what its alert is."""
    text = " ".join(map(plain, row.lines)).casefold()
    if row.alert is None:
        return text
    return " ".join((text, row.alert.severity, row.alert.rule, row.alert.metric, *states_of(row.alert)))


def _facts(row: Row) -> dict[str, tuple[str, ...]]:
    """Return label → its values, all in lower case."""
    if row.alert is None:
        return {}
    labels = {label.casefold(): (value.casefold(),) for label, value in row.alert.labels.items()}
    return labels | {"state": tuple(states_of(row.alert))}


def _agrees(values: Iterable[str], pattern: str) -> bool:
    return any(fnmatchcase(value, pattern) for value in values)


def _next(options: Sequence[str], chosen: str) -> str:
    """Return the option after the chosen one, empty (all) after the last."""
    ring = ["", *options]
    return ring[(ring.index(chosen) + 1) % len(ring)] if chosen in ring else ""
