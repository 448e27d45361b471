"""How long statements take: windowed quantiles out of MariaDB's QUERY_RESPONSE_TIME plugin.

`information_schema.QUERY_RESPONSE_TIME` has cumulative counts in buckets by upper bound (seconds); the last one is
`TOO LONG`. Counts stay 0 until `query_response_time_stats` is ON. MySQL has nothing as cheap: absent there.
"""

from collections.abc import Iterable
from typing import NamedTuple

from perftui.collectors.histogram import Bucket, quantile
from perftui.connect.mysql import Row
from perftui.core.rates import Counters

QUERY = "SELECT time, count FROM information_schema.query_response_time"


def parse(rows: Iterable[Row]) -> list[Bucket]:
    """Return the buckets, in seconds, each from the bound before it; `TOO LONG` ends the list with infinity."""
    buckets, lower = [], 0.0
    for bound, count in rows:
        text = (bound or b"").strip()
        upper = float("inf") if text.startswith(b"TOO") else float(text)
        buckets.append(Bucket(lower, upper, float(count or 0)))
        lower = upper
    return buckets


class Quantiles(NamedTuple):
    """Seconds that 90 and 95 of 100 statements stayed below."""

    p90: float | None = None
    p95: float | None = None


class ResponseTimes:
    """Remembers the counts and tells the quantiles of what came since the last call."""

    def __init__(self) -> None:
        self._counters = Counters()

    def reset(self) -> None:
        """Forget the counts: the connection is a new one."""
        self._counters.reset()

    def quantiles(self, buckets: list[Bucket], at: float) -> Quantiles:
        """Return those of the statements since the last call; None when there were none."""
        grown = [(each, self._counters.delta(each.upper, each.number, at)) for each in buckets]
        recent = [each._replace(number=delta.amount) for each, delta in grown if delta is not None]
        return Quantiles(quantile(0.90, recent), quantile(0.95, recent))
