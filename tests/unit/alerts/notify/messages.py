"""Notifications as the tests of what carries them need them."""

from perftui.alerts.notify.notification import Entry, Notification
from perftui.core.alert import Severity


def message(
    number: int = 1,
    incident: str = "fire",
    route: str = "slack",
    severity: Severity = Severity.CRITICAL,
    *,
    resolved: bool = False,
) -> Notification:
    """Return the message `number` of an incident."""
    entry = Entry(
        key="refused/cache-1/",
        rule="refused",
        source="cache-1",
        severity=severity,
        summary="memory is full, 3 writes/s refused",
        at=1_700_000_000.0,
    )
    return Notification(
        route=route,
        dedup_key=incident,
        sequence=number,
        resolved=resolved,
        severity=severity,
        title="critical: cache-1 memory is full, 3 writes/s refused",
        host="web-1",
        created=1_700_000_010.0,
        firing=() if resolved else (entry,),
        ended=(entry,) if resolved else (),
    )
