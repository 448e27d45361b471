"""Metrics of system sources."""

from perftui.core.metric import Metric

SYSTEM: tuple[Metric, ...] = ()
