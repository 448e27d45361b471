"""The Alertmanagers of the configuration, each kept in step by a task of its own: a slow one delays no other."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from perftui.alerts.desk import Desk
from perftui.alerts.notify.alertmanager.sync import AlertmanagerSync
from perftui.config.notify import Route
from perftui.connect.alertmanager import Alertmanager
from perftui.core.alert import Alert
from perftui.core.clock import Clock

EVERY = 15.0
"""Seconds between two exchanges, unless something changed."""


class Alertmanagers:
    """Tells each of them what fires, and takes its silences."""

    def __init__(self, routes: Mapping[str, Route], desk: Desk, clock: Clock, host: str) -> None:
        self._desk = desk
        self._clock = clock
        self._host = host
        self._firing: Sequence[Alert] = ()
        self._peers: dict[str, _Peer] = {}
        self._wanted = dict(routes)
        self._changed = asyncio.Event()

    @property
    def problems(self) -> tuple[str, ...]:
        """Return a line for each that does not work."""
        return tuple(peer.sync.problem for peer in self._peers.values() if peer.sync.problem)

    def use(self, routes: Mapping[str, Route]) -> None:
        """Go over to other routes."""
        self._wanted = dict(routes)
        self._changed.set()

    def take(self, firing: Sequence[Alert], ended: Sequence[Alert]) -> None:
        """Take in what fires and what ended; a change is told at once."""
        changed = bool(ended) or {alert.key for alert in firing} != {alert.key for alert in self._firing}
        self._firing = firing
        for peer in self._peers.values():
            peer.ended += ended
            if changed:
                peer.bell.set()

    async def run(self) -> None:
        """Exchange until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                routes = {name: route for name, route in self._wanted.items() if route.alertmanager}
                for name in [name for name, peer in self._peers.items() if routes.get(name) != peer.route]:
                    self._end(name)
                for name in routes.keys() - self._peers.keys():
                    peer = self._peers[name] = self._peer(name, routes[name])
                    peer.task = tasks.create_task(self._exchange(peer), name=f"alertmanager {name}")
                await self._changed.wait()

    def _peer(self, name: str, route: Route) -> "_Peer":
        client = Alertmanager(route.alertmanager, route.token, self._clock)
        return _Peer(route, AlertmanagerSync(name, route, client, self._desk, self._clock, self._host))

    def _end(self, name: str) -> None:
        peer = self._peers.pop(name)
        self._desk.take_foreign(name, ())
        if peer.task is not None:
            peer.task.cancel()

    async def _exchange(self, peer: "_Peer") -> None:
        try:
            while True:
                ended, peer.ended = peer.ended, []
                await peer.sync.step(self._firing, ended)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(EVERY):
                        await peer.bell.wait()
                peer.bell.clear()
        finally:
            await peer.sync.close()


class _Peer:
    """One Alertmanager, what it has not been told yet of what ended, and its task."""

    def __init__(self, route: Route, sync: AlertmanagerSync) -> None:
        self.route = route
        self.sync = sync
        self.ended: list[Alert] = []
        self.bell = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
