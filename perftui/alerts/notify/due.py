"""What is due to be told now, and how urgently; groups that come due together are merged into a digest."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import NamedTuple

from perftui.alerts.notify.incident import Group, Incident, Member, Waiting
from perftui.config.notify import Route
from perftui.core.alert import Alert, AlertState, Severity

MOST_AT_ONCE = 2
"""More new groups than this at one moment have one cause: one digest tells it better than a message for each."""
DIGEST_SPAN = 900.0
"""Seconds for which an open digest takes in what follows: so long it counts as the same trouble."""


class Urgency(IntEnum):
    """What goes first where not everything may go at once."""

    FIRST_CRITICAL = 0
    """A trouble that nobody knows of yet: it does not wait behind one that people are at work on."""
    CRITICAL = 1
    NEWS = 2
    ENDS = 3
    REPEAT = 4


class Due(NamedTuple):
    """One conversation that is due; no `incident` yet where it is the first of it. `fresh` are keys of new alerts.

    `closes` is whether it ends its incident. The rate limit does not hold that back: it comes once, for an opening that
    kept to the limit, and a pager that is told late calls people to what is over.
    """

    urgency: Urgency
    since: float
    incident: Incident | None
    fresh: tuple[str, ...] = ()
    digest: bool = False
    closes: bool = False


def needs_telling(alert: Alert | None) -> bool:
    """Return whether an alert fires and nobody has muted or acknowledged it."""
    return alert is not None and not alert.mutes and alert.ack is None


def first_since(waiting: Iterable[Waiting]) -> float:
    """Return since when something of a group waits, in monotonic seconds."""
    return min(each.since for each in waiting)


def of_group(waiting: Mapping[str, Waiting], route: Route, now: float) -> Due | None:
    """Return the first notification of a new group, None while it waits or nothing of it fires just now."""
    firing = {key: each for key, each in waiting.items() if each.seen == now}
    since = first_since(waiting.values())
    if not firing or now < since + route.group_wait:
        return None
    return Due(_urgency(firing.values()), since, None, tuple(firing))


def of_incident(
    incident: Incident, waiting: Mapping[str, Waiting], firing: Mapping[str, Alert], route: Route, now: float
) -> Due | None:
    """Return the news of an open incident, or its repetition, once it is due."""
    fresh = {key: each for key, each in waiting.items() if each.seen == now}
    urgent = [each.since for each in fresh.values() if each.alert.severity is Severity.CRITICAL]
    other = [each.since for each in fresh.values()]
    members = incident.members.values()
    ends = [member.ended_at for member in members if member.ended_at is not None and member.is_over(now)]
    for key, member in incident.members.items():
        if member.risen_at is not None and key in firing:
            other.append(member.risen_at)
            if firing[key].severity is Severity.CRITICAL:
                urgent.append(member.risen_at)
    if _passed(urgent, route.group_wait, now):
        return Due(Urgency.CRITICAL, min(urgent), incident, tuple(fresh))
    if _passed(other, route.group_interval, now):
        return Due(Urgency.NEWS, min(other), incident, tuple(fresh))
    if _passed(ends, route.group_interval, now):
        closes = not fresh and len(ends) == len(members)
        return Due(Urgency.ENDS, min(ends), incident, tuple(fresh), closes=closes)
    if route.repeat and now >= incident.told_at + route.repeat and _repeats(incident.members, firing, route):
        return Due(Urgency.REPEAT, incident.told_at + route.repeat, incident, tuple(fresh))
    return None


def merged(first: list[Due], waiting: Mapping[Group, Mapping[str, Waiting]], open_digest: Incident | None) -> Due:
    """Return one digest instead of several first notifications; it takes in whatever else waits and fires."""
    now = max(each.seen for group in waiting.values() for each in group.values())
    fresh = [key for group in waiting.values() for key, each in group.items() if each.seen == now]
    since = min(due.since for due in first)
    return Due(min(due.urgency for due in first), since, open_digest, tuple(fresh), digest=True)


def _urgency(waiting: Iterable[Waiting]) -> Urgency:
    return Urgency.FIRST_CRITICAL if any(each.alert.severity is Severity.CRITICAL for each in waiting) else Urgency.NEWS


def _passed(since: list[float], wait: float, now: float) -> bool:
    return bool(since) and now >= min(since) + wait


def _repeats(members: Mapping[str, Member], firing: Mapping[str, Alert], route: Route) -> bool:
    """Return whether anything in it is worth telling again: it is known to be bad now, and nobody takes care of it."""
    alerts = (firing.get(key) for key in members)
    return any(
        alert is not None
        and needs_telling(alert)
        and alert.state is AlertState.FIRING
        and alert.well_since is None
        and alert.severity is not Severity.INFO
        and alert.severity in route.severities
        for alert in alerts
    )
