"""Better, as before, or worse: what the readings after an action say of it. Pure.

The end is the last third of what was read, so that one odd value neither proves nor disproves anything. Of what happens
(a rate) and must not get worse, the mean of all that was read counts, too: failures that were over at the end happened.
A pointwise better series is never judged worse than another one.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from statistics import fmean

from perftui.actions.contract import Verdict
from perftui.core.action import Line, Must, Proof, Watch
from perftui.core.catalogue import CATALOGUE
from perftui.core.metric import Kind, Metric, ratio
from perftui.core.units import MISSING, count, show_metric

Values = Sequence[float | None]
Metrics = Mapping[str, Metric]

_WAITS = ("age", "oldest", "oldest_age", "lag", "drain_time", "time_behind_source", "failing", "stale", "link_down")
_FLOORS = {
    "s": 0.002,
    "By": float(1 << 20),
    "By/s": float(64 << 10),
    "{job}": 3.0,
    "{key}": 100.0,
    "{worker}": 0.5,
    "{replica}": 0.5,
    "{kill}/s": 0.0,
    "1": 0.0,
}
HALF = 0.5
"""The share of what fails that is too much, whatever it was before."""
_RATIO_FLOOR, _RATE_FLOOR, _COUNT_FLOOR, _WAIT_FLOOR = 0.02, 0.5, 1.0, 2.0


class Word(StrEnum):
    """What one watched series does."""

    IMPROVING = "improving"
    NEARER = "better, not there yet"
    STEADY = "steady"
    WORSE = "worse"
    NO_DATA = "no data"


def judge(watches: Sequence[Watch], before: Values, after: Sequence[Values], metrics: Metrics = CATALOGUE) -> Verdict:
    """Return the verdict on all watches: what each was before, and what was read of it since apply ended, in order.

    Worse when one of them is; recovered when all that must improve have; unknown when one of those has no data, or
    when one that must not get worse went dark; held where none had to improve; else unchanged.
    """
    cases = [Case(*each, metrics) for each in zip(watches, before, after, strict=True)]
    words = [case.word for case in cases]
    return Verdict(proof=_proof(cases, words), lines=tuple(case.line for case in cases))


def _proof(cases: "list[Case]", words: list[Word]) -> Proof:
    if Word.WORSE in words:
        return Proof.WORSE
    improve = [case.word for case in cases if case.watch.must is Must.IMPROVE]
    if not cases or Word.NO_DATA in improve or any(case.went_dark for case in cases):
        return Proof.UNKNOWN
    if not improve:
        return Proof.HELD
    return Proof.RECOVERED if set(improve) == {Word.IMPROVING} else Proof.UNCHANGED


class Case:
    """One watch, what it was before (None: not known), and what was read of it afterwards."""

    def __init__(self, watch: Watch, before: float | None, after: Values, metrics: Metrics) -> None:
        self.watch = watch
        self._before = before
        self._metric = metric_of(watch, metrics)
        self._end = _mean(after[-max(1, (len(after) + 2) // 3) :])
        self._whole = _mean(after)
        self._is_count = _is_count(self._metric) and _are_whole(after)

    @property
    def went_dark(self) -> bool:
        """Whether there were figures before and are none now."""
        return self._before is not None and self._end is None

    @property
    def word(self) -> Word:
        """What it does: `improving` once it has recovered, or moved in the good direction by more than is noise.

        With a goal that is not reached the latter is `better, not there yet`. A share that nobody knew before is worse
        where more than half of all fail.
        """
        watch, end = self.watch, self._end
        if end is None:
            return Word.NO_DATA
        if watch.goal is not None and self._harm(watch.goal, end) <= 0:
            return Word.IMPROVING if watch.must is Must.IMPROVE else Word.STEADY
        if self._before is None:
            if watch.beside and watch.must is Must.KEEP:
                return Word.WORSE if self._harm(HALF, end) > 0 else Word.STEADY
            return Word.NO_DATA
        if self._harm(self._before, self._worst(end)) > self._noise:
            return Word.WORSE
        if -self._harm(self._before, end) <= self._noise:
            return Word.STEADY
        if watch.goal is None:
            return Word.IMPROVING
        return Word.NEARER if watch.must is Must.IMPROVE else Word.STEADY  # its goal is not reached here

    @property
    def line(self) -> Line:
        """The watch as it is shown: before, and after with a word."""
        return Line(self.watch.label, self._shown(self._before), f"{self._shown(self._end)}  {self.word}")

    def _worst(self, end: float) -> float:
        """Return the figure that must not be worse."""
        if self.watch.must is Must.KEEP and self._metric is not None and self._metric.kind is Kind.RATE:
            assert self._whole is not None
            return max(end, self._whole) if self.watch.bad == "up" else min(end, self._whole)
        return end

    def _harm(self, start: float, end: float) -> float:
        """Return by how much it moved in the bad direction."""
        return end - start if self.watch.bad == "up" else start - end

    @property
    def _noise(self) -> float:
        """Return the move that is none: a share of what it was, and near zero what nobody would speak of."""
        assert self._before is not None
        return max(self.watch.tolerance * abs(self._before), floor(self._metric))

    def _shown(self, value: float | None) -> str:
        if value is None:
            return MISSING
        if self._is_count:
            value = float(round(value))  # a mean of 0.2 jobs is none; a load of 0.2 is one
        return str(show_metric(self._metric, value) if self._metric else count(value))


def metric_of(watch: Watch, metrics: Metrics) -> Metric | None:
    """Return what is known of what is watched: of a share of two metrics, that it is one."""
    known = metrics.get(watch.metric)
    return ratio(watch.metric, f"share of {watch.metric} beside {watch.beside}") if watch.beside else known


def floor(metric: Metric | None) -> float:
    """Return the change that nobody would speak of, in the unit of the metric: 0.5 evictions/s, 2 % of hits, 1 MiB."""
    if metric is None:
        return 0.0
    if metric.kind is Kind.RATIO or metric.unit == "s/s":
        return _RATIO_FLOOR
    if metric.unit == "s" and metric.name.rpartition(".")[2] in _WAITS:
        return _WAIT_FLOOR
    return _FLOORS.get(metric.unit, _RATE_FLOOR if metric.kind is Kind.RATE else _COUNT_FLOOR)


def _is_count(metric: Metric | None) -> bool:
    return metric is not None and metric.kind is Kind.GAUGE and metric.unit.startswith("{")


def _are_whole(values: Values) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(value.is_integer() for value in known)


def _mean(values: Values) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
