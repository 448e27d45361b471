"""What INFO says, as metrics: gauges as they are, counters as changes since the poll before.

Field names: redis.io/commands/info and valkey.io/commands/info.
"""

from perftui.collectors.redis_session import Probes
from perftui.core.rates import Counters, share
from perftui.core.reading import ReadingBuilder
from perftui.core.text import clean

GAUGES = (
    ("redis.clients.connected", "connected_clients"),
    ("redis.clients.blocked", "blocked_clients"),
    ("redis.memory.used", "used_memory"),
    ("redis.memory.rss", "used_memory_rss"),
    ("redis.memory.fragmentation_ratio", "mem_fragmentation_ratio"),
    ("redis.memory.fragmentation", "mem_fragmentation_bytes"),
    ("redis.replicas.connected", "connected_slaves"),
    ("redis.rdb.changes_since_last_save", "rdb_changes_since_last_save"),
    ("redis.uptime", "uptime_in_seconds"),
)
RATES = (
    ("redis.keys.evicted", "evicted_keys"),
    ("redis.keys.expired", "expired_keys"),
    ("redis.connections.received", "total_connections_received"),
    ("redis.connections.rejected", "rejected_connections"),
    ("redis.net.input", "total_net_input_bytes"),
    ("redis.net.output", "total_net_output_bytes"),
)
BOOKMARKS = ("total_connections_received", "total_commands_processed")
"""Counters that only a restart or CONFIG RESETSTAT sets back."""


class Info:
    """One reply to INFO; what is not in it is None."""

    def __init__(self, raw: bytes) -> None:
        lines = raw.decode("utf-8", "replace").splitlines()
        self._fields = dict(line.split(":", 1) for line in lines if ":" in line)
        self.has_error_counts = "# Errorstats" in lines

    def text(self, field: str) -> str | None:
        """Return a field as it stands there."""
        return self._fields.get(field)

    def number(self, field: str) -> float | None:
        """Return a field as a number."""
        try:
            return float(self._fields[field])
        except (KeyError, ValueError):
            return None

    def pairs(self, field: str) -> dict[str, str]:
        """Return a field of the form `a=1,b=2`."""
        parts = (part.partition("=") for part in self._fields.get(field, "").split(","))
        return {name: value for name, separator, value in parts if separator}

    def numbered(self, prefix: str) -> list[str]:
        """Return the fields called `prefix` and a number: `db0`, `slave1`."""
        return [name for name in self.starting(prefix) if name[len(prefix) :].isdigit()]

    def starting(self, prefix: str) -> list[str]:
        """Return the fields whose name begins with `prefix`."""
        return [name for name in self._fields if name.startswith(prefix)]

    @property
    def server_time(self) -> float | None:
        """The server's clock, seconds since the epoch (7.0 and later)."""
        micros = self.number("server_time_usec")
        return None if micros is None else micros / 1e6


class InfoMetrics:
    """Turns each INFO into samples; remembers the counters of the one before."""

    def __init__(self) -> None:
        self._counters = Counters()
        self._run = ""
        self._bookmarks: tuple[float, ...] = ()

    def forget(self) -> None:
        """Drop what was counted: no rate spans a lost connection."""
        self._counters.reset()
        self._bookmarks = ()

    def notice_restart(self, info: Info) -> bool:
        """Drop what was counted when the server is another one than before, or set its counters back."""
        run = info.text("run_id") or ""
        restarted = bool(self._run) and run != self._run
        bookmarks = tuple(info.number(field) or 0.0 for field in BOOKMARKS)
        if restarted or any(now < then for now, then in zip(bookmarks, self._bookmarks, strict=False)):
            self._counters.reset()
        self._run, self._bookmarks = run, bookmarks
        return restarted

    def report(self, builder: ReadingBuilder, info: Info, ours: Probes) -> None:
        """Add every sample and fact that INFO holds; `ours` is what we caused since the INFO before."""
        at = builder.started
        for metric, field in GAUGES:
            builder.add(metric, info.number(field))
        for metric, field in RATES:
            builder.add(metric, self._counters.rate(field, info.number(field), at))
        self._traffic(builder, info, ours)
        self._refused(builder, info)
        self._processor(builder, info)
        _limits(builder, info)
        _keyspace(builder, info)
        _replication(builder, info)
        _persistence(builder, info)
        _facts(builder, info)

    def _traffic(self, builder: ReadingBuilder, info: Info, ours: Probes) -> None:
        at, counters = builder.started, self._counters
        hits = counters.delta("hits", info.number("keyspace_hits"), at)
        misses = counters.delta("misses", info.number("keyspace_misses"), at)
        commands = counters.delta("commands", info.number("total_commands_processed"), at)
        if hits and misses:
            found, missed = max(0.0, hits.amount - ours.hits), max(0.0, misses.amount - ours.misses)
            builder.add("redis.hit_ratio", share(found, found + missed))
            builder.add("redis.lookups", (found + missed) / hits.seconds)
        if commands:
            builder.add("redis.commands", max(0.0, commands.amount - ours.commands) / commands.seconds)

    def _refused(self, builder: ReadingBuilder, info: Info) -> None:
        """Add the writes refused; the server names an error only once it occurred, hence 0 before."""
        if info.has_error_counts:
            count = float(info.pairs("errorstat_OOM").get("count", 0))
            builder.add("redis.writes.refused", self._counters.rate("oom", count, builder.started))

    def _processor(self, builder: ReadingBuilder, info: Info) -> None:
        seconds = [info.number(f"used_cpu_{each}_main_thread") for each in ("user", "sys")]
        busy = None if None in seconds else sum(each for each in seconds if each)
        used = self._counters.delta("cpu", busy, builder.started)
        builder.add("redis.cpu.utilization", share(used.amount, used.seconds) if used else None)


def _limits(builder: ReadingBuilder, info: Info) -> None:
    """Add the shares of limits; `maxmemory` 0 means unlimited: then there is none."""
    limit = info.number("maxmemory") or None
    builder.add("redis.memory.max", limit)
    builder.add("redis.memory.utilization", share(info.number("used_memory"), limit))
    builder.add("redis.clients.utilization", share(info.number("connected_clients"), info.number("maxclients")))
    stale = info.number("expired_stale_perc")
    builder.add("redis.keys.expired_stale", None if stale is None else stale / 100)


def _keyspace(builder: ReadingBuilder, info: Info) -> None:
    for field in info.numbered("db"):
        pairs = info.pairs(field)
        builder.add("redis.db.keys", _float(pairs.get("keys")), db=field[2:])
        builder.add("redis.db.expires", _float(pairs.get("expires")), db=field[2:])


def _replication(builder: ReadingBuilder, info: Info) -> None:
    sent = info.number("master_repl_offset")
    for field in info.numbered("slave"):
        pairs = info.pairs(field)
        replica = clean(f"{pairs.get('ip', '?')}:{pairs.get('port', '?')}", 80)
        acknowledged = _float(pairs.get("offset"))
        builder.add("redis.replication.lag", _float(pairs.get("lag")), replica=replica)
        if sent is not None and acknowledged is not None:
            builder.add("redis.replication.lag_bytes", max(0.0, sent - acknowledged), replica=replica)
    link = info.text("master_link_status")
    if link is not None:
        builder.add("redis.replication.link", float(link == "up"))
        builder.add("redis.replication.link_down", info.number("master_link_down_since_seconds"))


def _persistence(builder: ReadingBuilder, info: Info) -> None:
    states = [info.text(f"{each}_status") for each in ("rdb_last_bgsave", "aof_last_write", "aof_last_bgrewrite")]
    known = [state for state in states if state is not None]
    builder.add("redis.persistence.failed", float(any(state != "ok" for state in known)) if known else None)
    saved, now = info.number("rdb_last_save_time"), info.server_time
    if saved and now:
        builder.add("redis.rdb.last_save_age", max(0.0, now - saved))


def _facts(builder: ReadingBuilder, info: Info) -> None:
    product = (info.text("server_name") or "redis").capitalize()
    version = info.text("valkey_version") or info.text("redis_version") or "?"
    facts = {
        "version": f"{product} {version}",
        "role": {"master": "primary", "slave": "replica"}.get(info.text("role") or "", info.text("role")),
        "mode": info.text("redis_mode") or info.text("server_mode"),
        "eviction": info.text("maxmemory_policy"),
        "run_id": info.text("run_id"),
        "primary": info.text("master_host"),
        "rdb": info.text("rdb_last_bgsave_status"),
        "aof": info.text("aof_last_write_status") if info.text("aof_enabled") == "1" else "off",
    }
    for name, word in facts.items():
        if word:
            builder.fact(name, clean(word, 120))


def _float(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
