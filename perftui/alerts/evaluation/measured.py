"""What a rule looks at: a sample, one divided by another, what a window of either comes to; and how it is written."""

import math
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from perftui.alerts.evaluation.window import Window, window_for
from perftui.alerts.rules.rule import Aggregate, Rule
from perftui.config.duration import Duration
from perftui.core import units
from perftui.core.metric import Kind, Metric
from perftui.core.reading import Sample
from perftui.core.series import Attributes

_PACES = (("/s", 1.0), ("/min", 60.0), ("/h", 3600.0))


class Measure(NamedTuple):
    """What is made of a metric before it is judged; rules with the same measure share their windows."""

    metric: str
    divided_by: str = ""
    aggregate: Aggregate | None = None
    over: float = 0.0
    ahead: float = 0.0

    @classmethod
    def of(cls, rule: Rule) -> "Measure":
        """Return what a rule looks at."""
        return cls(rule.metric, rule.divided_by, rule.aggregate, float(rule.over or 0), float(rule.ahead or 0))

    @property
    def is_plain(self) -> bool:
        """Whether it is the sample itself."""
        return not self.divided_by and self.aggregate is None

    @property
    def words(self) -> str:
        """What it is in words: `p95 over 5m of http.client.request.duration`."""
        what = f"{self.metric} / {self.divided_by}" if self.divided_by else self.metric
        if self.aggregate is Aggregate.PREDICT:
            return f"{what} in {Duration(self.ahead).text}, by the last {Duration(self.over).text},"
        return f"{self.aggregate.value} over {Duration(self.over).text} of {what}" if self.aggregate else what


class Neighbours:
    """The other values of a reading, by metric and attributes; looked for only when somebody asks."""

    def __init__(self, samples: tuple[Sample, ...], wanted: frozenset[str]) -> None:
        self._samples = samples
        self._wanted = wanted
        self._found: dict[tuple[str, Attributes], float] | None = None

    def value(self, metric: str, attributes: Attributes) -> float | None:
        """Return a value of one of the metrics that rules ask for, None where the reading has none."""
        if self._found is None:
            self._found = {
                (sample.metric, sample.attributes): sample.value
                for sample in self._samples
                if sample.metric in self._wanted
            }
        return self._found.get((metric, attributes))


class Gauge:
    """One measure of one series."""

    __slots__ = ("_attributes", "_divisor", "_window")

    def __init__(self, measure: Measure, metric: Metric, attributes: Attributes) -> None:
        self._attributes = attributes
        self._divisor = measure.divided_by
        self._window: Window | None = None
        if measure.aggregate is not None:
            of_rate = metric.kind is Kind.RATE and not measure.divided_by
            self._window = window_for(measure.aggregate, measure.over, ahead=measure.ahead, of_rate=of_rate)

    def read(self, value: float, at: float, patience: float, neighbours: Neighbours) -> float | None:
        """Return what the measure comes to with this sample; None where it says nothing."""
        if self._divisor:
            divisor = neighbours.value(self._divisor, self._attributes)
            if divisor is None:
                divisor = neighbours.value(self._divisor, ())
            if not divisor:
                return None
            value /= divisor
        if not math.isfinite(value):
            return None
        if self._window is None:
            return value
        self._window.add(at, value, patience)
        return self._window.result()

    @property
    def is_filling(self) -> bool:
        """Whether it says nothing because its window does not hold enough yet."""
        return self._window is not None and self._window.result() is None


class Notation:
    """How the figures of a measure are written; a slow change is told by the minute or the hour, as its level is."""

    def __init__(self, measure: Measure, known: Mapping[str, Metric], level: float) -> None:
        self.metric = _derived(measure, known)
        self._pace, self._step = "", 1.0
        if measure.aggregate is Aggregate.RATE:
            self._pace, self._step = _pace(level * 100 if self.metric.kind is Kind.RATIO else level)
        elif self.metric.kind is Kind.RATE and not self.metric.unit.startswith("By"):
            self._pace = "/s"
        self._is_change = measure.aggregate is Aggregate.RATE
        self._is_whole = measure.aggregate is Aggregate.INCREASE and self.metric.unit.startswith("{")
        self._tail = f" in {Duration(measure.ahead).text}" if measure.ahead else ""

    def figure(self, value: float) -> str:
        """Return a value as summaries have it: a metric that is a change per second goes without its `/s`."""
        shown = str(units.show_metric(self.metric, self._told(value)))
        return shown + self._pace if self._is_change else shown

    def level(self, value: float) -> str:
        """Return a level with all of its unit."""
        return str(units.show_metric(self.metric, value * self._step)) + self._pace

    def value(self, value: float) -> str:
        """Return a value with all that is to be said of it."""
        return str(units.show_metric(self.metric, self._told(value))) + self._pace + self._tail

    def _told(self, value: float) -> float:
        """Return the figure to write: things that were counted are whole, and any of them at least one."""
        if self._is_whole:
            return round(value) or (1 if value > 0 else 0)
        return value * self._step


def metric_of(name: str, known: Mapping[str, Metric]) -> Metric:
    """Return a metric; one that nobody declared any more is a plain number."""
    return known.get(name) or Metric(name=name, unit="1", kind=Kind.GAUGE, description="")


def _derived(measure: Measure, known: Mapping[str, Metric]) -> Metric:
    """Return the unit and kind of what a measure comes to."""
    metric = metric_of(measure.metric, known)
    if measure.divided_by:
        metric = _quotient(metric, metric_of(measure.divided_by, known))
    if measure.aggregate is Aggregate.INCREASE and metric.kind is Kind.RATE:
        return msgspec.structs.replace(metric, unit=metric.unit.removesuffix("/s"), kind=Kind.GAUGE)
    return metric


def _quotient(metric: Metric, divisor: Metric) -> Metric:
    alike = metric.kind is divisor.kind
    unit, other = (each.unit.removesuffix("/s") if alike else each.unit for each in (metric, divisor))
    if unit == other:
        return msgspec.structs.replace(metric, unit="1", kind=Kind.RATIO)
    if not (other == "1" or other.startswith("{")):
        return msgspec.structs.replace(metric, unit="1", kind=Kind.GAUGE)
    return msgspec.structs.replace(metric, unit=unit, kind=Kind.GAUGE if alike else metric.kind)


def _pace(level: float) -> tuple[str, float]:
    """Return the first pace at which a level is not a small fraction."""
    return next((pace for pace in _PACES if abs(level) * pace[1] >= 1), _PACES[0] if not level else _PACES[-1])
