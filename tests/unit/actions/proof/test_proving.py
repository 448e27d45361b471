"""The watch over the readings after an action, in virtual time."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest

from perftui.actions.proof.proving import Before, Prover
from perftui.config.kinds import HttpMetric, HttpOptions, RedisOptions
from perftui.config.settings import Settings, SourceSettings
from perftui.core.action import Line, Must, Plan, Proof, Risk, Watch
from perftui.core.alert import Alert, Level
from perftui.core.clock import ManualClock
from perftui.core.metric import Kind
from perftui.core.reading import Reading
from perftui.core.series import SeriesId

Value = Callable[[float], float | None]
HITS = SeriesId("cache-1", "redis.hit_ratio")
EVICTED = SeriesId("cache-1", "redis.keys.evicted")


class Ground:
    """Reads each series once a second of the clock; `sleep` lets that time pass."""

    def __init__(self, **options: HttpOptions) -> None:
        self.settings = Settings()
        self.clock = ManualClock()
        self.start = self.clock.wall()
        self.values: dict[SeriesId, Value] = {}
        self.past: dict[SeriesId, list[tuple[float, float | None]]] = {}
        self.fresh = True
        self.poked: list[str] = []
        self._options = options

    @property
    def sources(self) -> Mapping[str, SourceSettings]:
        cache = SourceSettings(name="cache-1", kind="redis", options=RedisOptions())
        return {"cache-1": cache} | {
            name: SourceSettings(name=name, kind="http", options=options) for name, options in self._options.items()
        }

    @property
    def readings(self) -> Mapping[str, Reading]:
        return {}

    def is_fresh(self, source: str) -> bool:
        return self.fresh

    def points(self, series: SeriesId) -> Iterable[tuple[float, float | None]]:
        return self.past.get(series, ())

    def alert(self, key: str) -> Alert | None:
        return None

    def alerts(self) -> Sequence[Alert]:
        return ()

    def levels(self) -> Sequence[Level]:
        return ()

    def poke(self, name: str) -> bool:
        self.poked.append(name)
        return True

    async def sleep(self, seconds: float) -> None:
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        """Let whole seconds pass, with a reading in each."""
        for _ in range(round(seconds)):
            self.clock.advance(1.0)
            now = self.clock.wall()
            for series, value in self.values.items():
                self.past.setdefault(series, []).append((now, value(now - self.start)))


@pytest.fixture
def ground() -> Ground:
    return Ground()


def plan_of(*watches: Watch, window: float = 30.0) -> Plan:
    return Plan(
        id="p", action="cache.warm", title="", target="cache-1", digest="", expires=0.0, risk=Risk.LOW,
        reversible=False, confirm="y", command="", watches=watches, window=window,
    )  # fmt: skip


def hits(goal: float | None = 0.7) -> Watch:
    return Watch(label="hits", source="cache-1", metric=HITS.metric, bad="down", must=Must.IMPROVE, goal=goal)


EVICTIONS = Watch(label="evictions", source="cache-1", metric=EVICTED.metric)


async def prove(ground: Ground, plan: Plan) -> tuple[Proof, tuple[Line, ...], list[tuple[Line, ...]], float]:
    """Pass 20 s, then watch; return the verdict, its lines, what was reported, and how long it took."""
    prover = Prover(ground, ground.clock, ground.sleep)
    ground.pass_time(20)
    before = prover.before(plan)
    began = ground.clock.monotonic()
    reports: list[tuple[Line, ...]] = []
    verdict = await prover.watch(plan, before, reports.append)
    return verdict.proof, verdict.lines, reports, ground.clock.monotonic() - began


def test_before_is_the_mean_of_the_last_ten_seconds(ground: Ground) -> None:
    ground.values[HITS] = lambda at: 0.0 if at <= 10 else 0.4 if at <= 15 else 0.6
    ground.pass_time(20)
    (value,) = Prover(ground, ground.clock).before(plan_of(hits())).values
    assert value == pytest.approx((0.0 + 5 * 0.4 + 5 * 0.6) / 11)


def test_before_of_a_slow_source_is_its_last_reading_and_of_a_stale_one_nothing(ground: Ground) -> None:
    ground.past[HITS] = [(ground.clock.wall() - 40, 0.5)]
    prover = Prover(ground, ground.clock)
    assert prover.before(plan_of(hits())).values == (0.5,)
    ground.fresh = False
    assert prover.before(plan_of(hits())).values == (None,)


async def test_what_has_recovered_ends_it_early(ground: Ground) -> None:
    ground.values[HITS] = lambda at: 0.5 if at <= 25 else 0.9
    proof, lines, reports, took = await prove(ground, plan_of(hits(), window=60.0))
    assert proof is Proof.RECOVERED
    assert lines == (Line("hits", "50 %", "90 %  improving"),)
    assert 20 <= took < 40
    assert ground.poked == ["cache-1"]
    assert len(reports) == pytest.approx(took, abs=1)


async def test_what_only_must_not_get_worse_is_watched_to_the_end(ground: Ground) -> None:
    ground.values[EVICTED] = lambda at: 0.0
    proof, _, _, took = await prove(ground, plan_of(EVICTIONS))
    assert (proof, took) == (Proof.HELD, 30.0)


async def test_a_recovery_that_does_not_last_is_none(ground: Ground) -> None:
    ground.values[HITS] = lambda at: 0.9 if 20 < at < 27 else 0.5
    proof, _, _, took = await prove(ground, plan_of(hits()))
    assert (proof, took) == (Proof.UNCHANGED, 30.0)


async def test_worse_keeps_it_watching_and_is_the_verdict(ground: Ground) -> None:
    ground.values[HITS] = lambda at: 0.5 if at <= 20 else 0.9
    ground.values[EVICTED] = lambda at: 0.0 if at <= 20 else 800.0
    proof, lines, _, took = await prove(ground, plan_of(hits(), EVICTIONS))
    assert (proof, took) == (Proof.WORSE, 30.0)
    assert [line.after.rpartition("  ")[2] for line in lines] == ["improving", "worse"]


async def test_only_what_was_read_after_apply_counts(ground: Ground) -> None:
    ground.values[HITS] = lambda at: 0.9 if at <= 20 else None
    ground.past[HITS] = [(ground.clock.wall(), 0.9)]
    proof, lines, _, _ = await prove(ground, plan_of(hits()))
    assert proof is Proof.UNKNOWN
    assert lines[0].after == "–  no data"


async def test_the_first_rate_spans_the_time_before_and_is_left_out(ground: Ground) -> None:
    ground.values[EVICTED] = lambda at: 5000.0 if at == 21 else 0.0
    proof, _, _, _ = await prove(ground, plan_of(EVICTIONS))
    assert proof is Proof.HELD


async def test_a_source_that_fell_silent_proves_nothing(ground: Ground) -> None:
    ground.values[HITS] = lambda at: 0.5 if at <= 20 else 0.9
    prover, plan = Prover(ground, ground.clock, ground.sleep), plan_of(hits())
    ground.pass_time(20)
    before = prover.before(plan)

    def fall_silent(_: tuple[Line, ...]) -> None:
        ground.fresh = False

    assert (await prover.watch(plan, before, fall_silent)).proof is Proof.UNKNOWN


async def test_metrics_of_the_users_own_are_judged_by_their_unit() -> None:
    own = HttpMetric(path="errors", unit="{error}/s", kind=Kind.RATE)
    ground = Ground(shop=HttpOptions(url="http://127.0.0.1:9/", metrics={"shop.errors": own}))
    series = SeriesId("shop", "shop.errors")
    ground.values[series] = lambda at: 0.0 if at <= 20 else 0.2
    proof, _, _, _ = await prove(ground, plan_of(Watch(label="errors", source="shop", metric="shop.errors")))
    assert proof is Proof.HELD


async def test_a_plan_that_watches_nothing_proves_nothing_and_takes_its_window_anyway(ground: Ground) -> None:
    prover = Prover(ground, ground.clock, ground.sleep)
    assert (await prover.watch(plan_of(window=0.0), Before(), lambda _: None)).proof is Proof.UNKNOWN


FAILING = Watch(label="failing share", source="cache-1", metric="queue.failed", beside="queue.completed", tolerance=1.0)


@pytest.mark.parametrize(
    ("failed_before", "failed_after", "proof"),
    [(0.6, 0.6, Proof.HELD), (0.6, 8.0, Proof.WORSE)],
    ids=["as many in a hundred as ever", "almost half of them"],
)
async def test_failures_are_judged_by_their_share_also_when_nothing_ran_before(
    ground: Ground, failed_before: float, failed_after: float, proof: Proof
) -> None:
    failed, completed = (SeriesId("cache-1", f"queue.{each}") for each in ("failed", "completed"))

    def at(before: float, after: float) -> Value:
        """Run well for 5 s, stand still for 15 s, then run again."""
        return lambda second: before if second <= 5 else after if second > 20 else 0.0

    ground.values = {failed: at(failed_before, failed_after), completed: at(19.4, 20.0 - failed_after)}
    found, lines, _, _ = await prove(ground, plan_of(FAILING))
    assert found is proof
    assert lines[0].before == "3 %"
