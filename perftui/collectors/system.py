"""`system` sources: this host and the limits it runs under. No privileges needed; what is refused is named.

Reads small files of /proc and /sys, about 3 ms a poll for 330 processes; never waits for another machine. Units: bytes,
seconds, ratios 0..1. Tables: `processes` (the busiest 200), `cores`, and `deleted_files` that are open still. Facts:
`kernel`, and `limit` when a cgroup allows less than the host has.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from perftui.collectors.host import effective
from perftui.collectors.host.cpu import read_cpu, read_load
from perftui.collectors.host.disks import read_disks
from perftui.collectors.host.files import Host, KernelFiles
from perftui.collectors.host.filesystems import Filesystems
from perftui.collectors.host.limits import Limits
from perftui.collectors.host.memory import read_memory, read_paging
from perftui.collectors.host.network import read_interfaces, read_queues, read_tcp
from perftui.collectors.host.open_files import DeletedFiles
from perftui.collectors.host.pressure import read_pressure
from perftui.collectors.host.processes import ProcessTable
from perftui.collectors.host.sensors import Temperatures
from perftui.config.kinds import SystemOptions
from perftui.core.clock import Clock
from perftui.core.metric import Metric
from perftui.core.rates import Counters
from perftui.core.reading import Reading, ReadingBuilder
from perftui.core.text import clean

T = TypeVar("T")


class SystemCollector:
    """Polls this host. `root` is where /proc, /sys and /etc are found."""

    metrics: tuple[Metric, ...] = ()

    def __init__(self, name: str, options: SystemOptions, clock: Clock, root: Path = Path("/")) -> None:
        self._name = name
        self._clock = clock
        self._host = host = Host(KernelFiles(root), Counters())
        self._limits = Limits(host)
        self._filesystems = Filesystems(host)
        self._temperatures = Temperatures(host)
        self._processes = ProcessTable(host) if options.processes else None
        self._deleted = DeletedFiles(root) if options.processes else None

    async def open(self) -> None:
        """Do nothing: what is read is opened when it is first needed."""

    async def poll(self) -> Reading:
        """Read the host once, inline: it takes a few milliseconds. Raises Unreachable without /proc."""
        into = ReadingBuilder(self._name, self._clock)
        self._read_limited(into)
        for subject, read in self._subjects().items():
            _guarded(into, subject, read)
        kernel = self._host.files.read("proc/sys/kernel/osrelease")
        if kernel is not None:
            into.fact("kernel", clean(kernel.strip()))
        for files in (self._host.files, self._limits.files):
            for path, why in files.refused.items():
                into.deny(f"/{clean(path)}", why)
        return into.build()

    async def close(self) -> None:
        """Give back every descriptor."""
        self._limits.close()
        self._filesystems.close()
        if self._processes is not None:
            self._processes.close()
        self._host.files.close()
        self._host.counters.reset()

    def _read_limited(self, into: ReadingBuilder) -> None:
        """Read CPU and memory, of the host and of what a cgroup allows."""
        _guarded(into, "cgroup", lambda _: self._limits.refresh())
        cpu = _guarded(into, "cpu", partial(read_cpu, self._host))
        cpu_limit = _guarded(into, "cgroup cpu", self._limits.read_cpu)
        memory = _guarded(into, "memory", partial(read_memory, self._host))
        memory_limit = _guarded(into, "cgroup memory", self._limits.read_memory)
        limits = (
            effective.add_cpu(into, cpu, cpu_limit) if cpu else "",
            effective.add_memory(into, memory, memory_limit) if memory else "",
        )
        if any(limits):
            into.fact("limit", "cgroup " + ", ".join(filter(None, limits)))

    def _subjects(self) -> dict[str, Callable[[ReadingBuilder], None]]:
        host = self._host
        subjects: dict[str, Callable[[ReadingBuilder], None]] = {
            "load": partial(read_load, host),
            "paging": partial(read_paging, host),
            "filesystems": self._filesystems.read,
            "disks": partial(read_disks, host),
            "interfaces": partial(read_interfaces, host),
            "tcp": partial(read_tcp, host),
            "network queues": partial(read_queues, host),
            "pressure": partial(read_pressure, host),
            "temperatures": self._temperatures.read,
        }
        if self._processes is not None:
            subjects["processes"] = self._processes.read
        if self._deleted is not None:
            subjects["deleted files"] = self._deleted.read
        return subjects


def _guarded(into: ReadingBuilder, subject: str, read: Callable[[ReadingBuilder], T]) -> T | None:
    """Read one subject; when its files are not what the kernel documents, it alone is missing, and says why."""
    try:
        return read(into)
    except OSError as error:
        into.deny(subject, (error.strerror or type(error).__name__).lower())
    except (ValueError, LookupError) as error:
        into.deny(subject, clean(f"unexpected content: {error}"))
    return None
