"""Which workers a `[scale.NAME]` group has, on which target it is, and the queues that prove it."""

import contextlib
from collections.abc import Iterator, Mapping

import msgspec

from perftui.actions.contract import Ground
from perftui.actions.service.table import fresh_value, series_of, watch_series
from perftui.config.remedies import ScaleGroup
from perftui.config.settings import SourceSettings
from perftui.connect.systemctl import unit_name
from perftui.core import matcher
from perftui.core.action import Must, Watch
from perftui.core.errors import Refused
from perftui.core.series import SeriesId
from perftui.core.text import did_you_mean

MOST_QUEUES = 3


def numbered(text: str, number: int) -> str:
    """Return a template with its number."""
    return text.replace("{n}", str(number))


def members(group: ScaleGroup) -> list[str]:
    """Return the units of a group, 1 to its maximum."""
    return [numbered(group.unit, number) for number in range(1, group.max + 1)]


def members_on(target: SourceSettings, group: ScaleGroup) -> list[str]:
    """Return them as the table `units` of a source names them."""
    names = members(group)
    with contextlib.suppress(ValueError):
        return [unit_name(name) for name in names] if target.kind == "systemd" else names
    return names


def group_named(groups: Mapping[str, ScaleGroup], name: str) -> ScaleGroup:
    """Return a group. Raises Refused when there is none of that name."""
    if name not in groups:
        hint = did_you_mean(name, groups) or "perftui.toml has [scale.NAME] for each"
        raise Refused("parameters", f"there is no group {name}", hint)
    return groups[name]


def home_of(group: ScaleGroup, sources: Mapping[str, SourceSettings]) -> str:
    """Return the name of the source that a group is scaled on; empty when there is none."""
    if group.source:
        return group.source
    kind = "system" if group.command else "systemd"
    return next((source.name for source in sources.values() if source.kind == kind), "")


def queues_of(group: ScaleGroup, ground: Ground) -> Iterator[tuple[str, tuple[tuple[str, str], ...], str]]:
    """Yield source, attributes and name of the queues that a group works on, as they were last read."""
    for source, where in series_of(ground, "queue.depth"):
        name = dict(where).get("queue", "")
        if any(matcher.fits(pattern, name) for pattern in group.queues):
            yield source, where, name


def queue_watches(group: ScaleGroup, ground: Ground, *, is_up: bool) -> tuple[Watch, ...]:
    """Return what proves that more workers help: what waits gets less, more is completed, and no more fails."""
    found: list[Watch] = []
    for source, where, name in list(queues_of(group, ground))[:MOST_QUEUES]:
        depth, completed, failed = (
            SeriesId(source, f"queue.{each}", where) for each in ("depth", "completed", "failed")
        )
        waits, stands_still = bool(fresh_value(ground, depth)), fresh_value(ground, completed) == 0
        must = Must.IMPROVE if is_up and waits else Must.KEEP
        found.append(watch_series(f"depth of {name}", depth, "up", must))
        if fresh_value(ground, completed) is not None and is_up:
            wants = Must.IMPROVE if waits and stands_still else Must.KEEP
            found.append(watch_series(f"completed/s of {name}", completed, "down", wants))
        if fresh_value(ground, failed) is not None:
            share = watch_series(f"failing share of {name}", failed, "up", Must.KEEP)
            found.append(msgspec.structs.replace(share, beside=completed.metric, tolerance=1.0))
    return tuple(found)
