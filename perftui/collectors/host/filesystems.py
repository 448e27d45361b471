"""Filesystems that can fill up: mountinfo and statvfs(3).

One row a filesystem: bind mounts and subvolumes of a device are the same space. A network filesystem whose server
is gone blocks statvfs for minutes, so each of these is asked on a thread of its own.
"""

import os
import select
from functools import partial

from perftui.collectors.host.files import Host
from perftui.collectors.host.mounts import Mount, parse_mounts
from perftui.core.aside import Aside
from perftui.core.rates import share
from perftui.core.reading import ReadingBuilder
from perftui.core.text import clean

MOUNTS = "proc/self/mountinfo"
NETWORK_EVERY = 10.0
NETWORK_DEADLINE = 5.0
MAX_NETWORK = 16
_READ_ONLY_BY_NATURE = {"squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs"}
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "glusterfs", "lustre", "beegfs", "9p", "afs"} | {
    f"fuse.{name}" for name in ("sshfs", "glusterfs", "ceph", "ceph-fuse", "s3fs", "rclone", "mfs")
}


class Filesystems:
    """Keeps the list of mounts until the kernel says that it changed, and the threads of network filesystems."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._local: list[Mount] = []
        self._network: dict[str, tuple[Mount, Aside[os.statvfs_result]]] = {}
        self._left_out = 0
        self._watch: select.poll | None = None

    def read(self, into: ReadingBuilder) -> None:
        """Add space and inodes of each filesystem; what cannot be asked is denied with the reason."""
        if self._changed():
            self._list()
        for mount in self._local:
            try:
                _add(into, mount, os.statvfs(self._path(mount)))
            except OSError as error:
                into.deny(clean(mount.point), (error.strerror or "unreadable").lower())
        for mount, aside in self._network.values():
            self._read_network(into, mount, aside)
        if self._left_out:
            into.deny("network filesystems", f"{self._left_out} left out, at most {MAX_NETWORK} are asked")

    def close(self) -> None:
        """Forget the mounts; a thread that hangs is kept, so that a new start does not add another."""
        self._watch = None

    def _read_network(self, into: ReadingBuilder, mount: Mount, aside: Aside[os.statvfs_result]) -> None:
        space = aside.latest(into.started)
        waited = aside.running_for(into.started)
        if waited > NETWORK_DEADLINE:
            into.deny(clean(mount.point), f"hung: {mount.kind} has not answered for {waited:.0f} s")
        elif aside.error:
            into.deny(clean(mount.point), aside.error)
        elif space is not None:
            _add(into, mount, space)

    def _changed(self) -> bool:
        """Ask the kernel, which marks mountinfo with POLLPRI after each mount and unmount."""
        if self._watch is None:
            return True
        return bool(self._watch.poll(0))

    def _list(self) -> None:
        text = self._host.files.read(MOUNTS)
        if text is None:
            self._local, self._watch = [], None
            return
        self._watch = select.poll()
        self._watch.register(self._host.files.descriptor(MOUNTS), select.POLLPRI)
        mounts = parse_mounts(text)
        network = whole([mount for mount in mounts if mount.kind in _NETWORK])
        self._left_out = max(0, len(network) - MAX_NETWORK)
        self._network = {mount.point: self._asked_aside(mount) for mount in network[:MAX_NETWORK]}
        kinds = kinds_on_devices(self._host.files.read("proc/filesystems") or "")
        local = [mount for mount in mounts if mount.kind not in _NETWORK and _is_local(mount, kinds)]
        self._local = whole([mount for mount in local if self._is_folder(mount)])

    def _is_folder(self, mount: Mount) -> bool:
        """Say no to single files, such as a container's /etc/hosts."""
        return os.path.isdir(self._path(mount))  # noqa: PTH112 - a path may hold bytes that are no text

    def _asked_aside(self, mount: Mount) -> tuple[Mount, Aside[os.statvfs_result]]:
        known = self._network.get(mount.point)
        if known is not None and known[0] == mount:
            return known
        return mount, Aside(partial(os.statvfs, self._path(mount)), NETWORK_EVERY)

    def _path(self, mount: Mount) -> str:
        return f"{self._host.files.root}/{mount.point.lstrip('/')}"


def kinds_on_devices(text: str) -> set[str]:
    """Return the filesystem types of /proc/filesystems that live on a device, and zfs; none that are read-only."""
    kinds = {line.strip() for line in text.splitlines() if not line.startswith("nodev")}
    return (kinds | {"zfs"}) - _READ_ONLY_BY_NATURE


def whole(mounts: list[Mount]) -> list[Mount]:
    """Return one mount a filesystem, by mountpoint: the whole of it rather than a part, then the shortest path."""
    visible = {mount.point: mount for mount in mounts}
    chosen: dict[str, Mount] = {}
    for mount in sorted(visible.values(), key=lambda each: (each.root != "/", len(each.point), each.point)):
        chosen.setdefault(mount.device, mount)
    return sorted(chosen.values(), key=lambda each: each.point)


def _is_local(mount: Mount, kinds: set[str]) -> bool:
    """The root counts whatever it is: in a container it is an overlay."""
    return mount.point == "/" or mount.kind in kinds


def _add(into: ReadingBuilder, mount: Mount, space: os.statvfs_result) -> None:
    if not space.f_blocks:
        return
    device, point = clean(mount.source), clean(mount.point)
    used = space.f_blocks - space.f_bfree
    values = {
        "utilization": share(used, used + space.f_bavail),
        "usage": used * space.f_frsize,
        "limit": space.f_blocks * space.f_frsize,
        "inodes.utilization": share(space.f_files - space.f_ffree, space.f_files),
    }
    for name, value in values.items():
        into.add(f"system.filesystem.{name}", value, device=device, mountpoint=point)
