"""Metrics of http sources."""

from perftui.core.metric import Metric

HTTP: tuple[Metric, ...] = ()
