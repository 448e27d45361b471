"""Who looks on while the engine works; by itself it does nothing with what it sees."""

from collections.abc import Collection

from perftui.alerts.observer import AlertObserver
from perftui.core.reading import Reading
from perftui.core.status import SourceStatus


class EngineObserver(AlertObserver):
    """Is told of polls, sources and defects as they happen."""

    def polled(self, reading: Reading, interval: float) -> None:
        """See what a poll brought, and how often (seconds) that source is polled."""

    def watched(self, statuses: Collection[SourceStatus], series: int, consoles: int) -> None:
        """See, once a second, how all sources do."""

    def forgot(self, source: str) -> None:
        """See that a source is no longer watched."""

    def broke(self, what: str, error: BaseException) -> None:
        """See a defect that ended a task."""
