"""How long the server takes over commands, in a window of some seconds.

7.0 and later: `LATENCY HISTOGRAM`, cumulative counts in power-of-two buckets of microseconds a command; the change
of the buckets between two readings gives the quantiles (linear within a bucket, as Prometheus does). It costs the
server 0.8 ms, hence every 5 s, and in between the last window stands. Before 7.0 and in KeyDB: the change of
`INFO commandstats`, which gives a mean only. Time spent blocked (BLPOP) is not part of either.
"""

from typing import Any

from perftui.collectors.every import Every
from perftui.collectors.histogram import Bucket, quantile
from perftui.collectors.redis_info import Info
from perftui.collectors.redis_session import Batch, Reply
from perftui.core.rates import Counters
from perftui.core.reading import ReadingBuilder

PERIOD = 5.0
QUANTILES = (("redis.latency.p95", 0.95), ("redis.latency.p99", 0.99))
OUR_OWN = frozenset({"info", "client|list", "client|setname", "latency|histogram", "slowlog|get", "scan", "auth"})
Histogram = dict[tuple[str, int], int]
"""How many calls of a command took a bucket's time: (command, upper bound in microseconds) -> calls."""


class Latency:
    """Windowed quantiles over every command but those that only monitors use."""

    def __init__(self) -> None:
        self._every = Every(PERIOD)
        self._has_histogram = True
        self._asked: Reply | None = None
        self._before: Histogram | None = None
        self._counters = Counters()
        self._shown: dict[str, float] = {}

    def forget(self) -> None:
        """Drop the last figures, so that no window spans a restart or a lost connection."""
        self._before = None
        self._counters.reset()
        self._shown = {}

    def ask(self, batch: Batch, at: float) -> None:
        """Ask when it is time."""
        self._asked = None
        if self._every.due(at):
            command = ("LATENCY", "HISTOGRAM") if self._has_histogram else ("INFO", "commandstats")
            self._asked = batch.ask(*command)

    def report(self, builder: ReadingBuilder) -> None:
        """Add the figures of the last window; where nothing ran, nothing is added."""
        if self._asked is not None:
            self._shown = self._window(self._asked, builder.started)
        for metric, value in self._shown.items():
            builder.add(metric, value)

    def _window(self, reply: Reply, at: float) -> dict[str, float]:
        if reply.denied:
            return {}
        if not reply.ok:
            self._has_histogram = False
            self._every.hasten()
            return {}
        return self._quantiles(histogram(reply.value)) if self._has_histogram else self._mean(Info(reply.value), at)

    def _quantiles(self, now: Histogram) -> dict[str, float]:
        before, self._before = self._before, now
        if before is None:
            self._every.hasten()
            return {}
        window = in_bounds(growth(before, now))
        figures = ((metric, quantile(part, window)) for metric, part in QUANTILES)
        return {metric: micros / 1e6 for metric, micros in figures if micros is not None}

    def _mean(self, stats: Info, at: float) -> dict[str, float]:
        pairs = [stats.pairs(field) for field in stats.starting("cmdstat_") if field[8:].lower() not in OUR_OWN]
        calls = self._counters.delta("calls", sum(float(each.get("calls", 0)) for each in pairs), at)
        spent = self._counters.delta("usec", sum(float(each.get("usec", 0)) for each in pairs), at)
        if calls is None or spent is None:
            self._every.hasten()
            return {}
        return {"redis.latency.mean": spent.amount / calls.amount / 1e6} if calls.amount else {}


def histogram(reply: list[Any]) -> Histogram:
    """Return the calls of each bucket from `[command, [calls, n, histogram_usec, [bound, up to it, …]], …]`."""
    buckets: Histogram = {}
    for command, (_, _, _, cumulative) in zip(reply[::2], reply[1::2], strict=True):
        name = command.decode("utf-8", "replace")
        below = 0
        for bound, up_to_it in zip(cumulative[::2], cumulative[1::2], strict=True):
            buckets[name, bound] = up_to_it - below
            below = up_to_it
    return {key: calls for key, calls in buckets.items() if key[0] not in OUR_OWN}


def growth(before: Histogram, now: Histogram) -> dict[int, int]:
    """Return the calls since `before` by bucket; nothing at all when one fell or vanished: they were reset."""
    if any(key not in now for key, calls in before.items() if calls):
        return {}
    window: dict[int, int] = {}
    for key, calls in now.items():
        more = calls - before.get(key, 0)
        if more < 0:
            return {}
        window[key[1]] = window.get(key[1], 0) + more
    return window


def in_bounds(window: dict[int, int]) -> list[Bucket]:
    """Return the buckets of a window: each begins at half its upper bound, and empty ones are not told."""
    return [Bucket(bound / 2, bound, calls) for bound, calls in sorted(window.items())]
