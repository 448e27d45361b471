"""How long statements take: a windowed quantile out of MariaDB's QUERY_RESPONSE_TIME plugin.

`information_schema.QUERY_RESPONSE_TIME` has cumulative counts in buckets by upper bound (seconds); the last one is
`TOO LONG`. Counts stay 0 until `query_response_time_stats` is ON. MySQL has nothing as cheap: absent there.
"""

from collections.abc import Iterable

from perftui.connect.mysql import Row
from perftui.core.rates import Counters

QUERY = "SELECT time, count FROM information_schema.query_response_time"

Bucket = tuple[float, float]


def parse(rows: Iterable[Row]) -> list[Bucket]:
    """Return (upper bound in seconds, count) of each bounded bucket; `TOO LONG` ends the list with infinity."""
    buckets = []
    for bound, count in rows:
        text = (bound or b"").strip()
        buckets.append((float("inf") if text.startswith(b"TOO") else float(text), float(count or 0)))
    return buckets


class ResponseTimes:
    """Remembers the counts and tells the quantiles of what came since the last call."""

    def __init__(self) -> None:
        self._counters = Counters()

    def reset(self) -> None:
        """Forget the counts: the connection is a new one."""
        self._counters.reset()

    def p95(self, buckets: list[Bucket], at: float) -> float | None:
        """Return the 95th percentile of the statements since the last call; None when there were none."""
        deltas = [(bound, self._counters.delta(bound, count, at)) for bound, count in buckets]
        return quantile(0.95, [(bound, delta.amount) for bound, delta in deltas if delta is not None])


def quantile(share: float, buckets: list[Bucket]) -> float | None:
    """Return the `share` quantile, linear within its bucket (as Prometheus' histogram_quantile does).

    In the unbounded bucket it is that bucket's lower bound: at least so long.
    """
    total = sum(count for _, count in buckets)
    if not total:
        return None
    target, below, lower = share * total, 0.0, 0.0
    for bound, count in buckets:
        if below + count >= target and count:
            return lower if bound == float("inf") else lower + (bound - lower) * (target - below) / count
        below, lower = below + count, bound
    return lower
