"""Metrics of services, whose series carry `unit`: units of systemd, programs of supervisor (without memory and CPU)."""

from perftui.core.metric import Metric, gauge, rate, ratio

SERVICE: tuple[Metric, ...] = (
    gauge("service.up", "1", "1 while it runs, 0 when it failed or is enabled and does not; else absent", bad="down"),
    rate("service.restarts", "{restart}/s", "Restarts by its manager (NRestarts), mean of the last minute", bad="up"),
    gauge("service.memory.usage", "By", "Memory of its control group (MemoryCurrent)", bad="up"),
    ratio("service.cpu.utilization", "CPU time of its control group, as a share of all CPUs", bad="up"),
    gauge("service.failed", "{unit}", "Units that failed, of those that are shown", bad="up"),
    gauge("service.active", "{unit}", "Units that run, of those that are shown"),
)
