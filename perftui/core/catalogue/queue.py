"""Metrics of job queues, whose series carry `queue` (its name) and `kind` (`bullmq` or `list`).

A plain list has depth, change and drain time only. Where BullMQ leaves no trace of what it finished
(`removeOnComplete: true` and no worker metrics) `queue.completed` is absent, not 0; likewise `queue.failed`.
"""

from perftui.core.metric import Metric, gauge, rate

QUEUE: tuple[Metric, ...] = (
    gauge("queue.depth", "{job}", "Jobs that wait to be taken: wait, paused and prioritized", bad="up"),
    gauge("queue.jobs", "{job}", "Jobs by state, in BullMQ's words (wait, active, delayed, failed, …)"),
    gauge("queue.oldest_age", "s", "Since the job that is next in line was added", bad="up"),
    rate("queue.added", "{job}/s", "Jobs added, mean of the last 10 s; one refused as a duplicate counts"),
    rate("queue.completed", "{job}/s", "Jobs completed, mean of the last 10 s"),
    rate("queue.failed", "{job}/s", "Jobs failed for good, mean of the last 10 s; retries not counted", bad="up"),
    rate("queue.change", "{job}/s", "Growth of the depth over the last 10 s; negative while it drains", bad="up"),
    gauge("queue.drain_time", "s", "Until empty at that pace; absent while it does not drain", bad="up"),
    gauge("queue.workers", "{worker}", "Workers connected", bad="down"),
    gauge("queue.paused", "1", "1 while the queue is paused, else 0"),
)
