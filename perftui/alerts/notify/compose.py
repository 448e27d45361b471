"""Makes the notification of an incident: ordered, bounded, and worded."""

from collections.abc import Iterable

from perftui.alerts.notify import wording
from perftui.alerts.notify.incident import Incident
from perftui.alerts.notify.notification import Entry, Notification

MOST_NAMED = 20
"""Alerts that one notification names; more than that nobody reads."""
ENDS_NAMED = 5
"""How many of those are kept for what ended, however much fires."""


def composed(
    incident: Incident, *, firing: Iterable[Entry], ended: Iterable[Entry], again: bool, host: str, created: float
) -> Notification:
    """Return the notification of what fires and what ended; `again` when the route has heard all that fires before."""
    firing, ended = _worst_first(firing), _worst_first(ended)
    resolved = not incident.members
    named_ends = ended[: max(ENDS_NAMED, MOST_NAMED - len(firing))]
    named = firing[: MOST_NAMED - len(named_ends)]
    return Notification(
        route=incident.route,
        dedup_key=incident.dedup_key,
        sequence=incident.sequence,
        resolved=resolved,
        severity=(firing or ended)[0].severity,
        title=wording.title(firing, ended, resolved=resolved, again=again),
        host=host,
        created=created,
        firing=tuple(named),
        ended=tuple(named_ends),
        more=len(firing) + len(ended) - len(named) - len(named_ends),
    )


def _worst_first(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (-entry.severity.rank, entry.at, entry.key))
