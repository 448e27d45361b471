"""The hub: the latest state of every topic, handed out to subscribers that each go at their own pace."""

import asyncio
from collections.abc import Iterable

import msgspec

_NOTHING = msgspec.Raw(b"null")


def matches(pattern: str, topic: str) -> bool:
    """Return whether `topic` is meant by `pattern`; a `*` at its end stands for any rest."""
    return topic.startswith(pattern[:-1]) if pattern.endswith("*") else topic == pattern


class Subscriber:
    """One console's view of the hub: which of its topics changed since it last took them.

    What waits is a set of names, merged: a slow console gets the latest state, never a growing queue. `is_full` is
    true while what waits is the whole state.
    """

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._patterns: tuple[str, ...] = ()
        self._pending: dict[str, None] = {}
        self.is_full = False
        self.ready = asyncio.Event()
        self.urgent = asyncio.Event()

    def subscribe(self, patterns: Iterable[str], *, resync: bool = False) -> None:
        """Replace the topics; the latest state of the new ones waits at once, with `resync` that of all of them."""
        before = set() if resync else {topic for topic in self._hub.topics if self.wants(topic)}
        self.is_full = resync or not self._patterns
        self._patterns = tuple(patterns)
        wanted = [topic for topic in self._hub.topics if self.wants(topic)]
        self._pending = {topic: None for topic in wanted if topic not in before or topic in self._pending}
        if self._pending:
            self.ready.set()
            self.urgent.set()

    def wants(self, topic: str) -> bool:
        """Return whether `topic` is subscribed."""
        return any(matches(pattern, topic) for pattern in self._patterns)

    def notice(self, topic: str, *, urgent: bool) -> None:
        """Remember that `topic` changed; `urgent` when it should not wait for the next regular update."""
        self._pending[topic] = None
        self.ready.set()
        if urgent:
            self.urgent.set()

    def take(self) -> dict[str, msgspec.Raw]:
        """Return the latest state of what changed (null: gone) and forget that it changed."""
        taken = {topic: self._hub.encoded(topic) for topic in self._pending}
        self._pending = {}
        self.is_full = False
        self.ready.clear()
        self.urgent.clear()
        return taken


class Hub:
    """Keeps the latest state of each topic, encoded at most once and only when somebody wants it."""

    def __init__(self) -> None:
        self._latest: dict[str, object] = {}
        self._encoded: dict[str, msgspec.Raw] = {}
        self._subscribers: set[Subscriber] = set()

    @property
    def topics(self) -> list[str]:
        """The topics that have a state."""
        return list(self._latest)

    def sources(self) -> tuple[str, ...]:
        """The sources that there are, by their topics `status/SOURCE`."""
        return tuple(topic.removeprefix("status/") for topic in self._latest if topic.startswith("status/"))

    def publish(self, topic: str, state: object, *, urgent: bool = False) -> None:
        """Replace the state of `topic`."""
        self._latest[topic] = state
        self._changed(topic, urgent=urgent)

    def retract(self, topic: str) -> None:
        """Forget `topic`; subscribers receive null."""
        if self._latest.pop(topic, None) is not None:
            self._changed(topic, urgent=True)

    def _changed(self, topic: str, *, urgent: bool) -> None:
        self._encoded.pop(topic, None)
        for subscriber in self._subscribers:
            if subscriber.wants(topic):
                subscriber.notice(topic, urgent=urgent)

    def encoded(self, topic: str) -> msgspec.Raw:
        """Return the state of `topic` as JSON, null when it has none."""
        if topic not in self._latest:
            return _NOTHING
        raw = self._encoded.get(topic)
        if raw is None:
            raw = self._encoded[topic] = msgspec.Raw(msgspec.json.encode(self._latest[topic]))
        return raw

    def attach(self) -> Subscriber:
        """Return a new subscriber, of no topics yet."""
        subscriber = Subscriber(self)
        self._subscribers.add(subscriber)
        return subscriber

    def detach(self, subscriber: Subscriber) -> None:
        """Forget a subscriber."""
        self._subscribers.discard(subscriber)
