"""What fired and is over: the recent past of every alert, bounded, newest first."""

from collections.abc import Iterator

import msgspec

from perftui.alerts.kept import Changes, Outage, Rows
from perftui.core.alert import Alert
from perftui.core.series import Attributes

KIND = "ended"
LENGTH = 500
_SHOWN = 20


class EndedLog:
    """Remembers the last alerts that ended; a key is a running number, so that rows sort by age."""

    def __init__(self) -> None:
        self._rows: dict[str, Alert] = {}
        self._changes: Changes = {}
        self._next = 0

    def __iter__(self) -> Iterator[Alert]:
        """Yield them, newest first."""
        return reversed(self._rows.values())

    def add(self, alert: Alert) -> None:
        """Take one in; the oldest goes when there are too many."""
        key = f"{self._next:012d}"
        self._next += 1
        self._rows[key] = self._changes[KIND, key] = alert
        if len(self._rows) > LENGTH:
            oldest = next(iter(self._rows))
            del self._rows[oldest]
            self._changes[KIND, oldest] = None

    def of(self, rule: str, source: str, attributes: Attributes) -> tuple[Alert, ...]:
        """Return how one alert ended before, newest first."""
        wanted = (rule, source, attributes)
        return tuple(each for each in self if (each.rule, each.source, each.attributes) == wanted)[:_SHOWN]

    def take_changes(self) -> Changes:
        """Return what changed since the last call."""
        changes, self._changes = self._changes, {}
        return changes

    def restore(self, rows: Rows, _outage: Outage) -> None:
        """Take back what was kept; a row that cannot be read is dropped."""
        for key, body in sorted(rows.get(KIND, {}).items()):
            try:
                self._rows[key] = msgspec.msgpack.decode(body, type=Alert)
                self._next = int(key) + 1
            except (msgspec.MsgspecError, ValueError):
                self._rows.pop(key, None)
                self._changes[KIND, key] = None
