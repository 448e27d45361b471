"""An incident as it is kept: what one route was told, and what it therefore has to hear of."""

import msgspec

from perftui.alerts.notify.notification import Entry
from perftui.core.alert import Alert, AlertState, Severity

Group = tuple[str, ...]
"""The values of the labels that a route groups by."""


class Member(msgspec.Struct, kw_only=True):
    """One alert that a route was told of. Times are monotonic seconds, `told_wall` is for display.

    `told` is the severity that was told last. `risen_at` and `ended_at` are news that the route has not heard yet.
    """

    entry: Entry
    group: Group
    told: Severity
    told_at: float
    told_wall: float
    cooldown: float = 0.0
    risen_at: float | None = None
    ended_at: float | None = None


class Incident(msgspec.Struct, kw_only=True):
    """A conversation with one route, from its first notification to its end; a digest is about several groups."""

    route: str
    dedup_key: str
    opened_at: float
    told_at: float
    sequence: int = 0
    digest: bool = False
    members: dict[str, Member] = {}

    def shift(self, seconds: float) -> None:
        """Move all monotonic times, after a restart, onto the clock of today."""
        self.opened_at += seconds
        self.told_at += seconds
        for member in self.members.values():
            member.told_at += seconds
            member.risen_at = None
            if member.ended_at is not None:
                member.ended_at += seconds


class Cooldown(msgspec.Struct, kw_only=True):
    """An alert that was told as firing and has ended: firing anew, it waits until `until` (monotonic seconds)."""

    route: str
    key: str
    told: Severity
    told_at: float
    told_wall: float
    until: float

    def shift(self, seconds: float) -> None:
        """Move all monotonic times, after a restart, onto the clock of today."""
        self.told_at += seconds
        self.until += seconds


class Waiting(msgspec.Struct, kw_only=True):
    """An alert that a route has yet to be told of; `since` and `seen` are when it first and last fired, monotonic."""

    alert: Alert
    group: Group
    since: float
    seen: float


def entry_of(alert: Alert) -> Entry:
    """Return what is told of an alert that fires, or of how it ended."""
    return Entry(
        key=alert.key,
        rule=alert.rule,
        source=alert.source,
        severity=alert.severity,
        summary=alert.summary or f"{alert.metric} {alert.direction} {alert.level_text}".rstrip(),
        at=alert.resolved_at or alert.since or 0.0,
        value=alert.value_text,
        runbook=alert.runbook,
        known=alert.resolved_at is None or alert.state is not AlertState.UNKNOWN,
    )
