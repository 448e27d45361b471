"""Carries the outbox out: one task for each route, in order, again and again until the receiver has it."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from functools import partial

from perftui.alerts.notify.isolation import Defects, go_on
from perftui.alerts.notify.notification import Notification
from perftui.alerts.notify.outbox import Outbox
from perftui.alerts.notify.sender import Sender, attempt, sender_of
from perftui.config.notify import Route
from perftui.core.errors import NotifyError


class Courier:
    """Owns a task for each route; `told` is called after each attempt, with why it failed, or "" when it did not.

    `changed` is called when `problems` changes.
    """

    def __init__(
        self,
        outbox: Outbox,
        routes: Mapping[str, Route],
        told: Callable[[Notification, str], None],
        sender_of: Callable[[Route], Sender] = sender_of,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._outbox = outbox
        self._told = told
        self._sender_of = sender_of
        self._defects = Defects(changed)
        self._wanted = dict(routes)
        self._served: dict[str, Route] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._bells: dict[str, asyncio.Event] = {}
        self._changed = asyncio.Event()

    @property
    def problems(self) -> tuple[str, ...]:
        """Return a line for each route that a defect of ours keeps from being told."""
        return self._defects.problems

    def use(self, routes: Mapping[str, Route]) -> None:
        """Go over to other routes; what waits for those that are gone is dropped."""
        self._wanted = dict(routes)
        self._changed.set()

    def wake(self) -> None:
        """Look into the outbox now."""
        for bell in self._bells.values():
            bell.set()

    async def run(self) -> None:
        """Send until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                await self._end_unwanted()
                self._outbox.use(self._wanted)
                for name, route in self._wanted.items():
                    if name not in self._tasks:
                        self._start(tasks, name, route)
                await self._changed.wait()

    def _start(self, tasks: asyncio.TaskGroup, name: str, route: Route) -> None:
        if not route.alertmanager:
            self._served[name] = route
            self._bells[name] = asyncio.Event()
            serving = go_on(partial(self._serve, name, route), partial(self._defects.note, name))
            self._tasks[name] = tasks.create_task(serving, name=f"notify {name}")

    async def _end_unwanted(self) -> None:
        unwanted = [name for name, route in self._served.items() if self._wanted.get(name) != route]
        for name in unwanted:
            self._tasks[name].cancel()
        for name in unwanted:
            await asyncio.wait({self._tasks[name]})
            del self._tasks[name], self._bells[name], self._served[name]
            self._defects.note(name, "")

    async def _serve(self, name: str, route: Route) -> None:
        """Send what may be sent, then wait for more."""
        sender = self._sender_of(route)
        self._bells[name].clear()
        while (notification := self._outbox.take(name)) is not None:
            await self._send(notification, sender)
        wait = self._outbox.wait(name)
        self._defects.note(name, "")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._bells[name].wait()

    async def _send(self, notification: Notification, sender: Sender) -> None:
        try:
            await attempt(sender, notification)
        except asyncio.CancelledError:
            self._outbox.put_back(notification)
            raise
        except NotifyError as error:
            self._outbox.failed(notification, error)
            self._told(notification, str(error))
        else:
            self._outbox.sent(notification)
            self._told(notification, "")
