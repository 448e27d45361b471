"""Metrics of mysql sources."""

from perftui.core.metric import Metric

MYSQL: tuple[Metric, ...] = ()
