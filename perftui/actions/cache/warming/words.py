"""What is said of warming: its command, its warnings, and what the readings after it must show."""

import shlex

from perftui.actions.cache.warming import room
from perftui.actions.cache.warming.packed import PackedItems
from perftui.actions.redis.link import RedisLink, redis_cli
from perftui.config.remedies import WarmRecipe
from perftui.config.settings import SourceSettings
from perftui.core.action import Must, Watch
from perftui.core.text import clean
from perftui.core.units import percent, seconds, size


def origin_of(recipe: WarmRecipe) -> str:
    """Return where the items come from, in a few words."""
    if recipe.query is not None:
        return f"a query on {recipe.query.source}"
    if recipe.http is not None:
        host = recipe.http.url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]
        return f"a list of {clean(host, 100)}"
    return f"the file {clean(recipe.file, 200)}" if recipe.file else f"{len(recipe.urls)} URLs"


def command_for(link: RedisLink, recipe: WarmRecipe) -> str:
    """Return what one would type for each item."""
    key = shlex.quote(clean(recipe.key or "KEY", 200))
    words = [redis_cli(link, link.where.database), "SET", key, "VALUE"]
    words += ["PX", str(round(recipe.ttl * 1000))] if recipe.ttl else []
    words += [] if recipe.overwrite else ["NX"]
    return " ".join(words) + f"  # for each item of {origin_of(recipe)}"


def free_words(free: tuple[float, str]) -> str:
    """Return the free memory in words."""
    return free[1] if free[0] == float("inf") else f"{size(free[0])} free {free[1]}"


def lifetime(recipe: WarmRecipe) -> str:
    """Return how long the keys live."""
    if not recipe.ttl:
        return "for ever, unless their file says otherwise" if recipe.file else "for ever"
    jitter = f" ± {percent(recipe.jitter)}, so that not all expire at once" if recipe.jitter else ""
    return f"{seconds(recipe.ttl)}{jitter}"


def warnings_of(recipe: WarmRecipe, pinned: PackedItems) -> list[str]:
    """Return what should be known before it is confirmed."""
    found = []
    if recipe.ttl:
        found.append("it cannot be taken back: what it writes expires by its ttl")
    else:
        found.append("it cannot be taken back, and what it writes never expires")
    if pinned.bad:
        found.append(f"{pinned.bad:,} items cannot be written; the first: {pinned.first_bad}")
    if pinned.doubles:
        found.append(f"{pinned.doubles:,} items have the key of an earlier one and are left out")
    if pinned.has_more:
        found.append(f"there are more than {recipe.most:,} items (most): the rest is left out")
    return found


def watches_of(target: SourceSettings) -> tuple[Watch, ...]:
    """Return what proves it: a better hit rate, and nothing worse."""
    return (
        Watch(
            label="hit rate", source=target.name, metric=room.HIT_RATIO, bad="down", must=Must.IMPROVE, tolerance=0.02
        ),
        Watch(label="evictions", source=target.name, metric=room.EVICTED),
        Watch(label="refused writes", source=target.name, metric="redis.writes.refused"),
        Watch(label="latency p95", source=target.name, metric="redis.latency.p95", tolerance=0.5),
    )
