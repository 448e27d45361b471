"""Metrics of redis sources (Redis, Valkey, KeyDB).

Names follow OpenTelemetry's Redis receiver where it has them; its counters appear here as changes per second.
Our own commands and lookups are taken out of `redis.hit_ratio`, `redis.lookups` and `redis.commands`.
"""

from perftui.core.metric import Metric, gauge, rate, ratio

REDIS: tuple[Metric, ...] = (
    ratio("redis.hit_ratio", "Key lookups that found their key since the last poll", bad="down"),
    rate("redis.lookups", "{lookup}/s", "Key lookups by reading commands"),
    rate("redis.commands", "{command}/s", "Commands processed"),
    rate("redis.keys.evicted", "{key}/s", "Keys removed to make room under maxmemory", bad="up"),
    rate("redis.keys.expired", "{key}/s", "Keys removed because their time was over"),
    ratio("redis.keys.expired_stale", "Expired keys still in memory (the server's estimate)", bad="up"),
    rate("redis.writes.refused", "{command}/s", "Writes refused because memory is full (OOM)", bad="up"),
    rate("redis.connections.received", "{connection}/s", "Connections accepted"),
    rate("redis.connections.rejected", "{connection}/s", "Connections refused above maxclients", bad="up"),
    gauge("redis.clients.connected", "{client}", "Client connections, ours included", bad="up"),
    gauge("redis.clients.blocked", "{client}", "Clients waiting in a blocking call such as BLPOP"),
    ratio("redis.clients.utilization", "Client connections, of maxclients", bad="up"),
    gauge("redis.memory.used", "By", "Memory the data and the server take", bad="up"),
    gauge("redis.memory.max", "By", "maxmemory; absent where it is unlimited"),
    ratio("redis.memory.utilization", "Memory used, of maxmemory; absent where it is unlimited", bad="up"),
    gauge("redis.memory.rss", "By", "Memory the operating system gave the server", bad="up"),
    gauge("redis.memory.fragmentation_ratio", "1", "Resident memory per byte used; judge it with the bytes", bad="up"),
    gauge("redis.memory.fragmentation", "By", "Resident memory beyond what is used", bad="up"),
    gauge("redis.queues", "{queue}", "Job queues found on the server"),
    gauge("redis.db.keys", "{key}", "Keys, by database"),
    gauge("redis.db.expires", "{key}", "Keys with an expiry, by database"),
    gauge("redis.latency.p95", "s", "95 of 100 commands took less server time (7.0 and later)", bad="up"),
    gauge("redis.latency.p99", "s", "99 of 100 commands took less server time (7.0 and later)", bad="up"),
    gauge("redis.latency.mean", "s", "Mean server time of a command (where there is no histogram)", bad="up"),
    rate("redis.slowlog.rate", "{command}/s", "Commands that entered the slow log", bad="up"),
    ratio("redis.cpu.utilization", "CPU of the server's main thread, of one core", bad="up"),
    rate("redis.net.input", "By/s", "Bytes received"),
    rate("redis.net.output", "By/s", "Bytes sent"),
    gauge("redis.replicas.connected", "{replica}", "Replicas connected to this server"),
    gauge("redis.replication.lag", "s", "Time since a replica last acknowledged, by replica", bad="up"),
    gauge("redis.replication.lag_bytes", "By", "What a replica has not acknowledged yet, by replica", bad="up"),
    gauge("redis.replication.link", "1", "1 while this replica's link to its primary is up, else 0", bad="down"),
    gauge("redis.replication.link_down", "s", "How long the link to the primary has been down", bad="up"),
    gauge("redis.rdb.changes_since_last_save", "{change}", "Changes that no RDB snapshot holds yet"),
    gauge("redis.rdb.last_save_age", "s", "Time since the last successful RDB snapshot"),
    gauge("redis.persistence.failed", "1", "1 when the last RDB save or AOF write failed, else 0", bad="up"),
    gauge("redis.uptime", "s", "Time since the server started; a drop is a restart"),
)
