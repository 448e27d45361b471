"""The proof of an action: the series that it must mend, followed through the engine's own readings after it.

Only what was read after apply had ended counts; of a change per second the first reading does not, since it spans the
time before. A source whose readings have grown too old has no data: never what it last said.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from perftui.actions.contract import Ground, Verdict
from perftui.actions.proof.judging import Metrics, Values, judge
from perftui.config.kinds import HttpOptions
from perftui.core.action import Line, Must, Plan, Proof, Watch
from perftui.core.catalogue import CATALOGUE
from perftui.core.clock import Clock
from perftui.core.metric import Kind
from perftui.core.series import SeriesId

BEFORE = 10.0
"""Seconds whose mean is what it was before."""
EVERY = 1.0
SETTLED = 10.0
"""Seconds for which it must have recovered, and a third of the window, before the watch may end early."""

Lines = tuple[Line, ...]


class Before(msgspec.Struct, frozen=True):
    """What each watched series was right before apply, in the order of the plan's watches; None: not known."""

    values: tuple[float | None, ...] = ()


class Prover:
    """Follows the watches of plans. `sleep` passes the time between two looks (seconds)."""

    def __init__(self, ground: Ground, clock: Clock, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._ground = ground
        self._clock = clock
        self._sleep = sleep

    def before(self, plan: Plan) -> Before:
        """Return the mean of the last 10 s of each watched series; or its last reading, while fresh."""
        return Before(tuple(self._mean_before(watch) for watch in plan.watches))

    async def watch(self, plan: Plan, before: Before, report: Callable[[Lines], None]) -> Verdict:
        """Follow them for the plan's window, telling `report` each second how they stand; call it when apply has ended.

        Ends early once all that must improve has, for 10 s and a third of the window, and nothing is worse.
        """
        since, started = self._clock.wall(), self._clock.monotonic()
        for source in {watch.source for watch in plan.watches}:
            self._ground.poke(source)
        metrics = self._metrics(plan)
        may_end_early = any(watch.must is Must.IMPROVE for watch in plan.watches)
        settled: float | None = None
        while True:
            after = [self._after(watch, since, metrics) for watch in plan.watches]
            verdict = judge(plan.watches, before.values, after, metrics)
            now = self._clock.monotonic()
            settled = (now if settled is None else settled) if verdict.proof is Proof.RECOVERED else None
            enough = settled is not None and now - settled >= max(SETTLED, plan.window / 3)
            if now - started >= plan.window or (may_end_early and enough):
                return verdict
            report(verdict.lines)
            await self._sleep(min(EVERY, started + plan.window - now))

    def _mean_before(self, watch: Watch) -> float | None:
        if not self._ground.is_fresh(watch.source):
            return None
        start = self._clock.wall() - BEFORE
        points = self._points(watch)
        values = [value for wall, value in points if wall >= start] or [value for _, value in points[-1:]]
        known = [value for value in values if value is not None]
        if watch.beside and not known:  # nothing ended lately: as it was while something did
            known = [value for _, value in points if value is not None]
        return sum(known) / len(known) if known else None

    def _points(self, watch: Watch) -> list[tuple[float, float | None]]:
        """Return the recent past of what is watched: of a share where both are known and something happened."""
        points = list(self._ground.points(SeriesId(watch.source, watch.metric, watch.attributes)))
        if not watch.beside:
            return points
        others = dict(self._ground.points(SeriesId(watch.source, watch.beside, watch.attributes)))
        return [(wall, _share(value, others.get(wall))) for wall, value in points]

    def _after(self, watch: Watch, since: float, metrics: Metrics) -> Values:
        if not self._ground.is_fresh(watch.source):
            return ()
        values = [value for wall, value in self._points(watch) if wall > since]
        metric = metrics.get(watch.metric)
        return values[1:] if metric is not None and metric.kind is Kind.RATE else values

    def _metrics(self, plan: Plan) -> Metrics:
        """Return the catalogue, with what the user declared for the http sources that are watched."""
        known = dict(CATALOGUE)
        for name in {watch.source for watch in plan.watches}:
            source = self._ground.sources.get(name)
            if source is not None and isinstance(source.options, HttpOptions):
                known |= {metric: each.metric(metric) for metric, each in source.options.metrics.items()}
        return known


def _share(part: float | None, rest: float | None) -> float | None:
    return part / (part + rest) if part is not None and rest is not None and part + rest > 0 else None
