"""Carries the outbox out: one task for each route, in order, again and again until the receiver has it."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping

from perftui.alerts.notify.notification import Notification
from perftui.alerts.notify.outbox import Outbox
from perftui.alerts.notify.sender import Sender, attempt, sender_of
from perftui.config.notify import Route
from perftui.core.errors import NotifyError


class Courier:
    """Owns a task for each route; `told` is called after each attempt, with why it failed, or "" when it did not."""

    def __init__(
        self,
        outbox: Outbox,
        routes: Mapping[str, Route],
        told: Callable[[Notification, str], None],
        sender_of: Callable[[Route], Sender | None] = sender_of,
    ) -> None:
        self._outbox = outbox
        self._told = told
        self._sender_of = sender_of
        self._wanted = dict(routes)
        self._served: dict[str, Route] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._bells: dict[str, asyncio.Event] = {}
        self._changed = asyncio.Event()

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
        sender = self._sender_of(route)
        if sender is not None:
            self._served[name] = route
            self._bells[name] = asyncio.Event()
            self._tasks[name] = tasks.create_task(self._serve(name, sender), name=f"notify {name}")

    async def _end_unwanted(self) -> None:
        unwanted = [name for name, route in self._served.items() if self._wanted.get(name) != route]
        for name in unwanted:
            self._tasks[name].cancel()
        for name in unwanted:
            await asyncio.wait({self._tasks[name]})
            del self._tasks[name], self._bells[name], self._served[name]

    async def _serve(self, name: str, sender: Sender) -> None:
        while True:
            self._bells[name].clear()
            notification = self._outbox.take(name)
            if notification is not None:
                await self._send(notification, sender)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._outbox.wait(name)):
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
