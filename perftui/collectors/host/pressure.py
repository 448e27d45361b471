"""Pressure stall information: /proc/pressure/*, whose `total` counts microseconds of waiting. Absent before 4.20."""

from perftui.collectors.host.files import Host
from perftui.core.rates import share
from perftui.core.reading import ReadingBuilder

MICROSECONDS = 1_000_000


def read_pressure(host: Host, into: ReadingBuilder) -> None:
    """Add the share of time that some or all tasks waited; `full` means nothing for the CPU of a host."""
    for resource in ("cpu", "memory", "io"):
        text = host.files.read(f"proc/pressure/{resource}")
        for line in (text or "").splitlines():
            scope, *_averages, total = line.split()
            if (resource, scope) == ("cpu", "full"):
                continue
            name = f"system.pressure.{resource}.{scope}"
            waited = host.counters.rate(name, int(total.removeprefix("total=")), into.started)
            into.add(name, None if waited is None else share(waited, MICROSECONDS))
