import asyncio
import contextlib

import pytest

from perftui.config.kinds import SystemOptions
from perftui.config.settings import SourceSettings
from perftui.core.clock import ManualClock
from perftui.core.errors import Denied, SourceError, Unreachable
from perftui.core.metric import Metric
from perftui.core.reading import Reading
from perftui.core.status import SourceState, SourceStatus
from perftui.engine.poller import GOLDEN, Poller


class Scripted:
    """A collector that plays a script: seconds to take, or an error to raise."""

    metrics: tuple[Metric, ...] = ()

    def __init__(self, clock: ManualClock, script: list[float | Exception]) -> None:
        self.clock = clock
        self.script = script
        self.closes_badly = False
        self.opened = 0
        self.closed = 0

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        self.closed += 1
        if self.closes_badly:
            raise Unreachable("cannot even be closed")

    async def poll(self) -> Reading:
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        if step == float("inf"):
            await asyncio.Event().wait()
        self.clock.advance(step)
        return Reading(source="s", monotonic=self.clock.monotonic(), wall=self.clock.wall(), duration=step)


class Swallowing(Scripted):
    """A collector whose driver takes a cancellation for an answer."""

    async def poll(self) -> Reading:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return Reading(source="s", monotonic=self.clock.monotonic(), wall=self.clock.wall(), duration=0.0)


class Load:
    backoff = 1.0

    def __init__(self, *, late: bool = False) -> None:
        self.late = late

    def was_late_since(self, moment: float) -> bool:
        return self.late


class Bench:
    """A poller over a script, and all that it said."""

    def __init__(self, *script: float | Exception, late: bool = False, **settings: object) -> None:
        self.clock = ManualClock()
        self.collector = Scripted(self.clock, list(script))
        self.readings: list[Reading] = []
        self.said: list[SourceStatus] = []
        self.load = Load(late=late)
        source = SourceSettings(name="s", kind="system", options=SystemOptions(), **settings)  # type: ignore[arg-type]
        self.poller = Poller(
            source,
            self.collector,
            self.clock,
            self.load,
            asyncio.Semaphore(1),
            self.readings.append,
            self.said.append,
        )

    async def poll(self, times: int = 1) -> SourceStatus:
        for _ in range(times):
            await self.poller.poll_once()
        return self.poller.status


async def test_a_poll_brings_a_reading_and_the_word_ok() -> None:
    bench = Bench(0.01)
    status = await bench.poll()
    assert len(bench.readings) == 1
    assert (status.state, status.error, status.last_ok) == (SourceState.OK, "", bench.readings[0].monotonic)


async def test_a_poll_longer_than_its_interval_is_slow() -> None:
    status = await Bench(1.5).poll()
    assert status.state is SourceState.SLOW
    assert status.error == "a poll takes 1.5 s, longer than its interval"


async def test_a_failure_is_said_in_plain_words_and_the_connection_is_made_anew() -> None:
    bench = Bench(0.0, Unreachable("connection refused at 127.0.0.1:6379"), 0.0)
    status = await bench.poll(2)
    assert (status.state, status.error) == (SourceState.FAILING, "connection refused at 127.0.0.1:6379")
    assert status.failing_since == bench.clock.monotonic()
    status = await bench.poll()
    assert (status.state, status.failing_since) == (SourceState.OK, None)
    assert bench.collector.opened == 2


async def test_the_fifth_failure_in_a_row_opens_the_breaker() -> None:
    status = await Bench(*[Unreachable("gone")] * 5).poll(5)
    assert status.state is SourceState.OPEN


@pytest.mark.parametrize(("discovered", "word"), [(False, SourceState.DENIED), (True, SourceState.FOUND)])
async def test_what_refuses_us_is_denied_or_merely_found(*, discovered: bool, word: SourceState) -> None:
    status = await Bench(Denied("wrong password"), discovered=discovered).poll()
    assert status.state is word


async def test_a_poll_that_hangs_ends_at_the_deadline() -> None:
    status = await Bench(float("inf"), timeout=0.01).poll()
    assert (status.state, status.error) == (SourceState.FAILING, "no answer within 10 ms")


async def test_a_deadline_missed_because_the_agent_was_late_is_no_failure_of_the_source() -> None:
    bench = Bench(float("inf"), timeout=0.01, late=True)
    status = await bench.poll()
    assert status.failures == 0
    assert status.state is SourceState.WAITING


async def test_a_defect_in_a_collector_is_its_own_failure_only() -> None:
    status = await Bench(KeyError("x\x1b[31m")).poll()
    assert status.state is SourceState.FAILING
    assert "\x1b" not in status.error


async def test_operating_system_errors_are_told() -> None:
    status = await Bench(OSError(24, "Too many open files")).poll()
    assert status.error == "Too many open files"


async def test_a_reading_too_old_is_stale_and_fresh_again_after_the_next() -> None:
    bench = Bench(0.0, 0.0)
    await bench.poll()
    for age in (4.9, 5.1):
        bench.poller.check_age(bench.clock.monotonic() + age)
    await bench.poll()
    assert [status.state for status in bench.said] == [SourceState.OK, SourceState.STALE, SourceState.OK]
    assert bench.said[1].error == "no new reading for 5.1 s"


async def test_a_healthy_source_is_not_published_again_and_again() -> None:
    bench = Bench(0.0, 0.0, 0.0)
    await bench.poll(3)
    assert [status.state for status in bench.said] == [SourceState.OK]


async def test_it_polls_at_once_when_poked_and_ends_with_a_closed_collector() -> None:
    bench = Bench(*[0.0] * 3, SourceError("end of script"), *[0.0] * 100)
    task = asyncio.create_task(bench.poller.run())
    async with asyncio.timeout(5):
        while len(bench.readings) < 5:
            bench.clock.advance(0.01)
            bench.poller.poke()
            await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert bench.collector.closed >= 2


def test_it_polls_on_a_grid_of_its_own_and_skips_what_it_missed() -> None:
    bench = Bench(interval=1.0)
    bench.poller._phase = 1
    first = bench.poller._next()
    assert first % 1.0 == pytest.approx(GOLDEN)
    bench.clock.advance(first - bench.clock.monotonic() + 0.001)
    second = bench.poller._next()
    assert second - first == pytest.approx(1.0)
    bench.clock.advance(4.3)
    later = bench.poller._next()
    assert (later - first) % 1.0 == pytest.approx(0.0, abs=1e-6) or (later - first) % 1.0 == pytest.approx(1.0)
    assert 0.25 <= later - bench.clock.monotonic() <= 1.25


async def test_an_open_breaker_holds_the_next_poll_back() -> None:
    bench = Bench(*[Unreachable("gone")] * 6)
    await bench.poll(6)
    assert bench.poller._next() - bench.clock.monotonic() >= 2.0


async def test_while_the_agent_backs_off_the_longer_interval_is_told_and_ages_are_judged_by_it() -> None:
    bench = Bench(0.0)
    await bench.poll()
    bench.load.backoff = 8.0
    bench.poller.take_backoff()
    bench.poller.check_age(bench.clock.monotonic() + 20)
    assert (bench.said[-1].interval, bench.poller.status.state) == (8.0, SourceState.OK)


async def test_a_collector_that_cannot_even_be_closed_is_opened_again() -> None:
    bench = Bench(Unreachable("gone"), 0.0)
    bench.collector.closes_badly = True
    status = await bench.poll(2)
    assert status.state is SourceState.OK


async def test_a_driver_that_swallows_the_cancellation_does_not_keep_it_alive() -> None:
    bench = Bench()
    bench.poller._collector = Swallowing(bench.clock, [])
    task = asyncio.create_task(bench.poller.run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(task, return_exceptions=True)
    assert task.done()
