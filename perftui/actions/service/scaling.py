"""The two ways in which workers are scaled: numbered units of a manager, and commands of the user's."""

import asyncio
import contextlib
import re
import shlex
from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec

from perftui.actions import declared
from perftui.actions.contract import Job
from perftui.actions.service.evidence import state_words
from perftui.actions.service.groups import members, numbered
from perftui.actions.service.manager import Begun, Manager
from perftui.actions.service.settle import Settled, ended_start, ended_stop, settle
from perftui.config.remedies import ScaleGroup
from perftui.connect.program import End, run_program
from perftui.connect.units import Unit
from perftui.core.action import Line
from perftui.core.clock import Clock
from perftui.core.errors import BadAnswer, DeadlineExceeded, Denied, PerftuiError, Refused, SourceError
from perftui.core.moment import boot_id
from perftui.core.units import seconds

COUNT_DEADLINE = 5.0
COUNT_EVERY = 0.5


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How many run, and which where that is known; `units` are all of the group, whether they run or not."""

    count: int
    running: tuple[str, ...] = ()
    units: tuple[Unit, ...] = ()


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """How a change ended: how many run now (None: not known), and in words what was not reached (empty: all was).

    `told` is how many were told to start or stop, where they are told one by one.
    """

    count: int | None
    told: int = 0
    problem: str = ""
    failed: int = 0
    left: int = 0
    cancelled: bool = False
    lines: tuple[Line, ...] = ()


class Scaler(ABC):
    """Scales one group."""

    @abstractmethod
    async def identity(self) -> dict[str, str]:
        """Return what the group is, and how many run of it."""

    @abstractmethod
    async def standing(self) -> Standing:
        """Read how many run. Raises SourceError."""

    @abstractmethod
    def refuse(self, standing: Standing, count: int, now: float) -> None:
        """Raise Refused where scaling would make it worse."""

    @abstractmethod
    def targets(self, standing: Standing, count: int) -> tuple[str, ...]:
        """Return what is started or stopped."""

    @abstractmethod
    def typed(self, standing: Standing, count: int) -> str:
        """Return the command that does the same by hand."""

    @abstractmethod
    async def change(self, job: Job, before: Standing, count: int) -> Reached:
        """Do it and wait until it is so. Raises PerftuiError only while nothing was changed."""


class UnitScaler(Scaler):
    """Numbered units: the lowest numbers are started first, the highest stopped first."""

    def __init__(self, group: ScaleGroup, manager: Manager, clock: Clock) -> None:
        self._group = group
        self._manager = manager
        self._clock = clock

    async def identity(self) -> dict[str, str]:
        """Return the group's definition, the manager's run and which of the group run."""
        standing = await self.standing()
        running = [f"{unit.name} {unit.invocation}" for unit in standing.units if unit.name in standing.running]
        known = {"manager": await self._manager.home(), "running": ", ".join(running)}
        return declared.definition(self._group) | known

    async def standing(self) -> Standing:
        """Read all numbers that may run."""
        units = tuple(await self._manager.read(members(self._group)))
        running = tuple(unit.name for unit in units if _runs(unit))
        return Standing(count=len(running), running=running, units=units)

    def refuse(self, standing: Standing, count: int, now: float) -> None:
        """Refuse what is not there, and to start more of what crashes again and again."""
        if not any(unit.exists for unit in standing.units):
            raise Refused("unit", f"there is no {self._group.unit}", "look at `unit` of the group in perftui.toml")
        if count <= standing.count:
            return
        for unit in standing.units:
            if loop := unit.crash_loop(now):
                remedy = "look at its log and mend that first"
                raise Refused("crash loop", f"{unit.name}: {loop}", remedy)
        if len(self.targets(standing, count)) < count - standing.count:
            there = sum(unit.exists and not unit.masked for unit in standing.units)
            raise Refused("unit", f"only {there} of {self._group.unit} are there", "define more of them")

    def targets(self, standing: Standing, count: int) -> tuple[str, ...]:
        """Return the lowest numbers that do not run, or the highest that do."""
        if count < standing.count:
            return tuple(reversed(standing.running))[: standing.count - count]
        free = [unit.name for unit in standing.units if unit.exists and not unit.masked and not _runs(unit)]
        return tuple(free[: count - standing.count])

    def typed(self, standing: Standing, count: int) -> str:
        """Return one command for all of them."""
        verb = "start" if count > standing.count else "stop"
        return shlex.join(self._manager.typed(verb, self.targets(standing, count)))

    async def change(self, job: Job, before: Standing, count: int) -> Reached:
        """Start or stop those that are still as they were, and wait for each."""
        is_up = count > before.count
        standing = await self.standing()
        now = {unit.name: unit for unit in standing.units}
        wanted = [now[name] for name in job.plan.targets if _runs(now[name]) is not is_up]
        left = len(job.plan.targets) - len(wanted)
        if not wanted:
            return Reached(count=standing.count, left=left)
        try:
            begun = await self._manager.begin("start" if is_up else "stop", wanted, job.cancelled)
        except SourceError as error:
            return await self._broken_off(before, wanted, error)
        try:
            settled = await settle(
                self._manager,
                [unit.name for unit in begun.units],
                ended_start if is_up else ended_stop,
                deadline=float(self._group.deadline),
                clock=self._clock,
                report=job.report,
                cancelled=job.cancelled,
            )
            standing = await self.standing()
        except SourceError as error:
            problem = "; ".join(dict.fromkeys(filter(None, [begun.problem, str(error)])))
            return Reached(count=None, told=len(begun.units), problem=problem, failed=len(wanted), left=left)
        return self._reached(standing, wanted, begun, settled, left)

    async def _broken_off(self, before: Standing, wanted: list[Unit], error: SourceError) -> Reached:
        """Return how far it came when the manager took none of it for sure; raise `error` when it took nothing."""
        try:
            standing = await self.standing()
        except SourceError:
            if isinstance(error, Denied):
                raise error from None
            return Reached(count=None, problem=str(error), failed=len(wanted))
        if standing.running == before.running and not isinstance(error, DeadlineExceeded):
            raise error
        changed = abs(standing.count - before.count)
        return Reached(count=standing.count, problem=str(error), failed=max(0, len(wanted) - changed))

    def _reached(
        self, standing: Standing, wanted: Sequence[Unit], begun: Begun, settled: Settled, left: int
    ) -> Reached:
        problems = [begun.problem, *(f"{unit.name}: {why}" for unit, why in settled.missed)]
        if settled.waiting and not settled.cancelled:
            late = ", ".join(f"{unit.name} is {unit.active} ({unit.sub})" for unit in settled.waiting[:3])
            problems.append(f"did not get there within {seconds(self._group.deadline)}: {late}")
        before, now = {unit.name: unit for unit in wanted}, self._clock.wall()
        not_begun = len(wanted) - len(begun.units)
        failed = len(settled.missed) + (0 if settled.cancelled else len(settled.waiting))
        return Reached(
            # The true count: what is still being started does not run yet.
            count=sum(unit.is_up for unit in standing.units),
            told=len(begun.units),
            problem="; ".join(list(filter(None, problems))[:3]),
            failed=failed + (not_begun if begun.problem else 0),
            left=left,
            cancelled=settled.cancelled or (not_begun > 0 and not begun.problem),
            lines=tuple(
                Line(unit.name, state_words(before[unit.name], now), state_words(unit, now))
                for unit in settled.units
                if unit.name in before
            ),
        )


def _runs(unit: Unit) -> bool:
    return unit.is_up or (unit.active == "activating" and not unit.is_waiting_to_restart)


class CommandScaler(Scaler):
    """A command of the user's with `{n}`, and one that prints how many run."""

    def __init__(self, name: str, group: ScaleGroup, clock: Clock) -> None:
        self._name = name
        self._group = group
        self._clock = clock

    async def identity(self) -> dict[str, str]:
        """Return the group's definition, which file its program is, the host's boot and how many run."""
        file = await declared.program_file(self._group.command[0])
        known = {"boot": boot_id(), "group": self._name, "count": str((await self.standing()).count)}
        return declared.definition(self._group) | file | known

    async def standing(self) -> Standing:
        """Ask the user's command. Raises SourceError."""
        ended = await run_program(self._group.count, {}, COUNT_DEADLINE)
        if ended.end is not End.ITSELF:
            raise DeadlineExceeded(f"`count` of {self._name} did not end within {seconds(COUNT_DEADLINE)}")
        last = ended.lines[-1].strip() if ended.lines else ""
        if ended.status or not re.fullmatch(r"\d{1,6}", last):
            raise BadAnswer(f"`count` of {self._name} printed no number: {ended.words}")
        return Standing(count=int(last))

    def refuse(self, standing: Standing, count: int, now: float) -> None:
        """Refuse nothing: what a command starts cannot be looked at."""

    def targets(self, standing: Standing, count: int) -> tuple[str, ...]:
        """Return the group itself."""
        return (f"{self._name} {standing.count} → {count}",)

    def typed(self, standing: Standing, count: int) -> str:
        """Return the user's command with its number."""
        return shlex.join(self._words(count))

    def _words(self, count: int) -> tuple[str, ...]:
        return tuple(numbered(word, count) for word in self._group.command)

    async def change(self, job: Job, before: Standing, count: int) -> Reached:
        """Run it, and count until the number is reached or the time is up."""
        deadline = self._clock.monotonic() + float(self._group.deadline)
        job.report(None, f"running {self._words(count)[0]}")
        ended = await run_program(self._words(count), {}, float(self._group.deadline), cancelled=job.cancelled)
        broken = (
            "" if ended.end is End.ITSELF and not ended.status else f"the command was {ended.end.value}: {ended.words}"
        )
        try:
            found = (await self.standing()).count
            while found != count and not broken and not job.cancelled.is_set() and self._clock.monotonic() < deadline:
                job.report(None, f"{found} of {count} run")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(COUNT_EVERY):
                        await job.cancelled.wait()
                found = (await self.standing()).count
        except PerftuiError as error:
            return Reached(count=None, problem="; ".join(filter(None, [broken, str(error)])), failed=1)
        line = (Line(self._name, f"{before.count} run", f"{found} run"),)
        if job.cancelled.is_set() and found != count:
            return Reached(count=found, cancelled=True, lines=line)
        if broken or found != count:
            late = f"it did not get there within {seconds(self._group.deadline)}: {found} of {count} run"
            return Reached(count=found, problem=broken or late, failed=1, lines=line)
        return Reached(count=found, lines=line)
