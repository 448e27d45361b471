"""Which workers a `[scale.NAME]` group has, on which target it is, and the queues that prove it."""

import contextlib
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

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
SOME = 1e-6
"""Jobs per second that are more than none."""


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
    """Return what proves that more workers help: what waits gets less, something is completed, and no more fails.

    It is watched, too, where nothing tells what it was before (see `unmeasured`). A plain list tells its depth alone.
    """
    found: list[Watch] = []
    for queue in _proving(group, ground):
        waits = is_up and bool(fresh_value(ground, queue.depth))
        found.append(watch_series(f"depth of {queue.name}", queue.depth, "up", Must.IMPROVE if waits else Must.KEEP))
        if queue.is_list:
            continue
        if is_up:
            stands_still = waits and not fresh_value(ground, queue.completed)
            wants = Must.IMPROVE if stands_still else Must.KEEP
            watch = watch_series(f"completed/s of {queue.name}", queue.completed, "down", wants)
            found.append(msgspec.structs.replace(watch, goal=SOME if stands_still else None))
        share = watch_series(f"failing share of {queue.name}", queue.failed, "up", Must.KEEP)
        found.append(msgspec.structs.replace(share, beside=queue.completed.metric, tolerance=0.5))
    return tuple(found)


def unmeasured(group: ScaleGroup, ground: Ground) -> Iterator[str]:
    """Yield what of these watches nothing is known of as it is now."""
    for queue in _proving(group, ground):
        if queue.is_list:
            yield f"how much of {queue.name} is completed or fails: a plain list does not tell"
            continue
        rates = (("completed", queue.completed), ("failing", queue.failed))
        missing = [word for word, series in rates if fresh_value(ground, series) is None]
        if missing:
            yield f"{' and '.join(missing)} jobs of {queue.name} until now: not measured, so judged by what comes after"


class _Queue(NamedTuple):
    """A queue that proves a group, and its series."""

    name: str
    is_list: bool
    depth: SeriesId
    completed: SeriesId
    failed: SeriesId


def _proving(group: ScaleGroup, ground: Ground) -> Iterator[_Queue]:
    for source, where, name in islice(queues_of(group, ground), MOST_QUEUES):
        series = (SeriesId(source, f"queue.{each}", where) for each in ("depth", "completed", "failed"))
        yield _Queue(name, dict(where).get("kind") == "list", *series)
