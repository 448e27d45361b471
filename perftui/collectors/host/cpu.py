"""CPU by core and mode, load and uptime: /proc/stat (ticks), /proc/loadavg, /proc/uptime."""

from collections.abc import Iterator
from typing import NamedTuple

from perftui.collectors.host.files import Host
from perftui.core.errors import Unreachable
from perftui.core.rates import share
from perftui.core.reading import ReadingBuilder, Table

MODES = ("user", "system", "iowait", "steal")
COLUMNS = ("cpu", "utilization", *MODES)


class HostCpu(NamedTuple):
    """The CPU of the whole host: how many cores, and the share of them that was busy."""

    cores: int
    utilization: float | None


def read_cpu(host: Host, into: ReadingBuilder) -> HostCpu:
    """Add utilization of the host by mode and by core, and the table `cores`. Raises Unreachable without /proc/stat."""
    text = host.files.read("proc/stat")
    if text is None:
        raise Unreachable(f"{host.files.root / 'proc/stat'} cannot be read: is /proc mounted?")
    total: float | None = None
    rows: list[tuple[int | float | None, ...]] = []
    for core, ticks in _ticks(text):
        busy, modes = _shares(host, core, ticks, into.started)
        if core:
            into.add("system.cpu.core.utilization", busy, cpu=core)
            rows.append((int(core), busy, *modes))
        else:
            total = busy
            _add_total(into, busy, modes)
    into.add("system.cpu.logical.count", len(rows))
    into.table("cores", Table(columns=COLUMNS, rows=tuple(rows)))
    return HostCpu(len(rows), total)


def read_load(host: Host, into: ReadingBuilder) -> None:
    """Add the load averages and the uptime."""
    load = host.files.read("proc/loadavg")
    if load is not None:
        for minutes, value in zip(("1m", "5m", "15m"), load.split(), strict=False):
            into.add(f"system.cpu.load_average.{minutes}", float(value))
    uptime = host.files.read("proc/uptime")
    if uptime is not None:
        into.add("system.uptime", float(uptime.split()[0]))


def _ticks(text: str) -> Iterator[tuple[str, list[int]]]:
    """Yield (core, ticks by mode) of each `cpu` line, which come first; the core is empty for all together."""
    for line in text.splitlines():
        if not line.startswith("cpu"):
            return
        name, *ticks = line.split(None, 9)
        yield name[3:], [int(tick) for tick in ticks[:8]]


def _shares(host: Host, core: str, ticks: list[int], at: float) -> tuple[float | None, list[float | None]]:
    """Return the busy share and the share of each of MODES; waiting for I/O is idle (guests are in user)."""
    user, nice, system, idle, iowait, irq, softirq, steal = ticks
    modes = (user + nice, system + irq + softirq, iowait, steal)
    grown = [
        host.counters.delta(("cpu", core, name), value, at)
        for name, value in zip(("total", "busy", *MODES), (sum(ticks), sum(ticks) - idle - iowait, *modes), strict=True)
    ]
    total, *parts = (None if delta is None else delta.amount for delta in grown)
    busy, *shares = (share(part, total) for part in parts)
    return busy, shares


def _add_total(into: ReadingBuilder, busy: float | None, modes: list[float | None]) -> None:
    into.add("system.cpu.host.utilization", busy)
    into.add("system.cpu.steal", modes[MODES.index("steal")])
    for mode, value in zip(MODES, modes, strict=True):
        into.add("system.cpu.mode.utilization", value, mode=mode)
