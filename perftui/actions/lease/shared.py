"""What a lease on a target looks like to the runner, and how one agent shares the one that it holds there.

A lease keeps other agents off a source while an action changes it. The runner takes one on the target of a plan and on
each source that it touches, after the guard has admitted it and before anything is recorded or done, and lets go of it
once apply has ended. Two actions on two subjects of one source share it: `Leases` counts them.
"""

import asyncio
import os
import platform
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field

from perftui.config.settings import SourceSettings
from perftui.core.clock import Clock
from perftui.core.errors import DeadlineExceeded, PerftuiError, Refused
from perftui.core.text import clean

TAKE_DEADLINE = 5.0
GIVE_DEADLINE = 3.0


@dataclass
class Lease:
    """A lease that is held: `note` says why none could be (empty when it is), `lost` is set once it is no longer."""

    note: str = ""
    lost: asyncio.Event = field(default_factory=asyncio.Event)


TakeLease = Callable[[SourceSettings, str, Clock], AbstractAsyncContextManager[Lease]]
"""Takes the source, who holds it in words, and the clock; entering raises Refused("lock", …) when another agent does.

A lease that is lost meanwhile sets `lost`, or ends the context with an error.
"""


def no_lease(_source: SourceSettings, _holder: str, _clock: Clock) -> AbstractAsyncContextManager[Lease]:
    """Hold nothing: for sources that can hold no lease, and for tests."""
    return nullcontext(Lease())


@dataclass
class _Held:
    """One source's lease, kept by a task of its own, and how many runs rest on it."""

    name: str
    let_go: asyncio.Event
    lease: asyncio.Future[Lease]
    task: asyncio.Task[None] | None = None
    users: int = 0

    @property
    def is_lost(self) -> bool:
        """Whether it was taken and is no longer held."""
        if not self.lease.done() or self.lease.cancelled() or self.lease.exception() is not None:
            return False
        return self.lease.result().lost.is_set()


class Leases:
    """Takes at most one lease a source, for all that this agent does there."""

    def __init__(self, take: TakeLease, clock: Clock) -> None:
        self._take = take
        self._clock = clock
        self._held: dict[str, _Held] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}

    async def take(self, sources: Sequence[SourceSettings]) -> "Hold":
        """Hold a lease on each source, or on none. Raises Refused and SourceError."""
        hold = Hold(self)
        try:
            for source in sources:
                held = self._join(source)
                hold.held.append(held)
                await _taken(held)
        except BaseException:
            await hold.release()
            raise
        return hold

    def _join(self, source: SourceSettings) -> _Held:
        held = self._held.get(source.name)
        if held is None or held.is_lost:
            held = _Held(source.name, asyncio.Event(), asyncio.get_running_loop().create_future())
            self._held[source.name] = held
            held.task = asyncio.create_task(self._keep(source, held), name=f"lease on {source.name}")
        held.users += 1
        return held

    async def leave(self, held: _Held) -> None:
        """Give up one use of a lease; the last one gives it back, within 3 s."""
        held.users -= 1
        if held.users > 0 or held.task is None:
            return
        if self._held.get(held.name) is held:
            del self._held[held.name]
        self._ending[held.name] = held.task
        held.let_go.set()
        if not held.lease.done():
            held.task.cancel()
        _, slow = await asyncio.wait([held.task], timeout=GIVE_DEADLINE)
        for task in slow:
            task.cancel()
        if self._ending.get(held.name) is held.task:
            del self._ending[held.name]

    async def _keep(self, source: SourceSettings, held: _Held) -> None:
        """Hold the lease from its taking to its giving back in one task, as timeouts and task groups in it want."""
        try:
            if source.name in self._ending:
                await asyncio.wait([self._ending[source.name]], timeout=GIVE_DEADLINE)
            async with self._take(source, _holder(), self._clock) as lease:
                if not held.lease.done():
                    held.lease.set_result(lease)
                await held.let_go.wait()
        except PerftuiError as error:
            _fail(held, error)
        except Exception as error:  # noqa: BLE001 - a defect in it must reach whoever waits for the lease
            _fail(held, Refused("lock", clean(f"no lease on {source.name}: {error}"), "try again"))
        finally:
            if not held.lease.done():
                held.lease.cancel()


class Hold:
    """The leases that one run rests on."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self.held: list[_Held] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """Why no lease could be held where none is."""
        return tuple(held.lease.result().note for held in self.held if held.lease.result().note)

    async def lost(self) -> str:
        """Wait until a lease is lost and return the name of its source."""
        waits = {asyncio.create_task(held.lease.result().lost.wait()): held.name for held in self.held}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            _cancel(waits)
        return waits[next(iter(done))]

    async def release(self) -> None:
        """Let go of all of them."""
        leaving, self.held = self.held, []
        for held in leaving:
            await self._leases.leave(held)


async def _taken(held: _Held) -> None:
    try:
        async with asyncio.timeout(TAKE_DEADLINE):
            await asyncio.shield(held.lease)
    except TimeoutError as error:
        raise DeadlineExceeded(f"{held.name} gave no lease within {TAKE_DEADLINE:.0f} s") from error


def _cancel(tasks: Iterable[asyncio.Task[bool]]) -> None:
    for task in tasks:
        task.cancel()


def _fail(held: _Held, error: PerftuiError) -> None:
    """Tell whoever waits for the lease, or whoever rests on it, that there is none (any more)."""
    if not held.lease.done():
        held.lease.set_exception(error)
        held.lease.exception()  # whoever waited may be gone
    elif not held.lease.cancelled() and held.lease.exception() is None:
        held.lease.result().lost.set()


def _holder() -> str:
    return f"perftui on {clean(platform.node(), 64)}, pid {os.getpid()}"
