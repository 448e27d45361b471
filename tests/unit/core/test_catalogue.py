"""The catalogue: each metric declared once, with a unit and a meaning that its kind allows."""

from collections import Counter

import pytest

from perftui.core.catalogue import CATALOGUE, agent, http, mysql, queue, redis, service, system
from perftui.core.metric import Kind, Metric

TABLES = (system.SYSTEM, redis.REDIS, queue.QUEUE, mysql.MYSQL, http.HTTP, service.SERVICE, agent.AGENT)


def test_no_name_is_declared_twice() -> None:
    names = Counter(metric.name for table in TABLES for metric in table)
    assert [name for name, times in names.items() if times > 1] == []
    assert set(names) == set(CATALOGUE)


@pytest.mark.parametrize("metric", CATALOGUE.values(), ids=lambda metric: metric.name)
def test_units_fit_the_kind_and_the_meaning_is_told(metric: Metric) -> None:
    assert metric.description
    assert metric.name == metric.name.lower()
    assert (metric.kind is Kind.RATE) == metric.unit.endswith("/s")
    if metric.kind is Kind.RATIO:
        assert (metric.unit, metric.maximum) == ("1", 1.0)
