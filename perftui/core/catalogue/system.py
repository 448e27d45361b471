"""Metrics of system sources: this host, and the control group (cgroup) that bounds what runs here.

Names follow the OpenTelemetry system semantic conventions where they have one; what they lack (`core`, `mode`,
`host`, `pressure`, `cgroup`, `await`) is declared beside it. Attributes: `cpu`, `mode`, `device`, `direction`,
`mountpoint`, `state`, `sensor`. Where a metric has series with and without attributes, the one without is the total.

Inside a limit 100 % is the limit: `system.cpu.utilization` and `system.memory.*` are of the smaller of host and
cgroup; `system.cpu.host.*` and `system.memory.host.*` are always of the whole host.
"""

from perftui.core.metric import Metric, gauge, rate, ratio

CPU = (
    ratio("system.cpu.utilization", "CPU busy, of the cores that may be used: the host's or the cgroup's", bad="up"),
    ratio("system.cpu.host.utilization", "CPU busy, of all cores of the host", bad="up"),
    ratio("system.cpu.core.utilization", "CPU busy, of each core", bad="up"),
    ratio("system.cpu.mode.utilization", "CPU time of the host by mode: user, system, iowait, steal"),
    ratio("system.cpu.steal", "CPU time that the hypervisor gave to others while we wanted it", bad="up"),
    gauge("system.cpu.logical.count", "{cpu}", "Cores of the host"),
    gauge("system.cpu.load_average.1m", "{thread}", "Threads running or waiting, over 1 minute", bad="up"),
    gauge("system.cpu.load_average.5m", "{thread}", "Threads running or waiting, over 5 minutes", bad="up"),
    gauge("system.cpu.load_average.15m", "{thread}", "Threads running or waiting, over 15 minutes", bad="up"),
    gauge("system.uptime", "s", "Time since the host started"),
)

MEMORY = (
    ratio("system.memory.utilization", "Memory in use, of what may be used: the host's or the cgroup's", bad="up"),
    gauge("system.memory.usage", "By", "Memory in use and not reclaimable: the limit less what is available", bad="up"),
    gauge("system.memory.limit", "By", "Memory that may be used: the host's or the cgroup's"),
    gauge("system.memory.cached", "By", "Memory that holds file contents and can be reclaimed"),
    gauge("system.linux.memory.available", "By", "Memory that can be had without swapping", bad="down"),
    ratio("system.memory.host.utilization", "Memory in use, of the whole host", bad="up"),
    gauge("system.memory.host.usage", "By", "Memory in use on the whole host", bad="up"),
    gauge("system.memory.host.limit", "By", "Memory of the host"),
    rate("system.memory.oom_kills", "{kill}/s", "Processes the kernel killed for lack of memory, host-wide", bad="up"),
    gauge("system.paging.usage", "By", "Swap in use", bad="up"),
    gauge("system.paging.limit", "By", "Swap there is"),
    ratio("system.paging.utilization", "Swap in use, of the swap there is", bad="up"),
    rate("system.paging.operations", "{page}/s", "Pages swapped in and out", bad="up"),
)

FILESYSTEM = (
    ratio("system.filesystem.utilization", "Space in use, of what ordinary users can have (as df says)", bad="up"),
    gauge("system.filesystem.usage", "By", "Space in use", bad="up"),
    gauge("system.filesystem.limit", "By", "Size of the filesystem"),
    ratio("system.filesystem.inodes.utilization", "Inodes in use, of all", bad="up"),
    gauge("system.filesystem.deleted.usage", "By", "Space of deleted files that processes still hold open", bad="up"),
)

DISK = (
    rate("system.disk.io", "By/s", "Bytes read from and written to a device"),
    rate("system.disk.operations", "{operation}/s", "Reads and writes that a device completed"),
    gauge("system.disk.await", "s", "Time that a completed read or write took, waiting included", bad="up"),
    ratio("system.disk.utilization", "Time during which a device had work to do", bad="up"),
)

NETWORK = (
    rate("system.network.io", "By/s", "Bytes received and transmitted; the total is of the physical interfaces"),
    rate("system.network.errors", "{error}/s", "Packets with errors", bad="up"),
    rate("system.network.dropped", "{packet}/s", "Packets dropped", bad="up"),
    rate("system.network.tcp.retransmits", "{segment}/s", "TCP segments sent again", bad="up"),
    ratio("system.network.tcp.retransmit_ratio", "TCP segments sent again, of all sent", bad="up"),
    rate("system.network.tcp.listen_overflows", "{connection}/s", "Connections refused: accept queue full", bad="up"),
    rate("system.network.tcp.listen_drops", "{connection}/s", "Connections dropped while being opened", bad="up"),
    rate("system.network.softnet.dropped", "{packet}/s", "Packets dropped: a core's backlog was full", bad="up"),
    gauge("system.network.conntrack.count", "{connection}", "Connections that the firewall tracks", bad="up"),
    gauge("system.network.conntrack.max", "{connection}", "Connections that the firewall can track"),
    ratio("system.network.conntrack.utilization", "Tracked connections, of those that can be", bad="up"),
)

PRESSURE = (
    ratio("system.pressure.cpu.some", "Time during which some task waited for CPU", bad="up"),
    ratio("system.pressure.memory.some", "Time during which some task waited for memory", bad="up"),
    ratio("system.pressure.memory.full", "Time during which every task waited for memory", bad="up"),
    ratio("system.pressure.io.some", "Time during which some task waited for I/O", bad="up"),
    ratio("system.pressure.io.full", "Time during which every task waited for I/O", bad="up"),
)

CGROUP = (
    gauge("system.cgroup.cpu.limit", "{cpu}", "Cores that the tightest cgroup above us allows"),
    gauge("system.cgroup.cpu.usage", "{cpu}", "Cores that this cgroup uses", bad="up"),
    ratio("system.cgroup.cpu.throttled_ratio", "Periods in which this cgroup was throttled", bad="up"),
    rate("system.cgroup.cpu.throttled_time", "s/s", "Time for which this cgroup's threads were held back", bad="up"),
    gauge("system.cgroup.memory.limit", "By", "Memory that the tightest cgroup above us allows"),
    gauge("system.cgroup.memory.usage", "By", "Memory that this cgroup uses, less what is easily reclaimed", bad="up"),
    rate("system.cgroup.memory.oom_kills", "{kill}/s", "Processes killed at this cgroup's limit", bad="up"),
)

OTHER = (
    gauge("system.processes.count", "{process}", "Processes: in total, and by state", bad="up"),
    gauge("hw.temperature", "Cel", "Temperature of a sensor", bad="up"),
)

SYSTEM: tuple[Metric, ...] = (*CPU, *MEMORY, *FILESYSTEM, *DISK, *NETWORK, *PRESSURE, *CGROUP, *OTHER)
