"""How much memory a Redis may be given: what its host or cgroup has, less what others use, less room for a fork.

While it saves (RDB, AOF rewrite) or feeds a new replica, Redis forks, and each page that is written meanwhile is there
twice: half as much again is kept free for that. Without forks a tenth is kept free, for fragmentation and buffers,
which `maxmemory` does not count.
"""

from typing import NamedTuple

from perftui.actions.contract import Ground
from perftui.actions.redis.link import RedisLink, number
from perftui.core.errors import Refused
from perftui.core.reading import Reading
from perftui.core.units import size

FORK, NO_FORK = 1.5, 1.1
_LOCAL = ("127.0.0.1", "localhost", "::1")


class Bound(NamedTuple):
    """`most`: bytes it may be given; `whole`: what the host or cgroup has; `words`: how the bound came about."""

    most: int
    whole: float
    words: str
    unknown: tuple[str, ...] = ()


def bound_of(ground: Ground, link: RedisLink, info: dict[str, str], config: dict[str, str]) -> Bound:
    """Return the bound, by the host's latest reading where the server runs on it, by its own INFO elsewhere.

    Raises Refused where neither says how much there is.
    """
    why = _forks(info, config)
    factor = FORK if why else NO_FORK
    kept = f"half as much again kept free to fork ({why})" if why else "a tenth kept free, as it does not fork"
    reading = _host(ground) if link.where.path or link.where.host in _LOCAL else None
    if reading is not None:
        values = {sample.metric: sample.value for sample in reading.samples if not sample.attributes}
        whole, used = values.get("system.memory.limit", 0.0), values.get("system.memory.usage", 0.0)
        if whole:
            others = max(0.0, used - number(info, "used_memory_rss"))
            words = f"{size(whole)} of the host or cgroup, less {size(others)} in use by others, {kept}"
            return Bound(max(0, int((whole - others) / factor)), whole, words)
    whole = number(info, "total_system_memory")
    if not whole:
        raise Refused("limits", f"{link.where} does not say how much memory there is", "set maxmemory where it runs")
    return Bound(
        int(whole / factor),
        whole,
        f"{size(whole)} of its host, {kept}",
        ("what else runs on its host, and its cgroup",),
    )


def _host(ground: Ground) -> Reading | None:
    """Return the latest reading of this host, unless it is stale."""
    for source in ground.sources.values():
        if source.kind == "system" and ground.is_fresh(source.name):
            return ground.readings.get(source.name)
    return None


def _forks(info: dict[str, str], config: dict[str, str]) -> str:
    """Return why the server forks; empty when it does not."""
    reasons = {
        "RDB": bool(config.get("save")),
        "AOF": config.get("appendonly") == "yes",
        "replicas": number(info, "connected_slaves") > 0,
    }
    return ", ".join(name for name, holds in reasons.items() if holds)
