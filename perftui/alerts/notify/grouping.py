"""Which alerts a route takes, and which of them it is told together."""

from perftui.alerts.notify.incident import Group
from perftui.config.notify import Route
from perftui.core.alert import Alert
from perftui.core.matcher import matches


def takes(name: str, route: Route, alert: Alert) -> bool:
    """Return whether the route `name` is told of an alert: the rule may name its routes, the route its alerts."""
    if alert.notify and name not in alert.notify:
        return False
    return alert.severity in route.severities and (not route.matchers or matches(route.matchers, alert.labels))


def group_of(route: Route, alert: Alert) -> Group:
    """Return the group of an alert: a label that it lacks has the empty value."""
    if route.group_by == ("source",):  # the usual case, without the table of all labels
        return (alert.source,)
    labels = alert.labels
    return tuple(labels.get(name, "") for name in route.group_by)
