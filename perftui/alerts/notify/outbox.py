"""What waits to be sent: bounded, kept on disk before it goes out, in order for each route."""

import random
from collections import defaultdict
from collections.abc import Iterable

import msgspec

from perftui.alerts.kept import Changes, Outage, Rows
from perftui.alerts.notify.notification import Conversation, Notification
from perftui.alerts.notify.sender import Refusal
from perftui.core.clock import Clock
from perftui.core.errors import NotifyError
from perftui.core.text import clean
from perftui.core.units import seconds
from perftui.core.wire import Delivery

KIND = "outbox"
CAPACITY = 200
"""Notifications that wait for one route: a route that is dead takes no room from the others."""
BACKOFF = 1.0
LONGEST_BACKOFF = 300.0
JITTER = 0.25
"""Waits vary by this share, so that many hosts do not come back to one receiver at the same moment."""
LONGEST_RETRY_AFTER = 3600.0
"""However long a receiver asks us to wait: what it will not take within the hour is tried again then."""
GIVE_UP = 24 * 3600.0


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """A notification in the queue since `added`, in monotonic seconds."""

    notification: Notification
    added: float


class Attempts:
    """How it stands with one route: failures in a row, since when, when it is tried again, and why."""

    def __init__(self) -> None:
        self.failures = 0
        self.since = 0.0
        self.retry_at = 0.0
        self.error = ""
        self.is_refusal = False


class Outbox:
    """A queue for each route; its rows are numbered, so that they sort in order."""

    def __init__(self, clock: Clock, dice: random.Random) -> None:
        self._clock = clock
        self._dice = dice
        self._queues: defaultdict[str, dict[str, Queued]] = defaultdict(dict)
        """Route → key → what waits, in order."""
        self._handed: set[str] = set()
        self._released: set[str] = set()
        self._sending: set[str] = set()
        self._sent: set[str] = set()
        self._sent_handed: set[str] = set()
        self._changes: Changes = {}
        self._attempts: defaultdict[str, Attempts] = defaultdict(Attempts)
        self._held: frozenset[Conversation] | None = None
        self._next = 0
        self.sent_count = 0
        self.dropped_count = 0

    @property
    def held(self) -> frozenset[Conversation]:
        """Return of which conversations something has not been delivered yet; asked for each alert, so remembered."""
        if self._held is None:
            self._held = frozenset(
                (route, queued.notification.dedup_key)
                for route, queue in self._queues.items()
                for queued in queue.values()
            )
        return self._held

    def add(self, notification: Notification) -> None:
        """Take one in; when its route has too many, one that a later one makes superfluous goes, else the oldest."""
        self._held = None
        key = f"{self._next:012d}"
        self._next += 1
        queued = Queued(notification=notification, added=self._clock.monotonic())
        self._queues[notification.route][key] = self._changes[KIND, key] = queued
        self._bound(notification.route)

    def release(self) -> None:
        """Allow what take_changes() has handed over to be sent: it is on disk, and that what was sent is sent, too."""
        self._released |= self._handed
        self._handed.clear()
        self._sent -= self._sent_handed
        self._sent_handed.clear()

    def use(self, routes: Iterable[str]) -> None:
        """Drop what is for routes that are gone."""
        wanted = set(routes)
        for route in self._queues.keys() - wanted:
            for key in list(self._queues[route]):
                self._remove(route, key)
            del self._queues[route]
        for name in self._attempts.keys() - wanted:
            del self._attempts[name]

    def wait(self, route: str) -> float | None:
        """Return for how many seconds the next for `route` has to wait; None when there is none.

        None, too, while it is not on disk that the one before it was sent: a kill repeats one message at most.
        """
        self._give_up(route)
        if route in self._sent or self._head(route) is None:
            return None
        return max(0.0, self._attempts[route].retry_at - self._clock.monotonic())

    def take(self, route: str) -> Notification | None:
        """Return the next for `route` and note that it is being sent; None while there is none, or it has to wait."""
        if self.wait(route) != 0.0:
            return None
        key = self._head(route)
        assert key is not None
        self._sending.add(key)
        return self._queues[route][key].notification

    def sent(self, notification: Notification) -> None:
        """Note that a route took it."""
        if key := self._being_sent(notification):
            self._remove(notification.route, key)
            self._sent.add(notification.route)
            self._sent_handed.discard(notification.route)
        self.sent_count += 1
        self._attempts.pop(notification.route, None)

    def put_back(self, notification: Notification) -> None:
        """Note that sending it was broken off, through no fault of the route."""
        self._sending.discard(self._being_sent(notification) or "")

    def failed(self, notification: Notification, error: NotifyError) -> None:
        """Note that a route did not take it: it is tried again after a while that grows, or that the route named."""
        self.put_back(notification)
        now = self._clock.monotonic()
        attempts = self._attempts[notification.route]
        if not attempts.failures:
            attempts.since = now
        wait = min(LONGEST_BACKOFF, BACKOFF * 2.0 ** min(attempts.failures, 20))
        wait *= self._dice.uniform(1.0 - JITTER, 1.0 + JITTER)
        asked = min(error.retry_after or 0.0, LONGEST_RETRY_AFTER)
        attempts.failures += 1
        attempts.retry_at = now + max(wait, asked)
        attempts.error = clean(str(error), 200)
        attempts.is_refusal = isinstance(error, Refusal)

    def delivery(self, off: str = "") -> Delivery:
        """Return how it stands, for the screen; `off` says why nothing is sent."""
        waiting = {route: len(queue) for route, queue in self._queues.items()}
        return Delivery(
            off=off,
            waiting=sum(waiting.values()),
            sent=self.sent_count,
            dropped=self.dropped_count,
            problems=tuple(
                self._problem(route, attempts, waiting.get(route, 0))
                for route, attempts in sorted(self._attempts.items())
                if attempts.failures
            ),
        )

    def take_changes(self) -> Changes:
        """Return what changed since the last call."""
        changes, self._changes = self._changes, {}
        self._handed |= {key for (_, key), kept in changes.items() if kept is not None}
        self._sent_handed |= self._sent
        return changes

    def restore(self, rows: Rows, outage: Outage) -> None:
        """Take back what was kept, in front of anything new; a row that cannot be read is dropped."""
        fresh = [queued for queue in self._queues.values() for queued in queue.values()]
        self._held = None
        self._queues.clear()
        self._changes = {}
        self._handed.clear()
        self._released.clear()
        for key, body in sorted(rows.get(KIND, {}).items()):
            try:
                kept = msgspec.msgpack.decode(body, type=Queued)
                self._next = max(self._next, int(key) + 1)
            except (msgspec.MsgspecError, ValueError):
                self._changes[KIND, key] = None
                continue
            queued = msgspec.structs.replace(kept, added=kept.added + outage.shift)
            self._queues[kept.notification.route][key] = queued
            if outage.shift:
                self._changes[KIND, key] = queued
            self._released.add(key)
            self._bound(kept.notification.route)
        for queued in fresh:
            self.add(queued.notification)

    def _head(self, route: str) -> str | None:
        """Return the key of the first for `route`, None when there is none or it is not on disk yet."""
        first = next(iter(self._queues[route]), None)
        return first if first in self._released else None

    def _being_sent(self, notification: Notification) -> str | None:
        queue = self._queues[notification.route]
        return next((key for key in self._sending & queue.keys() if queue[key].notification is notification), None)

    def _bound(self, route: str) -> None:
        """Drop one where there are too many: the oldest of which the same incident has a later one, else the oldest."""
        queue = self._queues[route]
        if len(queue) <= CAPACITY:
            return
        idle = [key for key in queue if key not in self._sending]
        latest = {queued.notification.dedup_key: key for key, queued in queue.items()}
        superseded = (key for key in idle if latest[queue[key].notification.dedup_key] != key)
        self._drop(route, next(superseded, idle[0]))

    def _give_up(self, route: str) -> None:
        oldest = self._clock.monotonic() - GIVE_UP
        late = [
            key for key, queued in self._queues[route].items() if queued.added <= oldest and key not in self._sending
        ]
        for key in late:
            self._drop(route, key)

    def _drop(self, route: str, key: str) -> None:
        self.dropped_count += 1
        self._remove(route, key)

    def _remove(self, route: str, key: str) -> None:
        self._held = None
        del self._queues[route][key]
        self._changes[KIND, key] = None
        for keys in (self._handed, self._released, self._sending):
            keys.discard(key)

    def _problem(self, route: str, attempts: Attempts, waiting: int) -> str:
        if attempts.is_refusal:
            return f"{route}: refused, {attempts.error}, {waiting} waiting"
        away = seconds(round(self._clock.monotonic() - attempts.since))
        return f"{route}: not reached for {away} ({attempts.error}), {waiting} waiting"
