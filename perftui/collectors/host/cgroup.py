"""Which control groups (cgroups) bound this process, in version 1, version 2 and the hybrid of both.

/proc/self/cgroup names our group in each hierarchy, mountinfo where the hierarchy is mounted and which part of it we
see (cgroups(7)). A limit of any group above us binds us too, so each is listed, ours first.
"""

from typing import NamedTuple

from perftui.collectors.host.files import KernelFiles
from perftui.collectors.host.mounts import Mount, parse_mounts


class Group(NamedTuple):
    """One control group: `name` as people say it, `path` of its folder relative to the root, `version` 1 or 2."""

    name: str
    path: str
    version: int


def locate(files: KernelFiles, controller: str) -> list[Group]:
    """Return our group of `controller` and those above it that can be seen; none without cgroups."""
    paths = _our_groups(files.read("proc/self/cgroup") or "")
    mounts = parse_mounts(files.read("proc/self/mountinfo") or "")
    version = 1 if controller in paths else 2
    path = paths.get(controller, paths.get(""))
    mount = next((each for each in mounts if _carries(each, controller, version)), None)
    if path is None or mount is None:
        return []
    return _upwards(mount, path, version)


def _our_groups(text: str) -> dict[str, str]:
    """Return our path by controller (version 1) and under the empty name (version 2)."""
    paths: dict[str, str] = {}
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        paths |= dict.fromkeys(controllers.split(","), path)
    return paths


def _carries(mount: Mount, controller: str, version: int) -> bool:
    if version == 2:
        return mount.kind == "cgroup2"
    return mount.kind == "cgroup" and controller in mount.options


def _upwards(mount: Mount, path: str, version: int) -> list[Group]:
    """Return the group at `path` and its parents up to the mount, which in a container shows only a part (`root`)."""
    inside = path.removeprefix(mount.root) if mount.root != "/" else path
    outside = inside == path and mount.root != "/"
    parts = [] if outside or ".." in path else [part for part in inside.split("/") if part]
    folders = ["/".join(parts[:length]) for length in range(len(parts), -1, -1)]
    return [Group(f"/{each}", f"{mount.point.strip('/')}/{each}".rstrip("/"), version) for each in folders]
