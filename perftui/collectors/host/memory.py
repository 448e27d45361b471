"""Memory, swap and OOM kills: /proc/meminfo (KiB) and /proc/vmstat."""

from typing import NamedTuple

from perftui.collectors.host.files import Host, numbers
from perftui.core.rates import share
from perftui.core.reading import ReadingBuilder

KIB = 1024


class HostMemory(NamedTuple):
    """The memory of the whole host, in bytes."""

    limit: float
    available: float
    cached: float

    @property
    def usage(self) -> float:
        """What is in use and cannot be reclaimed."""
        return self.limit - self.available


def read_memory(host: Host, into: ReadingBuilder) -> HostMemory | None:
    """Add memory of the host and swap; None where the kernel does not say."""
    info = {name: value * KIB for name, value in numbers(host.files.read("proc/meminfo")).items()}
    if "SwapTotal" in info and "SwapFree" in info:
        used = info["SwapTotal"] - info["SwapFree"]
        into.add("system.paging.usage", used)
        into.add("system.paging.limit", info["SwapTotal"])
        into.add("system.paging.utilization", share(used, info["SwapTotal"]))
    if "MemTotal" not in info or "MemAvailable" not in info:
        return None
    cached = info.get("Cached", 0) + info.get("SReclaimable", 0)
    memory = HostMemory(info["MemTotal"], info["MemAvailable"], cached)
    into.add("system.memory.host.limit", memory.limit)
    into.add("system.memory.host.usage", memory.usage)
    into.add("system.memory.host.utilization", share(memory.usage, memory.limit))
    return memory


def read_paging(host: Host, into: ReadingBuilder) -> None:
    """Add the rates of swapping and of OOM kills."""
    counts = numbers(host.files.read("proc/vmstat"))
    for direction, name in (("in", "pswpin"), ("out", "pswpout")):
        rate = host.counters.rate(name, counts.get(name), into.started)
        into.add("system.paging.operations", rate, direction=direction)
    into.add("system.memory.oom_kills", host.counters.rate("oom_kill", counts.get("oom_kill"), into.started))
