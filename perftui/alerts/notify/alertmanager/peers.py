"""The Alertmanagers of the configuration, each kept in step by a task of its own: a slow one delays no other."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from perftui.alerts.desk import Desk
from perftui.alerts.notify.alertmanager.push import is_inhibited
from perftui.alerts.notify.alertmanager.sync import AlertmanagerSync
from perftui.alerts.notify.isolation import Defects, go_on
from perftui.config.notify import Route
from perftui.connect.alertmanager import Alertmanager
from perftui.core.alert import Alert, Severity, Silence
from perftui.core.clock import Clock

EVERY = 5.0
"""Seconds between two looks at what is due, unless something changed; the exchange itself is paced by its parts."""
MOST_ENDED = 500
"""Alerts that ended while an exchange took its time; of more, those that were told there end by being told no more."""


class Alertmanagers:
    """Tells each of them what fires, and takes its silences.

    `on_change` is called when an exchange brought other silences or problems than there were.
    """

    def __init__(
        self, routes: Mapping[str, Route], desk: Desk, clock: Clock, host: str, on_change: Callable[[], None]
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._host = host
        self._on_change = on_change
        self._defects = Defects(on_change)
        self._firing: Sequence[Alert] = ()
        self._faces: frozenset[tuple[str, Severity]] = frozenset()
        self._peers: dict[str, _Peer] = {}
        self._wanted = dict(routes)
        self._changed = asyncio.Event()

    @property
    def problems(self) -> tuple[str, ...]:
        """Return a line for each that does not work."""
        said = (peer.sync.problem for peer in self._peers.values() if peer.sync.problem)
        return (*said, *self._defects.problems)

    def use(self, routes: Mapping[str, Route]) -> None:
        """Go over to other routes."""
        self._wanted = dict(routes)
        self._changed.set()

    def take(self, firing: Sequence[Alert], ended: Sequence[Alert]) -> None:
        """Take in what fires and what ended; a change is told at once."""
        self._firing = firing
        if not self._peers:
            return
        # Its severity makes it another alert there; one that follows from another is none.
        faces = frozenset((alert.key, alert.severity) for alert in firing if not is_inhibited(alert))
        is_news = bool(ended) or faces != self._faces
        self._faces = faces
        for peer in self._peers.values():
            peer.ended.extend(ended)
            if is_news:
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
                    peer.task = tasks.create_task(self._serve(name, peer), name=f"alertmanager {name}")
                await self._changed.wait()

    def _peer(self, name: str, route: Route) -> "_Peer":
        client = Alertmanager(route.alertmanager, route.token, self._clock)
        return _Peer(route, AlertmanagerSync(name, route, client, self._desk, self._clock, self._host))

    def _end(self, name: str) -> None:
        peer = self._peers.pop(name)
        self._desk.take_foreign(name, ())
        self._defects.note(name, "")
        self._on_change()
        if peer.task is not None:
            peer.task.cancel()

    async def _serve(self, name: str, peer: "_Peer") -> None:
        try:
            await go_on(partial(self._exchange, name, peer), partial(self._defects.note, name))
        finally:
            with contextlib.suppress(Exception):  # a connection that cannot be closed is gone all the same
                await peer.sync.close()

    async def _exchange(self, name: str, peer: "_Peer") -> None:
        """Exchange what is due, then wait for more."""
        peer.bell.clear()
        ended = tuple(peer.ended)
        peer.ended.clear()
        before = self._seen(peer)
        await peer.sync.step(self._firing, ended)
        self._defects.note(name, "")
        if self._seen(peer) != before:
            self._on_change()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EVERY):
                await peer.bell.wait()

    def _seen(self, peer: "_Peer") -> tuple[str, list[Silence]]:
        """Return what screens show of it; when a silence expires is by our clock, and reckoned anew each time."""
        return peer.sync.problem, [msgspec.structs.replace(silence, expires=0.0) for silence in self._desk.silences]


class _Peer:
    """One Alertmanager, what it has not been told yet of what ended, and its task."""

    def __init__(self, route: Route, sync: AlertmanagerSync) -> None:
        self.route = route
        self.sync = sync
        self.ended: deque[Alert] = deque(maxlen=MOST_ENDED)
        self.bell = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
