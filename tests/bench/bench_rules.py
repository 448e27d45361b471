"""What judging costs: milliseconds a tick, in which every source is read once and looked at once.

    python -m tests.bench.bench_rules [--ticks 60]

Ten sources give 1,000 series each. Values move at every tick; but for the storm nothing fires.
"""

import argparse
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator

from perftui.alerts.evaluation.engine import AlertEngine
from perftui.alerts.rules.amount import Amount
from perftui.alerts.rules.rule import Aggregate, Levels, Rule
from perftui.config.duration import Duration
from perftui.core.clock import ManualClock
from perftui.core.metric import Metric, ratio
from perftui.core.reading import Reading, Sample
from perftui.core.status import SourceState, SourceStatus
from tests.bench.report import Row, table

BUDGET = 50.0
METRICS = 50
WARM_UP = 320
"""Ticks before the measuring begins: a window over 5m is full then."""
_LEVELS = Levels(warning=Amount(0.8), critical=Amount(0.9))


def simple(number: int, metric: int) -> Rule:
    """Return a rule on the values themselves."""
    return Rule(name=f"rule-{number}", metric=f"metric.{metric}", above=_LEVELS, hold=Duration(10))


def windowed(number: int, metric: int) -> Rule:
    """Return a rule on what the last five minutes come to."""
    return Rule(
        name=f"rule-{number}", metric=f"metric.{metric}", above=_LEVELS, aggregate=Aggregate.AVG, over=Duration(300)
    )


class Stage:
    """An engine, and sources whose values lie between two bounds."""

    def __init__(self, rules: list[Rule], sources: int, series: int, metrics: int) -> None:
        known: dict[str, Metric] = {f"metric.{number}": ratio(f"metric.{number}", "") for number in range(metrics)}
        self._clock = ManualClock()
        self.engine = AlertEngine(rules, self._clock, known)
        self._names = [f"source-{number}" for number in range(sources)]
        self._series = [
            (f"metric.{number % metrics}", (("instance", f"i-{number}"), ("kind", "bench"))) for number in range(series)
        ]
        self._dice = random.Random(7)

    def tick(self, low: float, high: float) -> float:
        """Read and look at every source; return the milliseconds that the engine took."""
        self._clock.advance(1.0)
        readings = [self._reading(name, low, high) for name in self._names]
        now = self._clock.monotonic()
        statuses = [SourceStatus(name=name, kind="bench", state=SourceState.OK, last_ok=now) for name in self._names]
        started = time.perf_counter()
        for reading in readings:
            self.engine.observe(reading)
        self.engine.observe_sources(statuses)
        self.engine.firing()
        self.engine.pending()
        return (time.perf_counter() - started) * 1000

    def _reading(self, name: str, low: float, high: float) -> Reading:
        samples = tuple(
            Sample(metric, self._dice.uniform(low, high), tuple((label, value) for label, value in attributes))
            for metric, attributes in self._series
        )
        now, wall = self._clock.monotonic(), self._clock.wall()
        return Reading(source=name, monotonic=now, wall=wall, duration=0.0, samples=samples)


def scenes() -> Iterator[tuple[str, Stage, float]]:
    """Yield what is measured, and up to where its values go."""
    plain = [simple(number, number) for number in range(METRICS)]
    mixed = [(windowed if number % 3 == 0 else simple)(number, number) for number in range(METRICS)]
    one = [simple(number, 0) for number in range(METRICS)]
    yield "10,000 series of 50 metrics, 50 rules", Stage(plain, 10, 1000, METRICS), 0.8
    yield "the same, a third avg over 5m", Stage(mixed, 10, 1000, METRICS), 0.8
    yield "1,000 series, 50 rules on each", Stage(one, 1, 1000, 1), 0.8
    yield "10,000 series, 50 rules on each", Stage(one, 10, 1000, 1), 0.8
    yield "1,000 alerts firing, all values move", Stage(plain[:1], 1, 1000, 1), 1.0


def measured(ticks: int) -> Iterator[Row]:
    """Yield the figures."""
    for name, stage, high in scenes():
        low = 0.2 if high < 1.0 else 0.85
        for _ in range(WARM_UP):
            stage.tick(low, high)
        yield from _rows(name, lambda stage=stage, low=low, high=high: stage.tick(low, high), ticks)  # type: ignore[misc]
        assert bool(stage.engine.firing()) is (high == 1.0)


def _rows(name: str, tick: Callable[[], float], ticks: int) -> list[Row]:
    gc.collect()
    figures = sorted(tick() for _ in range(ticks))
    late = figures[int(len(figures) * 0.95)]
    return [
        Row(name, statistics.median(figures), BUDGET, BUDGET, "ms"),
        Row("    95th percentile", late, BUDGET, BUDGET, "ms"),
    ]


def main() -> None:
    """Print the figures."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=60)
    print(table(measured(parser.parse_args().ticks)))


if __name__ == "__main__":
    main()
