"""States made up for tests: a healthy host, an incident, stale and failing sources, nothing at all, hostile names."""

import math

from perftui.alerts.view import alerts_view
from perftui.client.state import Link, State, Track
from perftui.core.action import ActionInfo, Risk
from perftui.core.alert import Ack, Alert, AlertState, Level, Mute, Severity, Silence, Stage
from perftui.core.reading import Reading, Sample, Table
from perftui.core.series import SeriesId, attributes
from perftui.core.status import SourceState, SourceStatus
from perftui.core.wire import PROTOCOL, AgentState, AlertsView, Delivery, Welcome

NOW = 100_000.0
WALL = 1_795_227_292.0
"""2026-11-21 02:14:52 UTC."""
GIB = 1024.0**3

_ABOVE = {
    "system.cpu.utilization": (0.7, 0.9),
    "system.memory.utilization": (0.8, 0.9),
    "system.filesystem.utilization": (0.8, 0.9),
    "system.cgroup.cpu.throttled_ratio": (0.1, None),
    "redis.memory.utilization": (0.8, 0.9),
    "redis.writes.refused": (0.001, 1.0),
    "mysql.metadata_locks.waiting": (1, 5),
    "mysql.row_locks.waiting": (1, 5),
}
LEVELS = (
    *(Level(metric=name, direction="above", warning=low, critical=high) for name, (low, high) in _ABOVE.items()),
    Level(metric="redis.hit_ratio", direction="below", warning=0.8, critical=0.7),
)

CLEANUP = ActionInfo(
    id="cleanup.expired",
    title="free the memory of expired keys",
    key="c",
    risk=Risk.LOW,
    reversible=False,
    kinds=("redis",),
)


def sample(metric: str, value: float, **pairs: str) -> Sample:
    return Sample(metric, value, attributes(pairs))


def add(
    state: State,
    name: str,
    kind: str,
    samples: tuple[Sample, ...] = (),
    *,
    age: float = 0.4,
    status: SourceState = SourceState.OK,
    error: str = "",
    production: bool = False,
    facts: dict[str, str] | None = None,
) -> None:
    """Add a source with its last reading of `age` seconds; no reading where there are no samples."""
    state.sources[name] = SourceStatus(
        name=name,
        kind=kind,
        state=status,
        error=error,
        polls=300,
        failures=0 if status is SourceState.OK else 14,
        last_ok=state.now - age if samples else None,
        failing_since=state.now - age if status in (SourceState.FAILING, SourceState.OPEN) else None,
        next_poll=state.now + 4 if status is SourceState.OPEN else None,
        production=production,
        address=f"10.0.0.5:{6379 if kind == 'redis' else 3306}" if kind in ("redis", "mysql") else "",
    )
    if samples:
        state.readings[name] = Reading(
            source=name,
            monotonic=state.now - age,
            wall=state.wall - age,
            duration=0.003,
            samples=samples,
            facts=facts or {},
        )


def system(cpu: float = 0.23, memory: float = 0.41, space: float = 0.61) -> tuple[Sample, ...]:
    cores = (cpu * 1.1, cpu * 0.9, cpu * 1.05, cpu * 0.95)
    return (
        sample("system.cpu.utilization", cpu),
        *(sample("system.cpu.core.utilization", min(1.0, value), cpu=str(core)) for core, value in enumerate(cores)),
        sample("system.cpu.steal", 0.004),
        sample("system.cpu.load_average.1m", 3.2),
        sample("system.cpu.load_average.5m", 2.8),
        sample("system.cpu.load_average.15m", 2.1),
        sample("system.uptime", 41 * 86400.0 + 5000),
        sample("system.memory.utilization", memory),
        sample("system.memory.usage", memory * 30.7 * GIB),
        sample("system.memory.limit", 30.7 * GIB),
        sample("system.memory.cached", 3.1 * GIB),
        sample("system.paging.usage", 0),
        sample("system.filesystem.utilization", space, device="nvme0n1p1", mountpoint="/var/lib"),
        sample("system.filesystem.utilization", 0.33, device="nvme0n1p2", mountpoint="/"),
        sample("system.disk.utilization", 0.12, device="nvme0n1"),
        sample("system.disk.await", 0.0004, device="nvme0n1", direction="read"),
        sample("system.disk.await", 0.0003, device="nvme0n1", direction="write"),
        sample("system.disk.utilization", 0.02, device="sda"),
        sample("system.network.io", 41.2e6, direction="receive"),
        sample("system.network.io", 12.8e6, direction="transmit"),
        sample("system.network.errors", 0.0, direction="receive"),
        sample("system.network.tcp.retransmit_ratio", 0.0012),
        sample("system.pressure.cpu.some", 0.081),
        sample("system.pressure.memory.some", 0.0),
        sample("system.pressure.io.some", 0.012),
    )


def redis(
    hit: float | None = 0.972, used: float = 3.1, limit: float | None = 4.0, evicted: float = 0
) -> tuple[Sample, ...]:
    ratio = () if hit is None else (sample("redis.hit_ratio", hit),)
    most = (
        ()
        if limit is None
        else (sample("redis.memory.max", limit * GIB), sample("redis.memory.utilization", used / limit))
    )
    return (
        *ratio,
        *most,
        sample("redis.memory.used", used * GIB),
        sample("redis.keys.evicted", evicted),
        sample("redis.keys.expired", 12.4),
        sample("redis.writes.refused", 0),
        sample("redis.commands", 8431),
        sample("redis.clients.connected", 48),
        sample("redis.latency.p95", 0.00041),
        sample("redis.db.keys", 1_240_311, db="0"),
    )


def queue(
    name: str,
    wait: float,
    active: float,
    failed: float,
    added: float,
    done: float,
    workers: float | None,
    paused: float = 0,
) -> tuple[Sample, ...]:
    labels = {"queue": name, "kind": "bullmq"}
    drain = wait / (done - added) if done > added else None
    return (
        sample("queue.depth", wait, **labels),
        sample("queue.jobs", active, **labels, state="active"),
        sample("queue.jobs", failed, **labels, state="failed"),
        sample("queue.added", added, **labels),
        sample("queue.completed", done, **labels),
        sample("queue.change", added - done, **labels),
        sample("queue.paused", paused, **labels),
        sample("queue.oldest_age", wait / 20, **labels),
        *(() if workers is None else (sample("queue.workers", workers, **labels),)),
        *(() if drain is None else (sample("queue.drain_time", drain, **labels),)),
    )


def mysql(running: float = 3, oldest: float = 0.2, locks: float = 0, qps: float = 1240) -> tuple[Sample, ...]:
    return (
        sample("mysql.query.client.count", qps),
        sample("mysql.query.oldest", oldest),
        sample("mysql.query.duration.p95", 0.0042),
        sample("mysql.query.slow.recent", 2),
        sample("mysql.threads.running", running),
        sample("mysql.connections", 84),
        sample("mysql.connections.max", 200),
        sample("mysql.connections.utilization", 0.42),
        sample("mysql.metadata_locks.waiting", locks),
        sample("mysql.row_locks.waiting", 0),
        sample("mysql.deadlocks.recent", 0),
        sample("mysql.buffer_pool.hit_ratio", 0.9987),
    )


def http(up: float = 1, takes: float = 0.031, code: float = 200) -> tuple[Sample, ...]:
    return (
        sample("http.up", up),
        sample("http.client.request.duration", takes),
        sample("http.response.status_code", code),
    )


def processes(count: int = 40) -> Table:
    columns = ("pid", "user", "state", "cpu", "memory", "nice", "threads", "name", "command", "unit", "start", "time")
    rows = tuple(
        (
            *(1000 + index, "www-data", "S", 0.31 / (index + 1), (90 - index) * 1024.0**2, 0, 4, "worker"),
            *(f"/usr/sbin/worker --number {index}", "web.service", WALL - 10_000 + 100 * index, 7.5 * (count - index)),
        )
        for index in range(count)
    )
    return Table(columns=columns, rows=rows, denied=12)


def empty() -> State:
    return State()


def bare() -> State:
    """A state that is linked to its agent and has no source yet."""
    return State(
        now=NOW,
        wall=WALL,
        link=Link.LIVE,
        welcome=Welcome(
            protocol=PROTOCOL,
            version="0.1.0",
            host="web-3.prod",
            pid=4711,
            private=True,
            role="admin",
            monotonic=NOW,
            wall=WALL,
        ),
        agent=AgentState(consoles=1),
        actions=(CLEANUP,),
        alerts=AlertsView(levels=LEVELS),
    )


def healthy() -> State:
    state = bare()
    add(state, "web-3", "system", system())
    add(state, "agent", "agent", (sample("agent.cpu.utilization", 0.004),))
    add(
        state,
        "cache-1",
        "redis",
        redis() + queue("emails", 12, 4, 0, 21.0, 24.5, 4) + queue("thumbnails", 0, 1, 0, 3.1, 3.1, 2),
    )
    add(state, "orders-db", "mysql", mysql())
    add(state, "orders-api", "http", http())
    state.tables[("web-3", "processes")] = processes()
    track_all(state)
    return state


def incident() -> State:
    state = bare()
    add(state, "web-3", "system", system(cpu=0.64, memory=0.81, space=0.61))
    add(state, "agent", "agent", (sample("agent.cpu.utilization", 0.004),))
    add(
        state,
        "cache-1",
        "redis",
        redis()
        + queue("webhook", 12_400, 0, 31, 84.0, 0.0, 0)
        + queue("analytics", 3100, 8, 0, 120.0, 110.0, 8)
        + queue("notifications", 42, 4, 0, 61.0, 61.2, 4)
        + queue("low", 1200, 0, 0, 2.0, 0.0, 2, paused=1),
        production=True,
    )
    add(state, "cache-2", "redis", redis(0.71, 3.98, 4.0, 812))
    add(
        state,
        "cache-3",
        "redis",
        redis(0.93, 1.2, None),
        age=14,
        status=SourceState.FAILING,
        error="connection refused",
    )
    add(state, "pool", "redis", redis(0.998, 24.0, None))
    add(state, "orders-db", "mysql", mysql(14, 31, 2, 812))
    add(state, "users-db", "mysql", mysql(2, 0.1, 0, 310))
    add(state, "mysql-3306", "mysql", status=SourceState.FOUND, error="access denied for root@localhost")
    add(state, "orders-api", "http", http(1, 0.412))
    add(state, "legacy-api", "http", http(0, 1.9, 503), status=SourceState.OPEN, error="status 503", age=3)
    state.tables[("web-3", "processes")] = processes()
    state.alerts = view(_firing(), log=_resolved())
    track_all(state)
    return state


def view(
    firing: tuple[Alert, ...] = (),
    pending: tuple[Alert, ...] = (),
    log: tuple[Alert, ...] = (),
    silences: tuple[Silence, ...] = (),
    delivery: Delivery | None = None,
) -> AlertsView:
    """Return the alerts as an agent would publish them."""
    return alerts_view(firing, pending, log, silences, LEVELS, delivery or Delivery())


def crowded() -> State:
    """The incident with alerts in every state: held back, acked, out of sight, clearing, pending, folded, lost."""
    state = incident()
    state.alerts = view(
        (*_firing(), *_standing(), *storm()),
        _pending(),
        (*_resolved(), *ended()),
        _silences(),
        Delivery(off="private agents do not notify"),
    )
    return state


def _standing() -> tuple[Alert, ...]:
    firing, critical = AlertState.FIRING, Severity.CRITICAL
    return (
        Alert(
            rule="lock-wait", source="orders-db", metric="mysql.metadata_locks.waiting", state=firing, value=2, level=1,
            severity=critical, since=WALL - 1900, summary="2 statements wait for a metadata lock",
            why="mysql.metadata_locks.waiting above 1 for 10 s", runbook="https://wiki.example.com/locks",
            ack=Ack(author="ana", at=WALL - 600, note="backup running"),
        ),
        Alert(
            rule="evictions", source="cache-2", metric="redis.keys.evicted", state=firing, value=812, level=0,
            since=WALL - 700, summary="812 keys a second evicted",
            mutes=(Mute(stage=Stage.SILENCE, reason="silenced by ana until 02:52 UTC: resize under way"),),
        ),
        Alert(
            rule="hit-rate", source="cache-3", metric="redis.hit_ratio", state=AlertState.UNKNOWN, value=0.62,
            level=0.8, direction="below", since=WALL - 2500, summary="hit ratio 62 % below 80 %",
        ),
        Alert(
            rule="disk-full-soon", source="web-3", metric="system.filesystem.utilization", state=firing, value=0.8,
            attributes=attributes({"device": "nvme0n1p1", "mountpoint": "/var/lib"}), level=0.9, since=WALL - 1300,
            value_text="94 % in 24 h", level_text="90 %", well_since=NOW - 20, clears_after=60,
        ),
        Alert(
            rule="slow", source="legacy-api", metric="http.client.request.duration", state=firing, value=1.9, level=1,
            since=WALL - 140, summary="answers take 1.9 s",
            mutes=(Mute(stage=Stage.INHIBITION, reason="follows from source-failing on legacy-api"),),
        ),
    )  # fmt: skip


def storm(count: int = 16) -> tuple[Alert, ...]:
    """One cause: many queues of one cache without workers."""
    return tuple(
        Alert(
            rule="queue-without-workers", source="cache-1", metric="queue.depth", state=AlertState.FIRING,
            attributes=attributes({"queue": name, "kind": "bullmq"}), severity=Severity.CRITICAL, value=40, level=0,
            since=WALL - 95, summary=f"{name}: no worker, 40 waiting",
        )
        for name in ("mail", "web", "images", *(f"shard-{number}" for number in range(count - 3)))
    )  # fmt: skip


def _pending() -> tuple[Alert, ...]:
    return (
        Alert(
            rule="cpu", source="web-3", metric="system.cpu.utilization", state=AlertState.PENDING, value=0.74,
            level=0.7, summary="CPU 74 % above 70 %", began=NOW - 8, hold=15,
        ),
        Alert(
            rule="slow-queries", source="orders-db", metric="mysql.query.slow.recent", state=AlertState.PENDING,
            value=14, level=10, began=NOW - 130, hold=300,
        ),
    )  # fmt: skip


def ended() -> tuple[Alert, ...]:
    return (
        Alert(
            rule="cpu", source="web-3", metric="system.cpu.utilization", state=AlertState.RESOLVED, value=0.93,
            level=0.9, severity=Severity.CRITICAL, since=WALL - 3000, resolved_at=WALL - 2760,
            summary="CPU 93 % above 90 %", ack=Ack(author="ben", at=WALL - 2900),
        ),
        Alert(
            rule="hit-rate", source="cache-9", metric="redis.hit_ratio", state=AlertState.UNKNOWN, value=0.5,
            level=0.8, direction="below", since=WALL - 5000, resolved_at=WALL - 1400, summary="hit ratio 50 %",
        ),
    )  # fmt: skip


def _silences() -> tuple[Silence, ...]:
    return (
        Silence(
            id="s1", matchers={"rule": "evictions", "source": "cache-2"}, author="ana", comment="resize under way",
            created=WALL - 1320, until=WALL + 2280, expires=NOW + 2280, holds=1,
        ),
        Silence(
            id="s2", matchers={"source": "users-db"}, author="ben", created=WALL - 60, until=WALL + 14_340,
            expires=NOW + 14_340, origin="alertmanager",
        ),
    )  # fmt: skip


def _firing() -> tuple[Alert, ...]:
    return (
        Alert(
            rule="queue-no-workers", source="cache-1", metric="queue.depth",
            attributes=attributes({"queue": "webhook", "kind": "bullmq"}), state=AlertState.FIRING,
            severity=Severity.CRITICAL, value=12_400, level=0, since=WALL - 130,
            summary="webhook: no worker, 12.4k waiting, growing 84/s",
        ),
        Alert(
            rule="queue-growing", source="cache-1", metric="queue.depth",
            attributes=attributes({"queue": "analytics", "kind": "bullmq"}), state=AlertState.FIRING,
            severity=Severity.WARNING, value=3100, level=1000, since=WALL - 61,
        ),
        Alert(
            rule="hit-rate", source="cache-2", metric="redis.hit_ratio", state=AlertState.FIRING,
            severity=Severity.WARNING, value=0.71, level=0.8, direction="below", since=WALL - 219,
            remedies=("cleanup.expired",),
        ),
        Alert(
            rule="memory", source="web-3", metric="system.memory.utilization", state=AlertState.FIRING,
            severity=Severity.WARNING, value=0.81, level=0.8, since=WALL - 192,
        ),
    )  # fmt: skip


def _resolved() -> tuple[Alert, ...]:
    return (
        Alert(
            rule="replication-lag", source="orders-db", metric="mysql.replica.time_behind_source",
            state=AlertState.RESOLVED, severity=Severity.WARNING, value=0.4, level=10, since=WALL - 577,
            resolved_at=WALL - 337,
        ),
    )  # fmt: skip


def stale() -> State:
    """The incident as it is drawn after the agent fell silent for 40 seconds."""
    state = incident()
    state.link = Link.LOST
    state.link_note = "the agent ended; starting it again"
    state.now += 40
    state.wall += 40
    return state


HOSTILE = ("\x1b[31mred\x1b[0m", "[bold]proc[/]", "日本語のキュー名前がとても長い", "a‮evil", "x" * 300, "new\nline", "")


def hostile() -> State:
    """Names as an attacker would choose them, not cleaned by anybody."""
    state = bare()
    add(state, HOSTILE[0], "system", system())
    for index, name in enumerate(HOSTILE):
        add(state, f"{index}{name}", "redis", redis() + queue(name, 5, 1, 0, 1, 2, 1))
        add(state, f"m{index}{name}", "mysql", mysql(), status=SourceState.FAILING, error=name)
    track_all(state)
    return state


def track_all(state: State, seconds: int = 600) -> None:
    """Give every series a past: its latest value with a slow wave on it."""
    for name, reading in state.readings.items():
        for index, each in enumerate(reading.samples):
            track = Track()
            for second in range(-seconds, 1):
                wave = 1 - 0.3 * (0.5 + 0.5 * math.sin(second / 70 + index)) * min(1.0, -second / 60)
                track.append(reading.wall + second, each.value * wave)
            state.tracks[SeriesId(name, each.metric, each.attributes)] = track
