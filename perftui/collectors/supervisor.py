"""The programs of a supervisord: one call a poll, and once a minute its configuration (which ones start by themselves).

Calls: getAllProcessInfo, getAllConfigInfo (4.0 and later). Least privileges: whoever may use its socket may do
everything. It tells neither restarts nor memory nor CPU: those series are absent.
"""

import msgspec

from perftui.collectors.every import Every
from perftui.collectors.services import add_units
from perftui.config.kinds import SupervisorOptions
from perftui.connect.supervisor import Fault, Supervisor
from perftui.connect.units import Unit
from perftui.core.clock import Clock
from perftui.core.metric import Metric
from perftui.core.reading import Reading, ReadingBuilder

CONFIGURATION_EVERY = 60.0


class SupervisorCollector:
    """Polls one supervisord."""

    metrics: tuple[Metric, ...] = ()

    def __init__(self, name: str, options: SupervisorOptions, clock: Clock) -> None:
        self._name = name
        self._clock = clock
        self._supervisor = Supervisor(options)
        self._configuration = Every(CONFIGURATION_EVERY)
        self._wanted: frozenset[str] = frozenset()
        self._old = ""

    async def open(self) -> None:
        """Read the configuration again with the next poll."""
        self._configuration.hasten()

    async def close(self) -> None:
        """Do nothing: each call is a connection of its own."""

    async def poll(self) -> Reading:
        """Read every program."""
        builder = ReadingBuilder(self._name, self._clock)
        builder.commands = 1
        if self._configuration.due(builder.started):
            builder.commands += 1
            await self._read_configuration()
        if self._old:
            builder.deny("autostart", self._old)
        units = [self._wanting(unit) for unit in await self._supervisor.units()]
        add_units(builder, units, {}, self._clock.wall())
        return builder.build()

    async def _read_configuration(self) -> None:
        try:
            self._wanted, self._old = await self._supervisor.autostarted(), ""
        except Fault as fault:
            self._wanted, self._old = frozenset(), str(fault)

    def _wanting(self, unit: Unit) -> Unit:
        # What exited with 0 may be meant to: only what was stopped counts as down.
        wanted = unit.name in self._wanted and unit.sub == "dead"
        return msgspec.structs.replace(unit, wanted=wanted, enabled="enabled" if unit.name in self._wanted else "")
