"""From alerts to notifications: for each route what it has to be told now, and nothing twice."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from perftui.alerts.kept import Changes, Outage, Rows
from perftui.alerts.notify.acked import Acked
from perftui.alerts.notify.incident import Cooldown, Incident
from perftui.alerts.notify.notification import Conversation, Notification
from perftui.alerts.notify.route_incidents import COOLDOWN, INCIDENT, RouteIncidents
from perftui.config.notify import Route
from perftui.core.alert import Alert
from perftui.core.clock import Clock

T = TypeVar("T", Incident, Cooldown)


class Incidents:
    """All routes but those of Alertmanagers, which group and repeat by themselves."""

    def __init__(self, routes: Mapping[str, Route], clock: Clock, host: str) -> None:
        self._clock = clock
        self._host = host
        self._acked = Acked()
        self._routes: dict[str, RouteIncidents] = {}
        self._changes: Changes = {}
        self.use(routes)

    def use(self, routes: Mapping[str, Route]) -> None:
        """Go over to other routes: those that are still there go on, the incidents of the others go."""
        wanted = {name: route for name, route in routes.items() if not route.alertmanager}
        for name in self._routes.keys() - wanted.keys():
            self._changes |= self._routes.pop(name).forget()
        for name, route in wanted.items():
            if name in self._routes:
                self._routes[name].route = route
            else:
                self._routes[name] = RouteIncidents(name, route, self._clock, self._host, self._acked)

    def step(self, firing: Sequence[Alert], ended: Sequence[Alert]) -> list[Notification]:
        """Take all that fires, judged, and what ended since the last step; return what is to be sent now."""
        if not self._routes:
            return []
        firing_by_key = {alert.key: alert for alert in firing}
        self._acked.look(firing_by_key.items())
        ended_by_key = {alert.key: alert for alert in ended}
        return [each for route in self._routes.values() for each in route.step(firing_by_key, ended_by_key)]

    def notes(self, key: str, held: Container[Conversation] = ()) -> tuple[str, ...]:
        """Return what became of telling the routes of this alert, a line each; `held` has what is not delivered yet."""
        return tuple(note for route in self._routes.values() if (note := route.note(key, held)))

    def take_changes(self) -> Changes:
        """Return what changed since the last call."""
        changes, self._changes = self._changes, {}
        for route in self._routes.values():
            changes |= route.take_changes()
        return changes

    def restore(self, rows: Rows, outage: Outage) -> None:
        """Take back what was kept; what cannot be read, or is of a route that is gone, is dropped."""
        for incident in self._kept(rows, INCIDENT, Incident, outage):
            self._routes[incident.route].take_back(incident)
        for cooldown in self._kept(rows, COOLDOWN, Cooldown, outage):
            self._routes[cooldown.route].take_back_cooldown(cooldown)

    def _kept(self, rows: Rows, kind: str, struct: type[T], outage: Outage) -> Iterable[T]:
        for key, body in rows.get(kind, {}).items():
            try:
                kept = msgspec.msgpack.decode(body, type=struct)
            except msgspec.MsgspecError:
                self._changes[kind, key] = None
                continue
            if kept.route not in self._routes:
                self._changes[kind, key] = None
                continue
            kept.shift(outage.shift)
            if outage.shift:
                self._changes[kind, key] = kept  # the next outage is counted from this clock
            yield kept
