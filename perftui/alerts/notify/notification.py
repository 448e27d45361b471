"""One message to one route, complete and ready to be sent, however often it takes."""

import msgspec

from perftui.core.alert import Severity

Conversation = tuple[str, str]
"""A route, and the `dedup_key` of what it is told about."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One alert in a notification. `at` is wall seconds: when it fired, or ended; `since` when it fired, 0 if unknown.

    `known` is False for one that ended because nobody looks any more: how it is now, nobody knows.
    """

    key: str
    rule: str
    source: str
    severity: Severity
    summary: str
    at: float
    value: str = ""
    runbook: str = ""
    known: bool = True
    since: float = 0.0


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What a route is told.

    `dedup_key` is the same from the first notification of an incident to the one that ends it; with `sequence` it names
    this message: whoever gets the same pair twice got a duplicate.
    """

    route: str
    dedup_key: str
    sequence: int
    resolved: bool
    severity: Severity
    title: str
    host: str
    created: float
    firing: tuple[Entry, ...] = ()
    ended: tuple[Entry, ...] = ()
    more: int = 0
    """Alerts of which there are too many to be named."""

    @property
    def id(self) -> str:
        """Return the name of this message."""
        return f"{self.dedup_key}#{self.sequence}"
