"""Deleted files that services hold open: their space comes back once the service closes them.

From the host's table `deleted_files`, which names the first process found to hold each and is bounded: what a unit
holds is at least that much. Of several systemd sources with a unit of one name each is taken for the holder.
"""

from collections.abc import Iterable
from typing import NamedTuple

from perftui.actions.contract import Ground
from perftui.core.action import Must, Watch
from perftui.core.alert import Alert
from perftui.core.reading import Reading
from perftui.core.units import size

LEAST = 10 << 20
"""Bytes below which nobody restarts anything."""
MOST_HOLDERS = 5
METRIC = "system.filesystem.deleted.usage"
WINDOW = 100.0
"""Seconds that the proof takes: the host's descriptors are read once a minute."""
_DISKS = "system.filesystem."
_TOLERANCE = 0.1


class Holder(NamedTuple):
    """What a unit holds (bytes), and the source of the host that tells; `total` is what all hold together."""

    host: str
    unit: str
    held: float
    total: float

    @property
    def words(self) -> str:
        """Return what is held, in words."""
        return f"holds {size(self.held)} of deleted files"

    @property
    def watch(self) -> Watch:
        """What proves that they were closed: the whole gets smaller by at least half of what this one held."""
        return Watch(
            label="deleted files held open",
            source=self.host,
            metric=METRIC,
            must=Must.IMPROVE,
            tolerance=min(_TOLERANCE, self.held / max(self.held, self.total) / 2),
        )


def largest_holders(ground: Ground, kind: str, units: Iterable[str], alert: Alert | None = None) -> dict[str, Holder]:
    """Return those of `units` that hold the most, by name and the largest first, on sources of a `kind`.

    Against an alert only those that matter to it: on the filesystem that it is about, none where it is about no disk.
    """
    if kind != "systemd" or (alert is not None and not alert.metric.startswith(_DISKS)):
        return {}
    mount = "" if alert is None else dict(alert.attributes).get("mountpoint", "")
    wanted = set(units)
    found = [each for each in _holders(ground, mount, alert.source if alert else "") if each.unit in wanted]
    found = [each for each in found if each.held >= LEAST]
    return {each.unit: each for each in sorted(found, key=lambda each: -each.held)[:MOST_HOLDERS]}


def _holders(ground: Ground, mount: str, host: str) -> list[Holder]:
    held: dict[tuple[str, str], float] = {}
    totals: dict[str, float] = {}
    for name, source in ground.sources.items():
        reading = ground.readings.get(name)
        if source.kind != "system" or host not in ("", name) or reading is None or not ground.is_fresh(name):
            continue
        usage = _usage(reading)
        totals[name] = usage.get("", 0.0)
        for where, unit, bytes in _rows(reading):
            if where in usage and mount in ("", where):  # what lies in memory is in the table and in no usage
                held[name, unit] = held.get((name, unit), 0.0) + bytes
    return [Holder(name, unit, bytes, totals[name]) for (name, unit), bytes in held.items()]


def _usage(reading: Reading) -> dict[str, float]:
    """Return the space by mountpoint, and all of it by the empty one."""
    samples = (each for each in reading.samples if each.metric == METRIC)
    return {dict(each.attributes).get("mountpoint", ""): each.value for each in samples}


def _rows(reading: Reading) -> Iterable[tuple[str, str, float]]:
    """Yield mountpoint, unit and bytes of each file."""
    table = reading.tables.get("deleted_files")
    for cells in table.rows if table is not None else ():
        row = dict(zip(table.columns, cells, strict=False)) if table is not None else {}
        bytes = row.get("size")
        if isinstance(bytes, (int, float)):
            yield str(row.get("mount")), str(row.get("unit")), float(bytes)
