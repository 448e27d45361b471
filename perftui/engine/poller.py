"""One task a source: when to poll, how long to wait, and what to say of it."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

import msgspec

from perftui.collectors.base import Collector
from perftui.config.settings import SourceSettings
from perftui.core.clock import Clock
from perftui.core.errors import BadAnswer, DeadlineExceeded, Denied, SourceError, Unreachable
from perftui.core.reading import Reading
from perftui.core.status import SourceState, SourceStatus, stale_after
from perftui.core.text import clean
from perftui.core.units import seconds
from perftui.engine.breaker import Breaker
from perftui.engine.deadline import Deadline

CLOSE_TIMEOUT = 1.0
GOLDEN = 0.618_033_988_749_895


class Load(Protocol):
    """What a poller must know of the agent's own load."""

    backoff: float

    def was_late_since(self, moment: float) -> bool:
        """Return whether the loop itself was late since `moment`."""


class Poller:
    """Polls one source for ever: staggered, with a deadline, never twice at once, held back when it keeps failing.

    `on_reading` and `on_status` are called in the loop with what is new. `phase` (0, 1, 2 …) spreads the pollers
    over the interval. `bulkhead` bounds how many sources of this kind are polled at once.
    """

    def __init__(
        self,
        settings: SourceSettings,
        collector: Collector,
        clock: Clock,
        load: Load,
        bulkhead: asyncio.Semaphore,
        on_reading: Callable[[Reading], None],
        on_status: Callable[[SourceStatus], None],
        phase: int = 0,
    ) -> None:
        self._settings = settings
        self._collector = collector
        self._clock = clock
        self._load = load
        self._bulkhead = bulkhead
        self._on_reading = on_reading
        self._on_status = on_status
        self._phase = phase
        self._breaker = Breaker()
        self._deadline = Deadline(settings.timeout)
        self._open = False
        self._poked = asyncio.Event()
        self.polled = asyncio.Event()
        self.status = SourceStatus(
            name=settings.name,
            kind=settings.kind,
            interval=float(settings.interval),
            production=settings.production,
            discovered=settings.discovered,
            address=settings.address,
            metrics=collector.metrics,
        )

    async def run(self) -> None:
        """Poll until cancelled; then close the collector."""
        self._on_status(self.status)
        try:
            while True:
                await self.poll_once()
                if _is_cancelled():
                    return
                await self._wait_until(self._next())
        finally:
            await self._close()

    def take_backoff(self) -> None:
        """Let the others know the interval that holds from now on."""
        self._update(interval=self._interval)

    @property
    def _interval(self) -> float:
        """The configured interval, longer while the agent is over its budget."""
        return float(self._settings.interval * self._load.backoff)

    def poke(self) -> None:
        """Force a probe now, whatever the schedule and the breaker say."""
        self._poked.set()

    def _next(self) -> float:
        """Return when to poll next: on this source's own grid, past what was missed, not before the breaker allows."""
        now, interval = self._clock.monotonic(), self._interval
        offset = (self._phase * GOLDEN % 1.0) * interval
        following = now - (now - offset) % interval + interval
        if following - now < interval / 4:  # rates over a moment would be noise
            following += interval
        if self._breaker.is_open and self._breaker.probe_at is not None:
            following = max(following, self._breaker.probe_at)
        return following

    async def _wait_until(self, due: float) -> None:
        self._poked.clear()
        self._update(next_poll=due)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, due - self._clock.monotonic())):
                await self._poked.wait()

    async def poll_once(self) -> None:
        """Poll once within the deadline and take note of how it went; raises nothing but cancellation."""
        async with self._bulkhead:
            started = self._clock.monotonic()
            try:
                reading = await self._attempt()
            except SourceError as error:
                await self._failed(error, started)
            else:
                self._succeeded(reading)
        self.polled.set()

    async def _attempt(self) -> Reading:
        """Return a reading. Raises SourceError, whatever else went wrong."""
        limit = self._deadline.seconds
        try:
            async with asyncio.timeout(limit):
                if not self._open:
                    await self._collector.open()
                    self._open = True
                return await self._collector.poll()
        except TimeoutError as error:
            raise DeadlineExceeded(f"no answer within {seconds(limit)}") from error
        except SourceError:
            raise
        except OSError as error:
            raise Unreachable(clean(error.strerror or str(error))) from error
        except Exception as error:  # a collector's defect is shown as its own failure and stops nothing else
            raise BadAnswer(clean(f"{type(error).__name__}: {error}")) from error

    def _succeeded(self, reading: Reading) -> None:
        self._deadline.learn(reading.duration)
        self._breaker.success()
        slow = reading.duration > self._settings.interval
        self._on_reading(reading)
        self._update(
            state=SourceState.SLOW if slow else SourceState.OK,
            error=f"a poll takes {seconds(reading.duration)}, longer than its interval" if slow else "",
            last_ok=reading.monotonic,
            failing_since=None,
            polls=self.status.polls + 1,
        )

    async def _failed(self, error: SourceError, started: float) -> None:
        await self._close()
        if isinstance(error, DeadlineExceeded):
            if self._load.was_late_since(started):
                return  # the agent was late, not the source
            self._deadline.learn(self._deadline.seconds)
        now = self._clock.monotonic()
        self._breaker.failure(now, refused=isinstance(error, Denied))
        self._update(
            state=self._failure_state(error),
            error=str(error),
            failing_since=self.status.failing_since if self.status.failing_since is not None else now,
            polls=self.status.polls + 1,
            failures=self.status.failures + 1,
        )

    def _failure_state(self, error: SourceError) -> SourceState:
        if isinstance(error, Denied):
            return SourceState.FOUND if self._settings.discovered else SourceState.DENIED
        return SourceState.OPEN if self._breaker.is_open else SourceState.FAILING

    def check_age(self, now: float) -> None:
        """Say `stale` when the last reading is too old though no poll has failed (one hangs, or the host slept)."""
        last = self.status.last_ok
        calm = self.status.state in (SourceState.OK, SourceState.SLOW)
        if calm and last is not None and now - last > stale_after(self._interval):
            self._update(state=SourceState.STALE, error=f"no new reading for {seconds(now - last)}")

    async def _close(self) -> None:
        self._open = False
        with contextlib.suppress(Exception):  # what is thrown away need not be thrown away well
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._collector.close()

    def _update(self, **changes: object) -> None:
        """Take in changes; tell the others only when something that they show is new."""
        before, self.status = self.status, msgspec.structs.replace(self.status, **changes)
        shown = self.status.state is not SourceState.OK and before.next_poll != self.status.next_poll
        if shown or _face(before) != _face(self.status):
            self._on_status(self.status)


def _face(status: SourceStatus) -> tuple[object, ...]:
    return status.state, status.error, status.interval


def _is_cancelled() -> bool:
    """Return whether this task was cancelled, even where a driver swallowed it (`asyncio.wait_for` does, in 3.11)."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
