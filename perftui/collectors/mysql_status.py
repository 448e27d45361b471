"""SHOW GLOBAL STATUS as samples: which variables are asked for and what becomes of each."""

from perftui.core.rates import Counters, Recent, share
from perftui.core.reading import ReadingBuilder

Status = dict[str, float]

_RATES: tuple[tuple[str, str, dict[str, str], float], ...] = (
    ("Com_commit", "mysql.commands", {"command": "commit"}, 1.0),
    ("Com_rollback", "mysql.commands", {"command": "rollback"}, 1.0),
    ("Aborted_clients", "mysql.connection.errors", {"error": "aborted_clients"}, 1.0),
    ("Aborted_connects", "mysql.connection.errors", {"error": "aborted"}, 1.0),
    ("Connection_errors_max_connections", "mysql.connection.errors", {"error": "max_connections"}, 1.0),
    ("Innodb_row_lock_waits", "mysql.row_locks.waits", {}, 1.0),
    ("Innodb_row_lock_time", "mysql.row_locks.time", {}, 0.001),
)
_GAUGES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("Uptime", "mysql.uptime", {}),
    ("Max_used_connections", "mysql.connections.max_used", {}),
    ("Innodb_row_lock_current_waits", "mysql.row_locks.waiting", {}),
    ("Innodb_buffer_pool_pages_dirty", "mysql.buffer_pool.pages", {"kind": "dirty"}),
    ("Innodb_buffer_pool_pages_free", "mysql.buffer_pool.pages", {"kind": "free"}),
    ("Innodb_buffer_pool_pages_total", "mysql.buffer_pool.pages", {"kind": "total"}),
)
_WITHOUT_OURS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("Questions", "mysql.query.client.count", {}),
    ("Created_tmp_disk_tables", "mysql.tmp_resources", {"resource": "disk_tables"}),
    ("Bytes_received", "mysql.client.network.io", {"kind": "received"}),
    ("Bytes_sent", "mysql.client.network.io", {"kind": "sent"}),
)
_OTHERS = (
    "Slow_queries",
    "Threads_running",
    "Threads_connected",
    "Innodb_buffer_pool_reads",
    "Innodb_buffer_pool_read_requests",
    "Innodb_deadlocks",
)
_OURS = tuple(row[0] for row in _WITHOUT_OURS)
_NAMES = (*(row[0] for row in _RATES), *(row[0] for row in _GAUGES), *_OURS, *_OTHERS)
QUERY = f"SHOW GLOBAL STATUS WHERE variable_name IN {_NAMES!r}"
OWN_QUERY = f"SHOW SESSION STATUS WHERE variable_name IN {_OURS!r}"
"""What this session did itself; asked right after QUERY, so that both count up to nearly the same moment."""


def parse(rows: tuple[tuple[bytes | None, ...], ...]) -> Status:
    """Return the variables that are numbers; the others are missing."""
    status: Status = {}
    for name, value in rows:
        if name is not None and value:
            try:
                status[name.decode("ascii", "replace")] = float(value)
            except ValueError:
                continue
    return status


class StatusSamples:
    """Turns one status after the other into samples, with the counters' past kept between them."""

    def __init__(self) -> None:
        self._counters = Counters()
        self._slow = Recent()
        self._deadlocks = Recent()
        self._uptime = 0.0

    def reset(self) -> None:
        """Forget the counters: the connection is a new one, perhaps to another server."""
        self._counters.reset()

    def add(self, builder: ReadingBuilder, status: Status, own: Status, deadlocks: float | None) -> None:
        """Add the samples of `status`, less what our own session did (`own`)."""
        at = builder.started
        self._notice_restart(status.get("Uptime", 0.0))
        for name, metric, pairs, scale in _RATES:
            rate = self._counters.rate(name, status.get(name), at)
            builder.add(metric, None if rate is None else rate * scale, **pairs)
        for name, metric, pairs in _GAUGES:
            builder.add(metric, status.get(name), **pairs)
        for name, metric, pairs in _WITHOUT_OURS:
            everybody = self._counters.rate(name, status.get(name), at)
            ours = self._counters.rate(("own", name), own.get(name), at)
            builder.add(metric, None if everybody is None or ours is None else max(0.0, everybody - ours), **pairs)
        self._add_slow(builder, status, at)
        self._add_threads(builder, status)
        self._add_hit_ratio(builder, status, at)
        grown = self._counters.delta("deadlocks", deadlocks, at)
        builder.add("mysql.deadlocks.recent", self._deadlocks.total(grown, at))

    def _notice_restart(self, uptime: float) -> None:
        if uptime < self._uptime:
            self._counters.reset()
        self._uptime = uptime

    def _add_slow(self, builder: ReadingBuilder, status: Status, at: float) -> None:
        slow = self._counters.delta("Slow_queries", status.get("Slow_queries"), at)
        builder.add("mysql.query.slow.count", None if slow is None else slow.rate)
        builder.add("mysql.query.slow.recent", self._slow.total(slow, at))

    def _add_threads(self, builder: ReadingBuilder, status: Status) -> None:
        for name, metric in (("Threads_running", "mysql.threads.running"), ("Threads_connected", "mysql.connections")):
            value = status.get(name)
            builder.add(metric, None if value is None else max(0.0, value - 1))

    def _add_hit_ratio(self, builder: ReadingBuilder, status: Status, at: float) -> None:
        """Add 1 − Δreads from disk / Δreads asked for; absent when nothing was asked for."""
        missed = self._counters.delta("misses", status.get("Innodb_buffer_pool_reads"), at)
        asked = self._counters.delta("requests", status.get("Innodb_buffer_pool_read_requests"), at)
        missing = share(missed and missed.amount, asked and asked.amount)
        builder.add("mysql.buffer_pool.hit_ratio", None if missing is None else 1 - missing)
