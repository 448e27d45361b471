"""May a Redis be warmed? It must be a primary, must not evict, and must have room for what is to come."""

import asyncio

from perftui.actions.contract import Ground
from perftui.actions.proof.latest import latest
from perftui.actions.redis.link import RedisLink, number
from perftui.config.settings import SourceSettings
from perftui.core.clock import Clock
from perftui.core.errors import Refused
from perftui.core.units import count, size

HEADROOM = 0.10
"""The share of the free memory that stays free."""
HIT_RATIO, EVICTED = "redis.hit_ratio", "redis.keys.evicted"

Info = dict[str, str]


async def look_twice(link: RedisLink, clock: Clock, first: Info, taken: float, apart: float) -> Info:
    """Return INFO at least `apart` seconds after the `first`, which was taken at `taken` (monotonic)."""
    await asyncio.sleep(max(0.0, taken + apart - clock.monotonic()))
    return await link.info()


def refuse_eviction(target: SourceSettings, ground: Ground, first: Info, second: Info) -> None:
    """Raise Refused while the server evicts: by two INFOs, or by the source's own reading."""
    evicted = number(second, "evicted_keys") - number(first, "evicted_keys")
    rate = latest(ground, target.name, EVICTED) or 0.0
    if evicted > 0 or rate > 0:
        seen = f"{evicted:,.0f} keys just now" if evicted > 0 else f"{count(rate)} keys a second"
        reason = f"{target.name} evicts ({seen}): each key written would push another one out"
        raise Refused("target", reason, "give it more memory (cache.tune) or free some, then warm it")


def refuse_role(target: SourceSettings, info: Info) -> None:
    """Raise Refused for a replica and for a node of a cluster."""
    if info.get("role") != "master":
        primary = f"{info.get('master_host', '?')}:{info.get('master_port', '?')}"
        raise Refused("target", f"{target.name} is a replica and takes no writes", f"warm its primary, {primary}")
    if info.get("cluster_enabled") == "1":
        reason = f"{target.name} is one node of a cluster, and the keys belong on all of them"
        raise Refused("target", reason, "let the application warm it: a recipe with urls")


def free_memory(target: SourceSettings, ground: Ground, info: Info) -> tuple[float, str]:
    """Return how many bytes more the server can hold, and in words of what; inf where nothing bounds it."""
    used, limit = number(info, "used_memory"), number(info, "maxmemory")
    if limit > 0:
        # Buffers of replicas are not counted against maxmemory.
        counted = used - number(info, "mem_not_counted_for_evict")
        return max(0.0, limit - counted), f"of maxmemory {size(limit)}"
    host = number(info, "total_system_memory")
    bounds = [host - number(info, "used_memory_rss")] if host > 0 else []
    if _is_here(target):
        available = latest(ground, "system", "system.linux.memory.available")
        bounds += [available] if available is not None else []
    if not bounds:
        return float("inf"), "unlimited, and the host's memory is not known"
    return max(0.0, min(bounds)), f"of the host's {size(host)}: maxmemory is unlimited" if host > 0 else "of the host"


def refuse_too_large(target: SourceSettings, need: float, free: float) -> None:
    """Raise Refused when the free memory, less its headroom, does not hold what is to come."""
    if need > free * (1 - HEADROOM):
        reason = f"the items need about {size(need)} and {target.name} has {size(free)} free, of which 10 % stay free"
        raise Refused("target", reason, "narrow the recipe (most = …), or give it more memory (cache.tune)")


def _is_here(target: SourceSettings) -> bool:
    from perftui.config.kinds import RedisOptions

    url = target.options.url if isinstance(target.options, RedisOptions) else ""
    return url.startswith("unix:") or any(name in url for name in ("//127.", "//localhost", "//[::1]"))
