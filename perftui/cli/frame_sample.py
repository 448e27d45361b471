"""This host read from /proc with the standard library alone: what the early frame and `perftui rescue` show.

No fork, no disk write, no library: it has to work when the host has none of these to give. What cannot be read is
None or left out. Only local filesystems are asked for their space, because a dead NFS server would hang statvfs.
"""

import os
import time
from typing import NamedTuple

from perftui.core.rates import Counters, share
from perftui.core.text import clean

TICK = os.sysconf("SC_CLK_TCK")
_LOCAL = ("ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "vfat", "overlay", "bcachefs", "jfs", "reiserfs")
_STEAL, _IDLE, _WAIT = 7, 3, 4


class Disk(NamedTuple):
    """A local filesystem: where it is mounted, and the share of its bytes (for users) and inodes in use."""

    mount: str
    used: float
    free: float
    inodes: float | None


class Device(NamedTuple):
    """A disk, and the share of the time that it was busy, None until there are two samples."""

    name: str
    busy: float | None


class Link(NamedTuple):
    """A network interface: bytes a second in and out, None until there are two samples."""

    name: str
    received: float | None
    sent: float | None


class Sample(NamedTuple):
    """The host at one moment; ratios are 0..1, sizes bytes, times seconds; rates are None in the first sample."""

    wall: float
    uptime: float | None
    load: tuple[float, ...]
    cpu: float | None
    steal: float | None
    waiting: float | None
    cores: list[float | None]
    memory: dict[str, float]
    pressure: dict[str, float]
    devices: list[Device]
    disks: list[Disk]
    links: list[Link]

    @property
    def memory_used(self) -> float | None:
        """The share of memory that could not be had without swapping."""
        total, available = self.memory.get("MemTotal"), self.memory.get("MemAvailable")
        return None if total is None or available is None else share(total - available, total)


class Host:
    """Reads the host; remembers the counters between two samples."""

    def __init__(self) -> None:
        self._counters = Counters()

    def sample(self) -> Sample:
        """Return the host as it is now."""
        now = time.monotonic()
        cpu = {name: self._shares(name, ticks, now) for name, ticks in _cpu_ticks().items()}
        busy, steal, waiting = cpu.pop("cpu", (None, None, None))
        words = read("/proc/uptime").split()
        return Sample(
            wall=time.time(),
            uptime=float(words[0]) if words else None,
            load=tuple(float(word) for word in read("/proc/loadavg").split()[:3]),
            cpu=busy,
            steal=steal,
            waiting=waiting,
            cores=[each[0] for each in cpu.values()],
            memory=_memory(),
            pressure=_pressure(),
            devices=self._devices(now),
            disks=_disks(),
            links=self._links(now),
        )

    def _shares(self, name: str, ticks: list[int], now: float) -> tuple[float | None, float | None, float | None]:
        """Return the shares of a CPU that were busy, stolen and waiting for disks since the last sample."""
        total = sum(ticks[:8])
        parts = (total - ticks[_IDLE] - ticks[_WAIT], ticks[_STEAL], ticks[_WAIT])
        whole = self._growth((name, "total"), total, now)
        busy, steal, waiting = (share(self._growth((name, i), part, now), whole) for i, part in enumerate(parts))
        return busy, steal, waiting

    def _growth(self, key: tuple[str, object], value: int, now: float) -> float | None:
        delta = self._counters.delta(key, value, now)
        return None if delta is None else delta.amount

    def _devices(self, now: float) -> list[Device]:
        """Return whole disks, the busiest first; the 13th word of /proc/diskstats counts busy milliseconds."""
        devices = []
        for words in (line.split() for line in read("/proc/diskstats").splitlines()):
            if len(words) > 12 and int(words[12]) and not words[2].startswith(("loop", "ram", "sr", "fd")):
                busy = self._counters.rate(("disk", words[2]), float(words[12]), now)
                devices.append(Device(clean(words[2], 20), None if busy is None else min(1.0, busy / 1000)))
        return sorted(devices, key=lambda device: (-(device.busy or 0.0), len(device.name), device.name))

    def _links(self, now: float) -> list[Link]:
        """Return the network interfaces, the one that carried most first."""
        carried: list[tuple[float, Link]] = []
        for line in read("/proc/net/dev").splitlines()[2:]:
            name, _, figures = line.partition(":")
            words = figures.split()
            if name.strip() != "lo" and len(words) > 8:
                received, sent = float(words[0]), float(words[8])
                rates = (self._counters.rate((name, way), bytes_, now) for way, bytes_ in enumerate((received, sent)))
                carried.append((received + sent, Link(clean(name.strip(), 20), *rates)))
        return [link for _, link in sorted(carried, key=lambda each: -each[0])]


def read(path: str, most: int = 1 << 18) -> str:
    """Return the text of a file in /proc, "" where it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        parts, size = [], 0
        while size < most and (part := os.read(descriptor, 1 << 16)):
            parts.append(part)
            size += len(part)
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    return b"".join(parts).decode("utf-8", "surrogateescape")


def _cpu_ticks() -> dict[str, list[int]]:
    """Return the ticks of `cpu` (all) and of each core: user, nice, system, idle, iowait, irq, softirq, steal, …"""
    ticks = {}
    for line in read("/proc/stat").splitlines():
        if not line.startswith("cpu"):
            break
        name, *figures = line.split()
        ticks[name] = [int(figure) for figure in figures]
    return {name: each for name, each in ticks.items() if len(each) >= 8}


def _memory() -> dict[str, float]:
    """Return /proc/meminfo in bytes."""
    lines = (line.split() for line in read("/proc/meminfo").splitlines())
    return {words[0][:-1]: float(words[1]) * 1024 for words in lines if len(words) == 3}


def _pressure() -> dict[str, float]:
    """Return the share of the last 10 s in which something waited for `cpu`, `memory`, `io`, where the kernel says."""
    found = {}
    for kind in ("cpu", "memory", "io"):
        words = read(f"/proc/pressure/{kind}").split()
        if len(words) > 1 and words[1].startswith("avg10="):
            found[kind] = float(words[1][6:]) / 100
    return found


def _disks() -> list[Disk]:
    """Return the local filesystems, the fullest first, each device once."""
    mounts: dict[str, str] = {}
    for line in read("/proc/self/mounts").splitlines():
        device, mount, kind, *_ = [*line.split(" "), "", ""]
        if kind in _LOCAL and not mount.startswith(("/snap/", "/boot")):
            mounts.setdefault(device if kind != "overlay" else mount, mount)
    disks = [disk for mount in list(mounts.values())[:64] if (disk := _disk(_unescaped(mount))) is not None]
    return sorted(disks, key=lambda disk: -max(disk.used, disk.inodes or 0.0))


def _disk(mount: str) -> Disk | None:
    try:
        found = os.statvfs(mount)
    except OSError:
        return None
    taken = found.f_blocks - found.f_bfree
    used = share(taken, taken + found.f_bavail)
    if used is None:
        return None
    inodes = share(found.f_files - found.f_ffree, found.f_files)
    return Disk(clean(mount, 100), used, found.f_bavail * found.f_frsize, inodes)


def _unescaped(mount: str) -> str:
    """Return a mount point as it is called: blanks and the like stand there in octal, after a backslash."""
    parts = mount.split("\\")
    return parts[0] + "".join(chr(int(part[:3], 8)) + part[3:] for part in parts[1:] if part[:3].isdigit())
