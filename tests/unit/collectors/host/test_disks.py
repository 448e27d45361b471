from functools import partial

import pytest

from perftui.collectors.host.disks import is_partition, read_disks
from tests.unit.collectors.host.tree import Tree, values

NAMES = {"sda", "sda1", "nvme0n1", "nvme0n1p2", "dm-1", "dm-10", "md0", "md0p1", "xvda1", "mmcblk0", "mmcblk0p1"}
LINE = "   8 0 {} {} 0 {} {} {} 0 {} {} 0 {} 0 0 0 0 0 0 0\n"


@pytest.mark.parametrize("name", ["sda1", "nvme0n1p2", "md0p1", "mmcblk0p1"])
def test_partitions_of_a_disk_that_is_there(name: str) -> None:
    assert is_partition(name, NAMES)


@pytest.mark.parametrize("name", ["sda", "nvme0n1", "dm-1", "dm-10", "md0", "mmcblk0", "xvda1"])
def test_whole_devices(name: str) -> None:
    assert not is_partition(name, NAMES)


def test_rates_await_and_utilization(tree: Tree) -> None:
    read = partial(read_disks, tree.host)
    tree.write("proc/diskstats", LINE.format("sda", 100, 800, 50, 200, 1600, 150, 100))
    assert values(tree.poll(read)) == {}
    tree.write("proc/diskstats", LINE.format("sda", 110, 880, 60, 230, 1840, 220, 350))
    assert values(tree.poll(read)) == {
        ("system.disk.io", "sda", "read"): 80 * 512,
        ("system.disk.io", "sda", "write"): 240 * 512,
        ("system.disk.operations", "sda", "read"): 10,
        ("system.disk.operations", "sda", "write"): 30,
        ("system.disk.await", "sda"): pytest.approx(0.002),
        ("system.disk.utilization", "sda"): 0.25,
    }


def test_without_operations_the_await_is_absent(tree: Tree) -> None:
    read = partial(read_disks, tree.host)
    tree.write("proc/diskstats", LINE.format("sda", 100, 800, 50, 200, 1600, 150, 100))
    tree.poll(read)
    shown = values(tree.poll(read))
    assert shown["system.disk.utilization", "sda"] == 0
    assert ("system.disk.await", "sda") not in shown


def test_loops_ram_partitions_and_unused_devices_are_left_out(tree: Tree) -> None:
    read = partial(read_disks, tree.host)
    names = ("loop0", "ram0", "zram0", "sr0", "nvme0n1", "nvme0n1p1")
    used = "".join(LINE.format(name, 1, 1, 1, 1, 1, 1, 1) for name in names)
    tree.write("proc/diskstats", used + LINE.format("sdb", 0, 0, 0, 0, 0, 0, 0))
    tree.poll(read)
    assert {sample.attributes[0][1] for sample in tree.poll(read).samples} == {"nvme0n1"}
