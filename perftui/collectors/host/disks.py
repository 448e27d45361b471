"""Disk I/O: /proc/diskstats (kernel: admin-guide/iostats). A sector is 512 bytes whatever the device says."""

import re

from perftui.collectors.host.files import Host
from perftui.core.rates import Delta, share
from perftui.core.reading import ReadingBuilder
from perftui.core.text import clean

SECTOR = 512
MILLISECONDS = 1000
_NOT_DISKS = re.compile(r"(loop|ram|zram|fd|sr)\d+$")
_PARTITION = re.compile(r"(.*\d)p\d+$|(.*\D)\d+$")


def read_disks(host: Host, into: ReadingBuilder) -> None:
    """Add throughput, operations, await and utilization of each whole device that was ever used."""
    lines = [line.split() for line in (host.files.read("proc/diskstats") or "").splitlines()]
    names = {words[2] for words in lines}
    for words in lines:
        if not _NOT_DISKS.match(words[2]) and not is_partition(words[2], names):
            _add_disk(host, into, clean(words[2]), [int(word) for word in words[3:14]])


def is_partition(name: str, names: set[str]) -> bool:
    """Return whether `name` is part of another of `names`: sda1 of sda, nvme0n1p1 of nvme0n1; dm-10 is not of dm-1."""
    match = _PARTITION.match(name)
    return match is not None and (match[1] or match[2]) in names


def _add_disk(host: Host, into: ReadingBuilder, device: str, fields: list[int]) -> None:
    reads, _, read_sectors, read_ms, writes, _, written_sectors, write_ms, _, busy_ms, _ = fields
    if not reads + writes:
        return

    def grown(what: str, value: int) -> Delta | None:
        return host.counters.delta(("disk", device, what), value, into.started)

    for direction, sectors, count in (("read", read_sectors, reads), ("write", written_sectors, writes)):
        io, operations = grown(f"{direction} sectors", sectors), grown(direction, count)
        into.add("system.disk.io", io and io.rate * SECTOR, device=device, direction=direction)
        into.add("system.disk.operations", operations and operations.rate, device=device, direction=direction)
    waited, done, busy = grown("ms", read_ms + write_ms), grown("done", reads + writes), grown("busy", busy_ms)
    if waited and done and done.amount:
        into.add("system.disk.await", waited.amount / MILLISECONDS / done.amount, device=device)
    into.add("system.disk.utilization", busy and share(busy.rate, MILLISECONDS), device=device)
