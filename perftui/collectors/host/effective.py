"""Inside a limit, 100 % is the limit: what may be used is the smaller of the host's and the cgroup's."""

from perftui.collectors.host.cpu import HostCpu
from perftui.collectors.host.limits import CpuLimit, MemoryLimit
from perftui.collectors.host.memory import HostMemory
from perftui.core import units
from perftui.core.rates import share
from perftui.core.reading import ReadingBuilder


def add_cpu(into: ReadingBuilder, host: HostCpu, limit: CpuLimit | None) -> str:
    """Add the CPU in use of what may be used; return the limit in words, empty when it is the host's."""
    if limit is None or limit.cores >= host.cores:
        into.add("system.cpu.utilization", host.utilization)
        return ""
    if not limit.counted:
        into.deny("system.cpu.utilization", f"cgroup {limit.group} is limited, but its use is not counted: no cpuacct")
    into.add("system.cpu.utilization", share(limit.usage, limit.cores))
    return f"{round(limit.cores, 2)} cores"


def add_memory(into: ReadingBuilder, host: HostMemory, limit: MemoryLimit | None) -> str:
    """Add the memory in use of what may be used; return the limit in words, empty when it is the host's."""
    bounded = limit is not None and limit.limit < host.limit
    bound = limit if limit is not None and bounded else host
    into.add("system.memory.limit", bound.limit)
    into.add("system.memory.usage", bound.usage)
    into.add("system.memory.utilization", share(bound.usage, bound.limit))
    into.add("system.memory.cached", bound.cached)
    into.add("system.linux.memory.available", max(0.0, min(host.available, bound.limit - bound.usage)))
    return str(units.size(bound.limit)) if bounded else ""
