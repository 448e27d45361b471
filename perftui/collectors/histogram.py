"""Quantiles out of a histogram's buckets."""

import math
from collections.abc import Iterable
from typing import NamedTuple


class Bucket(NamedTuple):
    """How many (`number`) took more than `lower` and at most `upper`, infinity for the last."""

    lower: float
    upper: float
    number: float


def quantile(part: float, buckets: Iterable[Bucket]) -> float | None:
    """Return what `part` (0..1) of all stayed below, None when there were none; `buckets` from low to high.

    Linear within a bucket, as Prometheus' histogram_quantile; of the unbounded one its lower bound: at least so long.
    """
    filled = [bucket for bucket in buckets if bucket.number]
    target, below = part * sum(bucket.number for bucket in filled), 0.0
    for lower, upper, number in filled:
        if below + number >= target:
            return lower if math.isinf(upper) else lower + (upper - lower) * (target - below) / number
        below += number
    return None
