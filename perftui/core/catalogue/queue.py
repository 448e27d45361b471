"""Metrics of queue sources."""

from perftui.core.metric import Metric

QUEUE: tuple[Metric, ...] = ()
