"""Who is told: incidents into the outbox, the outbox through couriers to the routes, and Alertmanagers kept in step."""

import asyncio
import platform
import random
from collections.abc import Callable, Mapping, Sequence

import msgspec

from perftui.alerts.desk import Desk
from perftui.alerts.kept import Kept
from perftui.alerts.notify.alertmanager.peers import Alertmanagers
from perftui.alerts.notify.courier import Courier
from perftui.alerts.notify.incidents import Incidents
from perftui.alerts.notify.notification import Notification
from perftui.alerts.notify.outbox import Outbox
from perftui.config.notify import Route
from perftui.core.alert import Alert
from perftui.core.clock import Clock
from perftui.core.text import clean
from perftui.core.wire import Delivery

NO_ROUTE = "no [notify] route is configured"


class Dispatch:
    """Sees to it that every route learns of what fires, as judged; `off` says why this agent tells nobody.

    `changed` is called when an Alertmanager gave other silences than before, or the problems are others.
    """

    def __init__(
        self,
        routes: Mapping[str, Route],
        desk: Desk,
        clock: Clock,
        told: Callable[[Notification, str], None],
        *,
        changed: Callable[[], None],
        off: str,
    ) -> None:
        host = clean(platform.node(), 64)
        self._off = off
        self._routes = {} if off else dict(routes)
        self._incidents = Incidents(self._routes, clock, host)
        self._outbox = Outbox(clock, random.Random())
        self._courier = Courier(self._outbox, self._routes, told, changed=changed)
        self._alertmanagers = Alertmanagers(self._routes, desk, clock, host, changed)

    @property
    def kept(self) -> tuple[Kept, ...]:
        """The parts that survive a restart; none where nobody is told, so that what waits there goes on waiting."""
        return () if self._off else (self._incidents, self._outbox)

    def use(self, routes: Mapping[str, Route]) -> None:
        """Go over to other routes."""
        self._routes = {} if self._off else dict(routes)
        self._incidents.use(self._routes)
        self._courier.use(self._routes)
        self._alertmanagers.use(self._routes)

    def step(self, firing: Sequence[Alert], ended: Sequence[Alert]) -> bool:
        """Take what fires and what ended since the last step; return whether there is something new to be sent."""
        if not self._routes:
            return False
        news = self._incidents.step(firing, ended)
        for notification in news:
            self._outbox.add(notification)
        self._alertmanagers.take(firing, ended)
        return bool(news)

    def release(self) -> None:
        """Let go out what is on disk."""
        self._outbox.release()
        self._courier.wake()

    def notes(self, key: str) -> tuple[str, ...]:
        """Return what became of telling the routes of an alert, a line each."""
        return self._incidents.notes(key, self._outbox.held)

    def delivery(self) -> Delivery:
        """Return how telling gets on."""
        delivery = self._outbox.delivery(self._off or ("" if self._routes else NO_ROUTE))
        problems = (*delivery.problems, *self._courier.problems, *self._alertmanagers.problems)
        return msgspec.structs.replace(delivery, problems=problems)

    async def run(self) -> None:
        """Carry out what waits, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._courier.run(), name="courier")
            tasks.create_task(self._alertmanagers.run(), name="alertmanagers")
