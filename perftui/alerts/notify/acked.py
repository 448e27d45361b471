"""Which alerts somebody takes care of as they are: nobody is called for them, unless they get worse."""

from collections.abc import Iterable
from typing import NamedTuple

from perftui.alerts.desk import MOST_ACKS
from perftui.core.alert import Ack, Alert, Severity


class _Seen(NamedTuple):
    """An ack, and how severe its alert was when it came."""

    ack: Ack
    severity: Severity


class Acked:
    """How severe each alert was when it was acknowledged; also of those that are gone, whose acks wait for them."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}

    def look(self, firing: Iterable[tuple[str, Alert]]) -> None:
        """Take in what fires, by key, as judged."""
        for key, alert in firing:
            if alert.ack is None:
                self._seen.pop(key, None)
            elif key not in self._seen or self._seen[key].ack != alert.ack:
                self._seen.pop(key, None)
                self._seen[key] = _Seen(alert.ack, alert.severity)
        while len(self._seen) > MOST_ACKS:
            del self._seen[next(iter(self._seen))]

    def covers(self, key: str, alert: Alert) -> bool:
        """Return whether it is acknowledged and no worse than it was then."""
        seen = self._seen.get(key)
        return alert.ack is not None and seen is not None and alert.severity.rank <= seen.severity.rank
