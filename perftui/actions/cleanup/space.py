"""Which filesystem a folder lies on, by the names that its readings have, and how much of it is free."""

import os
import re
from collections.abc import Iterable

from perftui.actions.cleanup.folder_fd import mount_id
from perftui.core.action import Must, Watch
from perftui.core.reading import Reading, Sample

UTILIZATION = "system.filesystem.utilization"
WORTH_SEEING = 0.005
_OCTAL = re.compile(r"\\([0-7]{3})")


def free_bytes(folder: int | str) -> int:
    """Return what ordinary users can have of the filesystem of a folder. Raises OSError."""
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize


def mountpoints(root: int) -> frozenset[str]:
    """Return where the filesystem of an open folder is mounted. Raises OSError."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        mounts = [line.split(" ", 5)[:5] for line in file]
    number = str(mount_id(root))
    device = next((each[2] for each in mounts if each[0] == number), "")
    return frozenset(_OCTAL.sub(lambda found: chr(int(found[1], 8)), each[4]) for each in mounts if each[2] == device)


def watch_of(reading: Reading | None, points: Iterable[str], freed: int, source: str) -> Watch | None:
    """Return the watch on the share in use: it must fall where what is freed can be seen in it, else not rise."""
    points = frozenset(points)
    used = _sample(reading, UTILIZATION, points)
    limit = _sample(reading, "system.filesystem.limit", points)
    if used is None or limit is None or not limit.value or not used.value:
        return None
    part = freed / limit.value
    is_seen = part >= WORTH_SEEING
    return Watch(
        label=f"{dict(used.attributes).get('mountpoint', '')} in use",
        source=source,
        metric=UTILIZATION,
        attributes=used.attributes,
        must=Must.IMPROVE if is_seen else Must.KEEP,
        tolerance=part / used.value / 2 if is_seen else 0.1,
    )


def _sample(reading: Reading | None, metric: str, points: frozenset[str]) -> Sample | None:
    samples = () if reading is None else reading.samples
    return next(
        (each for each in samples if each.metric == metric and dict(each.attributes).get("mountpoint") in points), None
    )
