"""The units of this host's systemd: one `systemctl show` a poll for all of them.

Calls: one process a poll. Units: seconds, bytes, shares. Least privileges: none, anybody may read properties; on hosts
with `hidepid` or a locked-down bus it is denied. A unit whose accounting is off has no memory or CPU: absent, not 0.
"""

import os

from perftui.collectors.services import add_units
from perftui.config.kinds import SystemdOptions
from perftui.connect.systemctl import Systemctl
from perftui.connect.systemd_units import STATE, unit_of
from perftui.connect.units import Unit
from perftui.core.clock import Clock
from perftui.core.metric import Metric
from perftui.core.rates import Counters, Recent
from perftui.core.reading import Reading, ReadingBuilder

MINUTE = 60.0


class SystemdCollector:
    """Polls one manager: that of the system or of the user."""

    metrics: tuple[Metric, ...] = ()

    def __init__(self, name: str, options: SystemdOptions, clock: Clock) -> None:
        self._name = name
        self._patterns = options.units
        self._clock = clock
        self._systemctl = Systemctl(options.scope)
        self._counters = Counters()
        self._restarts: dict[str, Recent] = {}
        self._cores = os.cpu_count() or 1

    async def open(self) -> None:
        """Forget the counters of before: nothing is held open."""
        self._counters.reset()
        self._restarts.clear()

    async def close(self) -> None:
        """Do nothing: each poll is a process of its own."""

    async def poll(self) -> Reading:
        """Read every unit that is shown."""
        builder = ReadingBuilder(self._name, self._clock)
        builder.commands = 1
        blocks = await self._systemctl.show(self._patterns, STATE)
        # Two patterns may match one unit; a name that is none of systemd's is no unit of ours.
        found = {unit.name: unit for unit in map(unit_of, blocks) if unit.name and unit.exists}
        cpu = {name: self._read(builder, unit) for name, unit in found.items()}
        self._restarts = {name: recent for name, recent in self._restarts.items() if name in found}
        add_units(builder, found.values(), cpu, self._clock.wall())
        return builder.build()

    def _read(self, builder: ReadingBuilder, unit: Unit) -> float | None:
        """Add the series of one unit that only systemd tells; return the cores that it uses."""
        at, name = builder.started, unit.name
        recent = self._restarts.setdefault(name, Recent(MINUTE))
        restarts = recent.total(self._counters.delta((name, "restarts"), unit.restarts, at), at)
        builder.add("service.restarts", None if restarts is None else restarts / MINUTE, unit=name)
        cores = self._counters.rate((name, "cpu"), unit.cpu, at)
        builder.add("service.cpu.utilization", None if cores is None else min(1.0, cores / self._cores), unit=name)
        builder.add("service.memory.usage", unit.memory, unit=name)
        return cores
