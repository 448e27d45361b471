"""What watching costs, once a minute: a line of the agent's own figures, and one for each source that was slow."""

import time
from collections.abc import Collection

from perftui.agent.log import PERFORMANCE, say
from perftui.core.clock import Clock
from perftui.core.reading import Reading
from perftui.core.status import SourceStatus
from perftui.engine.meter import Meter

REPORT_EVERY = 60.0


class PerformanceLog:
    """Counts for a minute, then logs; `every` is the pace in seconds at which `tick` is called."""

    def __init__(self, clock: Clock, every: float = 1.0) -> None:
        self._clock = clock
        self._every = every
        self._ticked = self._reported = clock.monotonic()
        self._cpu = time.process_time()
        self._worst_lag = 0.0
        self._polls: dict[str, int] = {}
        self._slow: dict[str, list[float]] = {}

    def observe(self, reading: Reading, interval: float) -> None:
        """Take in what a poll brought; it is slow when it took longer than its interval (seconds)."""
        if reading.duration > interval:
            self._slow.setdefault(reading.source, []).append(reading.duration)

    def tick(self, statuses: Collection[SourceStatus], series: int, consoles: int) -> None:
        """Take in how all sources are doing; log when a minute is over."""
        now = self._clock.monotonic()
        self._worst_lag = max(self._worst_lag, now - self._ticked - self._every)
        self._ticked = now
        if now - self._reported >= REPORT_EVERY:
            self._report(now, statuses, series, consoles)

    def _report(self, now: float, statuses: Collection[SourceStatus], series: int, consoles: int) -> None:
        cpu, polls = time.process_time(), {status.name: status.polls for status in statuses}
        say(
            PERFORMANCE,
            "agent",
            cpu_ratio=round((cpu - self._cpu) / (now - self._reported), 4),
            rss_bytes=Meter.resident_bytes(),
            worst_lag_seconds=round(self._worst_lag, 3),
            sources=len(polls),
            series=series,
            polls=sum(max(0, count - self._polls.get(name, 0)) for name, count in polls.items()),
            consoles=consoles,
        )
        for source, durations in self._slow.items():
            say(PERFORMANCE, "slow polls", source=source, polls=len(durations), worst_seconds=round(max(durations), 3))
        self._reported, self._cpu, self._polls, self._worst_lag, self._slow = now, cpu, polls, 0.0, {}
