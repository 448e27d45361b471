"""What control groups allow and what they use: the tightest limit above us is the one that counts.

Version 2 (kernel: admin-guide/cgroup-v2): cpu.max, cpu.stat (µs), memory.max, memory.current, memory.stat,
memory.events. Version 1: cpu.cfs_quota_us, cpu.stat (ns), cpuacct.usage (ns), memory.*_in_bytes, memory.oom_control.
"""

from typing import NamedTuple

from perftui.collectors.host.cgroup import Group, locate
from perftui.collectors.host.files import Host, KernelFiles, numbers
from perftui.core.rates import share
from perftui.core.reading import ReadingBuilder

NO_LIMIT = 1 << 60
"""Version 1 says `no limit` with a number near 2^63."""


class CpuLimit(NamedTuple):
    """How many cores a group may use, and how many it does (None at first, and always where it is not counted)."""

    group: str
    cores: float
    usage: float | None
    counted: bool = True


class MemoryLimit(NamedTuple):
    """How much memory a group may use, how much it does without what is easily reclaimed, and its file cache."""

    group: str
    limit: float
    usage: float
    cached: float


class Limits:
    """The limits above this process; looked for again when it is moved to another group."""

    def __init__(self, host: Host) -> None:
        self.files = KernelFiles(host.files.root)
        self._counters = host.counters
        self._ours: str | None = None
        self._cpu: list[Group] = []
        self._accounts: dict[str, Group] = {}
        self._memory: list[Group] = []

    def close(self) -> None:
        """Give back every descriptor."""
        self.files.close()
        self._ours = None

    def refresh(self) -> None:
        """Find our groups, once, and again when /proc/self/cgroup says something else."""
        ours = self.files.read("proc/self/cgroup")
        if ours == self._ours:
            return
        self.close()
        self._cpu = locate(self.files, "cpu")
        self._accounts = {group.name: group for group in locate(self.files, "cpuacct")}
        self._memory = locate(self.files, "memory")
        self._ours = ours

    def read_cpu(self, into: ReadingBuilder) -> CpuLimit | None:
        """Add the limit, use and throttling of the group with the fewest cores; None when none is limited."""
        files, at = self.files, into.started
        group, cores = _tightest({group: _cores(files, group) for group in self._cpu})
        if group is None:
            return None
        counts = _cpu_counts(files, group, self._accounts.get(group.name))
        grown = {name: self._counters.delta((group, name), value, at) for name, value in counts.items()}
        usage, periods, throttled, held = (grown.get(name) for name in ("usage", "periods", "throttled", "held"))
        into.add("system.cgroup.cpu.limit", cores)
        into.add("system.cgroup.cpu.usage", usage and usage.rate)
        ratio = share(throttled and throttled.amount, periods and periods.amount)
        into.add("system.cgroup.cpu.throttled_ratio", ratio)
        into.add("system.cgroup.cpu.throttled_time", held and held.rate)
        return CpuLimit(group.name, cores, usage and usage.rate, "usage" in counts)

    def read_memory(self, into: ReadingBuilder) -> MemoryLimit | None:
        """Add the limit, use and OOM kills of the group with the least memory; None when none is limited."""
        files = self.files
        group, limit = _tightest({group: _memory_maximum(files, group) for group in self._memory})
        if group is None:
            return None
        total, stat, kills = _memory_use(files, group)
        prefix = "total_" if group.version == 1 else ""
        into.add("system.cgroup.memory.limit", limit)
        into.add("system.cgroup.memory.oom_kills", self._counters.rate((group, "oom"), kills, into.started))
        if total is None:
            return None
        usage = max(0, total - stat.get(f"{prefix}inactive_file", 0))
        into.add("system.cgroup.memory.usage", usage)
        return MemoryLimit(group.name, limit, usage, stat.get("total_cache" if prefix else "file", 0))


def _tightest(limits: dict[Group, float | None]) -> tuple[Group | None, float]:
    """Return the group with the lowest limit, of equal ones the highest up: it holds the most and is full first."""
    known = [(group, limit) for group, limit in limits.items() if limit is not None]
    return min(reversed(known), key=lambda pair: pair[1], default=(None, 0.0))


def _cores(files: KernelFiles, group: Group) -> float | None:
    if group.version == 2:
        quota, period = (files.read(f"{group.path}/cpu.max") or "max 1").split()
    else:
        quota = (files.read(f"{group.path}/cpu.cfs_quota_us") or "-1").strip()
        period = files.read(f"{group.path}/cpu.cfs_period_us") or "1"
    return None if quota in ("max", "-1") else int(quota) / int(period)


def _cpu_counts(files: KernelFiles, group: Group, account: Group | None) -> dict[str, float]:
    """Return what is counted: `usage` and `held` (throttled time) in seconds, `periods`, `throttled` periods."""
    stat = numbers(files.read(f"{group.path}/cpu.stat"))
    counts: dict[str, float | None] = {"periods": stat.get("nr_periods"), "throttled": stat.get("nr_throttled")}
    if group.version == 2:
        counts["held"] = _scaled(stat.get("throttled_usec"), 1e-6)
        counts["usage"] = _scaled(stat.get("usage_usec"), 1e-6)
    else:
        usage = files.read(f"{account.path}/cpuacct.usage") if account else None
        counts["held"] = _scaled(stat.get("throttled_time"), 1e-9)
        counts["usage"] = _scaled(None if usage is None else int(usage), 1e-9)
    return {name: value for name, value in counts.items() if value is not None}


def _scaled(value: int | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _memory_maximum(files: KernelFiles, group: Group) -> float | None:
    name = "memory.max" if group.version == 2 else "memory.limit_in_bytes"
    text = (files.read(f"{group.path}/{name}") or "max").strip()
    return None if text == "max" or int(text) >= NO_LIMIT else float(text)


def _memory_use(files: KernelFiles, group: Group) -> tuple[int | None, dict[str, int], int | None]:
    """Return the bytes charged to the group, its memory.stat, and how many of its processes were killed."""
    names = (
        ("memory.current", "memory.events") if group.version == 2 else ("memory.usage_in_bytes", "memory.oom_control")
    )
    current, events = (files.read(f"{group.path}/{name}") for name in names)
    stat = numbers(files.read(f"{group.path}/memory.stat"))
    return None if current is None else int(current), stat, numbers(events).get("oom_kill")
