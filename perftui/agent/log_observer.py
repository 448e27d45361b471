"""Writes what the engine does into the log files."""

from collections.abc import Collection, Sequence

from perftui.agent.log import say_defect
from perftui.agent.log_events import AlertLog, SourceLog
from perftui.agent.log_performance import PerformanceLog
from perftui.alerts.notify.notification import Notification
from perftui.core.alert import Alert
from perftui.core.clock import Clock
from perftui.core.reading import Reading
from perftui.core.status import SourceStatus
from perftui.engine.observer import EngineObserver


class LogObserver(EngineObserver):
    """Hands each event to the log that it belongs to."""

    def __init__(self, clock: Clock) -> None:
        self._sources = SourceLog(clock)
        self._alerts = AlertLog(clock)
        self._performance = PerformanceLog(clock)

    def judged(self, firing: Sequence[Alert], ended: Sequence[Alert]) -> None:
        """Log what fires anew, changed or ended."""
        self._alerts.observe(firing, ended)

    def told(self, notification: Notification, problem: str) -> None:
        """Log what a route took, or did not."""
        if problem:
            self._alerts.not_notified(notification, problem)
        else:
            self._alerts.notified(notification)

    def polled(self, reading: Reading, interval: float) -> None:
        """Count slow polls."""
        self._performance.observe(reading, interval)

    def watched(self, statuses: Collection[SourceStatus], series: int, consoles: int) -> None:
        """Log sources that begin to fail or recover, and once a minute what watching costs."""
        for status in statuses:
            self._sources.observe(status)
        self._performance.tick(statuses, series, consoles)

    def forgot(self, source: str) -> None:
        """Forget its trouble, too."""
        self._sources.forget(source)

    def broke(self, what: str, error: BaseException) -> None:
        """Log a defect with where it was raised."""
        say_defect(what, error)
