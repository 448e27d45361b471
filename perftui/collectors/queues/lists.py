"""A plain Redis list used as a queue: how long it is, and which way that goes.

One LLEN a poll. Entries carry no time and nobody counts them, so age, arrivals and completions cannot be known.
"""

from perftui.collectors.queues.trend import Trend
from perftui.collectors.redis_session import Batch, Reply
from perftui.core.reading import ReadingBuilder
from perftui.core.text import clean


class ListQueue:
    """One list, by its key."""

    def __init__(self, key: str) -> None:
        self.label = clean(key, 120)
        self._key = key
        self._trend = Trend()
        self._length = Reply()

    def forget(self) -> None:
        """Drop the past."""
        self._trend.forget()

    def ask(self, batch: Batch) -> None:
        """Ask for its length."""
        self._length = batch.ask("LLEN", self._key)

    def report(self, builder: ReadingBuilder) -> None:
        """Add its samples; a list that does not exist is an empty one."""
        if self._length.error is not None:
            self._trend.forget()
            builder.deny(f"queue {self.label}", clean(str(self._length.error), 120))
            return
        depth = float(self._length.value)
        self._trend.add(builder.started, depth)
        pairs = {"queue": self.label, "kind": "list"}
        builder.add("queue.depth", depth, **pairs)
        builder.add("queue.change", self._trend.slope, **pairs)
        builder.add("queue.drain_time", self._trend.drain_time, **pairs)
