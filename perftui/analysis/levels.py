"""The one table of what the health report calls wrong: metric, levels, and which remedy it calls for."""

from enum import Enum, auto
from typing import NamedTuple

from perftui.core.metric import Direction


class Remedy(Enum):
    """What kind of help an issue calls for; `health.py` makes recommendations of it."""

    MEMORY = auto()
    CACHE_MEMORY = auto()
    HIT_RATE = auto()
    QUERIES = auto()
    DISK = auto()
    CONNECTIONS = auto()
    WORKERS = auto()
    FAILING_JOBS = auto()
    REPLICATION = auto()
    NONE = auto()


class Only(NamedTuple):
    """Another metric of the same thing, or of its source, that must agree; `if_absent` says whether a missing one does.

    `recent` as that of a level.
    """

    metric: str
    above: float | None = None
    below: float | None = None
    recent: bool = False
    if_absent: bool = False


class Level(NamedTuple):
    """Beyond `warning` something is wrong, beyond `critical` (if there is one) badly; in the metric's unit.

    `recent`: what counts is its mean over the last minute, since it comes in bursts.
    """

    metric: str
    title: str
    warning: float | None
    critical: float | None
    remedy: Remedy = Remedy.NONE
    bad: Direction = "up"
    recent: bool = False
    only: tuple[Only, ...] = ()


LEVELS: tuple[Level, ...] = (
    Level("system.memory.utilization", "memory in use", 0.80, 0.90, Remedy.MEMORY),
    Level("system.paging.utilization", "swap in use", 0.50, 0.80, Remedy.MEMORY),
    Level("system.cpu.utilization", "CPU busy", 0.80, 0.95, recent=True),
    Level("system.filesystem.utilization", "disk full", 0.85, 0.95, Remedy.DISK),
    Level("system.filesystem.inodes.utilization", "inodes used", 0.85, 0.95, Remedy.DISK),
    Level(
        "redis.memory.utilization",
        "Redis memory in use",
        0.80,
        0.90,
        Remedy.MEMORY,
        only=(
            Only("redis.keys.evicted", below=1e-9, recent=True, if_absent=True),
        ),  # what makes room by itself may be full
    ),
    Level("redis.writes.refused", "writes refused, memory is full", None, 0.0, Remedy.CACHE_MEMORY, recent=True),
    Level(
        "redis.hit_ratio",
        "hit rate low",
        0.70,
        0.50,
        Remedy.HIT_RATE,
        bad="down",
        recent=True,
        # Of a few look-ups nothing can be said; and what runs job queues looks for keys that are not there all day.
        only=(Only("redis.lookups", above=5.0, recent=True), Only("redis.queues", below=1.0, if_absent=True)),
    ),
    Level("redis.clients.utilization", "client connections taken", 0.80, 0.95),
    Level("redis.persistence.failed", "the last save to disk failed", None, 0.0),
    Level("redis.replication.link", "replica without its primary", None, 1.0, Remedy.REPLICATION, bad="down"),
    Level("mysql.query.slow.recent", "slow queries in the last minute", 10.0, 100.0, Remedy.QUERIES),
    Level("mysql.connections.utilization", "connections taken", 0.80, 0.95, Remedy.CONNECTIONS),
    Level("mysql.metadata_locks.waiting", "sessions wait for a metadata lock", 0.0, 5.0, Remedy.QUERIES),
    Level("mysql.replica.running", "replication has stopped", None, 1.0, Remedy.REPLICATION, bad="down"),
    Level("mysql.replica.time_behind_source", "replica behind its source", 30.0, 300.0, Remedy.REPLICATION),
    Level(
        "queue.depth",
        "jobs wait and no worker takes them",
        None,
        0.0,
        Remedy.WORKERS,
        only=(Only("queue.workers", below=1.0),),
    ),
    Level("queue.failed", "jobs fail", 0.05, 1.0, Remedy.FAILING_JOBS, recent=True),
    Level("http.up", "it is down", None, 1.0, bad="down"),
)
