"""Metrics of mysql sources (MySQL and MariaDB).

Names follow OpenTelemetry's MySQL receiver where it has them; its counters appear here as changes per second.
"""

from perftui.core.metric import Metric, gauge, rate, ratio

MYSQL: tuple[Metric, ...] = (
    gauge("mysql.uptime", "s", "Time since the server started; a drop is a restart"),
    rate("mysql.query.client.count", "{query}/s", "Statements that clients sent, without our own"),
    gauge("mysql.query.oldest", "s", "Age of the oldest running statement, 0 when none runs", bad="up"),
    gauge("mysql.query.duration.p90", "s", "90 of 100 statements were faster (QUERY_RESPONSE_TIME plugin)", bad="up"),
    gauge("mysql.query.duration.p95", "s", "95 of 100 statements were faster (QUERY_RESPONSE_TIME plugin)", bad="up"),
    rate("mysql.query.slow.count", "{query}/s", "Statements slower than long_query_time", bad="up"),
    gauge("mysql.query.slow.recent", "{query}", "Slow statements in the last minute", bad="up"),
    rate("mysql.commands", "{command}/s", "Commits and rollbacks, by command"),
    gauge("mysql.threads.running", "{thread}", "Sessions that execute something now, without our own", bad="up"),
    gauge("mysql.connections", "{connection}", "Open client connections, without our own", bad="up"),
    gauge("mysql.connections.max", "{connection}", "Connections the server allows (max_connections)"),
    gauge("mysql.connections.max_used", "{connection}", "Most connections open at once since the server started"),
    ratio("mysql.connections.utilization", "Connection slots taken, ours included", bad="up"),
    rate("mysql.connection.errors", "{error}/s", "Connections aborted or refused, by error", bad="up"),
    gauge("mysql.transaction.oldest", "s", "Age of the oldest open transaction, 0 without one", bad="up"),
    gauge("mysql.metadata_locks.waiting", "{session}", "Sessions waiting for a metadata lock", bad="up"),
    gauge("mysql.row_locks.waiting", "{session}", "Sessions waiting for a row lock", bad="up"),
    gauge("mysql.lock.root_blocker.age", "s", "Oldest transaction that others wait for, 0 without any", bad="up"),
    rate("mysql.row_locks.waits", "{wait}/s", "Row locks that had to be waited for", bad="up"),
    rate("mysql.row_locks.time", "s/s", "Time all sessions together spent waiting for row locks", bad="up"),
    gauge("mysql.deadlocks.recent", "{deadlock}", "Deadlocks in the last minute", bad="up"),
    ratio("mysql.buffer_pool.hit_ratio", "Page reads answered from the buffer pool since the last poll", bad="down"),
    gauge("mysql.buffer_pool.pages", "{page}", "Pages of the buffer pool, by kind: dirty, free, total"),
    rate("mysql.tmp_resources", "{resource}/s", "Temporary tables made on disk", bad="up"),
    rate("mysql.client.network.io", "By/s", "Traffic with clients, by kind: received, sent"),
    gauge("mysql.replica.running", "1", "1 while both replication threads run, else 0", bad="down"),
    gauge("mysql.replica.time_behind_source", "s", "How far this replica is behind its source", bad="up"),
)
