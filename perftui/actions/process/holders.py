"""Processes that hold deleted files and are of no service that could be restarted, by the table `deleted_files`."""

from typing import NamedTuple

from perftui.core.alert import Alert
from perftui.core.reading import Table
from perftui.core.units import size

LEAST = 10 * 1024 * 1024
"""Bytes below which nobody is worth a signal."""
MOST = 3
_METRIC = "system.filesystem.deleted.usage"


class Holder(NamedTuple):
    """A process, pinned by when it started (ticks since boot), and the bytes of the deleted files that it holds."""

    pid: int
    started: int
    name: str
    held: float

    @property
    def pin(self) -> dict[str, str]:
        """The parameters that name it."""
        return {"pid": str(self.pid), "started": str(self.started)}

    @property
    def note(self) -> str:
        """What speaks for a signal."""
        return f"holds {size(self.held)} of deleted files; many daemons reopen theirs"


def holders(table: Table | None, alert: Alert | None) -> list[Holder]:
    """Return the three that hold the most, from 10 MiB; against an alert those on the filesystem that it is about."""
    where = None if alert is None else dict(alert.attributes).get("mountpoint")
    if table is None or (alert is not None and where is None and alert.metric != _METRIC):
        return []
    found: dict[int, Holder] = {}
    for cells in table.rows:
        row = dict(zip(table.columns, cells, strict=True))
        pid, started, held = row["pid"], row.get("started"), row["size"]
        if str(row["unit"]).endswith(".service") or where not in (None, row["mount"]):
            continue
        if isinstance(pid, int) and isinstance(started, int) and isinstance(held, (int, float)):
            before = found[pid].held if pid in found else 0.0
            found[pid] = Holder(pid, started, str(row["process"]), before + held)
    largest = sorted(found.values(), key=lambda each: -each.held)
    return [each for each in largest if each.held >= LEAST][:MOST]
