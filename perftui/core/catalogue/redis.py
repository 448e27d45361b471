"""Metrics of redis sources."""

from perftui.core.metric import Metric

REDIS: tuple[Metric, ...] = ()
