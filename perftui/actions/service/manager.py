"""What starts and stops services: systemd, or a supervisord; the actions are the same on both."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from perftui.config.kinds import SupervisorOptions, SystemdOptions
from perftui.config.settings import SourceSettings
from perftui.connect.journal import LONGEST_LINE, journal_lines
from perftui.connect.program import said
from perftui.connect.supervisor import Fault, Supervisor
from perftui.connect.systemctl import Systemctl, unit_name
from perftui.connect.systemd_units import read_units
from perftui.connect.units import Unit
from perftui.core.errors import DeadlineExceeded, Refused, SourceError
from perftui.core.moment import boot_id
from perftui.core.text import clean

LOG_LINES = 10
POLL = 0.2
STOP_DEADLINE = 45.0
"""Seconds that a program of supervisor may take to stop before it is not started again."""
KILL_PATIENCE = 3.0
"""Seconds that it may take, once the agent ends, to kill what is slow to stop and start it again."""


class Begun(NamedTuple):
    """The units on which a verb was begun, before `cancelled` was set or `problem` came up; `note` is about them."""

    units: tuple[Unit, ...]
    problem: str = ""
    note: str = ""


class Manager(ABC):
    """Speaks to one manager of services. Every method raises SourceError; a name that cannot be one is Refused."""

    has_reload = False

    @abstractmethod
    async def home(self) -> str:
        """Return what tells this run of the manager from any other: the boot of the host, the pid of supervisord."""

    @abstractmethod
    async def read(self, names: Sequence[str]) -> list[Unit]:
        """Return the units of these names; one that is not there has `exists` False."""

    @abstractmethod
    async def log(self, unit: Unit) -> tuple[str, ...]:
        """Return its last lines, oldest first, fit for the screen."""

    @abstractmethod
    async def begin(self, verb: str, units: Sequence[Unit], cancelled: asyncio.Event) -> Begun:
        """Begin to `start`, `stop`, `restart` or `reload` them, and return as soon as that is under way.

        Stops between two of them once `cancelled` is set. Raises only where the first was not begun, or may not be.
        """

    @abstractmethod
    def typed(self, verb: str, names: Sequence[str]) -> list[str]:
        """Return the command that does the same by hand."""

    async def one(self, name: str) -> Unit:
        """Return one unit, which may not be there."""
        units = await self.read([name])
        return units[0] if units else Unit(name=clean(name, 200), active="", exists=False)


class SystemdManager(Manager):
    """The systemd of the host or of the user."""

    has_reload = True

    def __init__(self, options: SystemdOptions) -> None:
        self.systemctl = Systemctl(options.scope)

    async def home(self) -> str:
        """Return what tells this run of the manager from any other."""
        return f"boot {boot_id() or 'unknown'}"

    async def read(self, names: Sequence[str]) -> list[Unit]:
        """Return the units of these names."""
        return await read_units(self.systemctl, [full_name(name) for name in names])

    async def log(self, unit: Unit) -> tuple[str, ...]:
        """Return the last lines of its journal."""
        return await journal_lines(unit.name, LOG_LINES, self.systemctl.scope)

    async def begin(self, verb: str, units: Sequence[Unit], cancelled: asyncio.Event) -> Begun:
        """Begin a verb on all of them in one call; what was started too often is forgotten first."""
        for unit in units:
            if verb in ("start", "restart") and unit.result == "start-limit-hit":
                await self.systemctl.reset_failed(unit.name)
        if cancelled.is_set():
            return Begun(())
        await self.systemctl.verb(verb, [unit.name for unit in units])
        return Begun(tuple(units))

    def typed(self, verb: str, names: Sequence[str]) -> list[str]:
        """Return the command that does the same by hand."""
        return self.systemctl.words(verb, *names)


class SupervisorManager(Manager):
    """One supervisord."""

    def __init__(self, options: SupervisorOptions) -> None:
        self._options = options
        self._supervisor = Supervisor(options)

    async def home(self) -> str:
        """Return what tells this run of the manager from any other."""
        return f"supervisord {clean(str(await self._supervisor.call('supervisor.getPID')), 20)}"

    async def read(self, names: Sequence[str]) -> list[Unit]:
        """Return the units of these names."""
        there = {unit.name: unit for unit in await self._supervisor.units()}
        return [there.get(name) or Unit(name=clean(name, 200), active="", exists=False) for name in names]

    async def log(self, unit: Unit) -> tuple[str, ...]:
        """Return the end of its stderr; of its stdout, where it has written nothing there."""
        for stream in ("Stderr", "Stdout"):
            try:
                text = await self._supervisor.tail(unit.name, stream)
            except Fault:  # it has no such log
                continue
            lines = [line for line in text.splitlines() if line.strip()]
            if lines:
                return tuple(said(line, LONGEST_LINE) for line in lines[-LOG_LINES:])
        return ()

    async def begin(self, verb: str, units: Sequence[Unit], cancelled: asyncio.Event) -> Begun:
        """Begin a verb on one after another; a restart is a stop, the wait for its end, and a start."""
        notes: list[str] = []
        for done, unit in enumerate(units):
            if cancelled.is_set():
                return Begun(tuple(units[:done]), note="; ".join(notes))
            try:
                if verb == "restart":
                    notes += await self._restart(unit)
                elif verb == "stop":
                    await self._stop(unit)
                else:
                    await self._start(unit)
            except SourceError as error:
                if not done:
                    raise
                return Begun(tuple(units[:done]), str(error), "; ".join(notes))
        return Begun(tuple(units), note="; ".join(notes))

    async def _restart(self, unit: Unit) -> list[str]:
        """Stop it and start it again, once it was told to stop whatever happens; return what there is to say of it.

        The agent may end meanwhile, and cancels us then: what has not stopped by itself is killed, as nobody would be
        left to start it. Whoever restarts it gets to know that, so the cancellation ends here.
        """
        again = asyncio.create_task(self._stop_and_start(unit), name=f"restart of {unit.name}")
        try:
            await asyncio.shield(again)
        except asyncio.CancelledError:
            if again.cancelled():
                raise
            return [await self._hasten(unit, again)]
        return []

    async def _hasten(self, unit: Unit, again: asyncio.Task[None]) -> str:
        """Kill what is slow to stop, and return once it was started again. Raises SourceError."""
        try:
            async with asyncio.timeout(KILL_PATIENCE):
                killed = await self._kill(unit)
                await again
        except TimeoutError as error:
            again.cancel()
            what = f"{unit.name} was told to stop and may not have been started again"
            raise DeadlineExceeded(f"{what}: the agent ended") from error
        how = "was killed, as it was slow to stop, and" if killed else "was"
        return f"the agent ended meanwhile: {unit.name} {how} started again"

    async def _kill(self, unit: Unit) -> bool:
        """Kill it where it is still stopping; return whether it was."""
        if (await self.one(unit.name)).active != "deactivating":
            return False
        with contextlib.suppress(Fault):  # it has just stopped
            await self._supervisor.call("supervisor.signalProcess", unit.name, "KILL")
        return True

    async def _stop_and_start(self, unit: Unit) -> None:
        await self._stop(unit)
        await self._until_stopped(unit)
        await self._start(unit)

    async def _stop(self, unit: Unit) -> None:
        try:
            await self._supervisor.call("supervisor.stopProcess", unit.name, False)
        except Fault as fault:
            if fault.code != _NOT_RUNNING:
                raise

    async def _start(self, unit: Unit) -> None:
        try:
            await self._supervisor.call("supervisor.startProcess", unit.name, False)
        except Fault as fault:
            # That it could not be spawned is its state from now on, with the reason: what follows reads that.
            if fault.code not in (_SPAWN_ERROR, _ALREADY_STARTED):
                raise

    async def _until_stopped(self, unit: Unit) -> None:
        try:
            async with asyncio.timeout(STOP_DEADLINE):
                while (await self.one(unit.name)).active not in ("inactive", "failed"):  # noqa: ASYNC110 - far away
                    await asyncio.sleep(POLL)
        except TimeoutError as error:
            raise DeadlineExceeded(
                f"{unit.name} was told to stop and has not within {STOP_DEADLINE:.0f} s; start it then"
            ) from error

    def typed(self, verb: str, names: Sequence[str]) -> list[str]:
        """Return the command that does the same by hand."""
        where = self._options.url if not self._options.url.startswith("unix:") else f"unix://{self._supervisor.place}"
        user = ["-u", self._options.username] if self._options.username else []
        return ["supervisorctl", "-s", where, *user, verb, *names]


_SPAWN_ERROR, _ALREADY_STARTED, _NOT_RUNNING = 50, 60, 70


def manager_of(target: SourceSettings) -> Manager:
    """Return the manager of a systemd or supervisor source."""
    match target.options:
        case SystemdOptions() as options:
            return SystemdManager(options)
        case SupervisorOptions() as options:
            return SupervisorManager(options)
    raise Refused("target", f"{target.name} is a {target.kind}, which manages no services", "choose a systemd source")


def full_name(name: str) -> str:
    """Return the full name of a unit of systemd. Raises Refused for a pattern and for what is no name."""
    try:
        return unit_name(name)
    except ValueError as error:
        raise Refused("parameters", str(error), "give the name of one unit") from error
