"""An incident as it is kept: what one route was told, and what it therefore has to hear of."""

import msgspec

from perftui.alerts.notify.notification import Entry
from perftui.core.alert import Alert, AlertState, Severity

Group = tuple[str, ...]
"""The values of the labels that a route groups by."""
RESTLESS_AFTER = 3
"""Ends of one critical alert, told within `RESTLESS_SPAN`, after which nobody believes the next one at once."""
RESTLESS_SPAN = 3600.0
RESTLESS_WAIT = 600.0
"""Seconds that it then has to be well before that is told: what comes and goes every few minutes is one trouble, and a
message for each time would teach people to ignore the pager."""


class Member(msgspec.Struct, kw_only=True):
    """One alert that a route was told of. Times are monotonic seconds, `told_wall` is for display.

    `told` is the severity that was told last. `risen_at` and `ended_at` are news that the route has not heard yet.
    `ends` are when, shortly before it was told of this time, the route was told that it was over, as a critical one.
    """

    entry: Entry
    group: Group
    told: Severity
    told_at: float
    told_wall: float
    cooldown: float = 0.0
    risen_at: float | None = None
    ended_at: float | None = None
    ends: tuple[float, ...] = ()

    def is_over(self, now: float) -> bool:
        """Return whether it has ended, and for so long that its end may be told at `now`."""
        if self.ended_at is None:
            return False
        is_restless = self.told is Severity.CRITICAL and len(self.ends) >= RESTLESS_AFTER
        return not is_restless or now >= self.ended_at + RESTLESS_WAIT

    def shift(self, seconds: float) -> None:
        """Move all monotonic times, after a restart, onto the clock of today."""
        self.told_at += seconds
        self.risen_at = None
        if self.ended_at is not None:
            self.ended_at += seconds
        self.ends = tuple(end + seconds for end in self.ends)


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
            member.shift(seconds)


class Cooldown(msgspec.Struct, kw_only=True):
    """An alert that was told as firing and has ended: firing anew, it waits until `until` (monotonic seconds).

    A critical one whose end was told does not: people were told that all is well. `ends` are when that was, lately.
    """

    route: str
    key: str
    told: Severity
    told_at: float
    told_wall: float
    until: float
    ends: tuple[float, ...] = ()

    def is_done(self, now: float) -> bool:
        """Return whether it says nothing any more about how to tell of the alert at `now`."""
        return now >= self.until and not recent(self.ends, now)

    def shift(self, seconds: float) -> None:
        """Move all monotonic times, after a restart, onto the clock of today."""
        self.told_at += seconds
        self.until += seconds
        self.ends = tuple(end + seconds for end in self.ends)


class Waiting(msgspec.Struct, kw_only=True):
    """An alert that a route has yet to be told of; `since` and `seen` are when it first and last fired, monotonic."""

    alert: Alert
    group: Group
    since: float
    seen: float


def recent(ends: tuple[float, ...], now: float) -> tuple[float, ...]:
    """Return those of the ends that count at `now` for whether an alert is restless."""
    return tuple(end for end in ends if now - end < RESTLESS_SPAN)


def entry_of(alert: Alert) -> Entry:
    """Return what is told of an alert that fires, or of how it ended."""
    return Entry(
        key=alert.key,
        rule=alert.rule,
        source=alert.source,
        severity=alert.severity,
        summary=alert.summary or f"{alert.metric} {alert.direction} {alert.level_text}".rstrip(),
        at=alert.resolved_at or alert.since or 0.0,
        since=alert.since or 0.0,
        value=alert.value_text,
        runbook=alert.runbook,
        known=alert.resolved_at is None or alert.state is not AlertState.UNKNOWN,
    )
