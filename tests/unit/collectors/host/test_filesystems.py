import os
import threading
from collections.abc import Callable

import pytest

from perftui.collectors.host.filesystems import Filesystems, kinds_on_devices, whole
from perftui.collectors.host.mounts import Mount
from perftui.core.reading import Reading
from tests.support.servers import wait_until
from tests.unit.collectors.host.tree import Tree, values

KINDS = "nodev\tproc\nnodev\ttmpfs\nnodev\toverlay\n\text4\n\txfs\n\tsquashfs\n"
LINE = "1 1 {} {} {} rw - {} {} rw\n"


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every filesystem have 1,000 blocks of 4 KiB: 250 free, 150 for users; 100 inodes, 25 free."""
    monkeypatch.setattr(
        os, "statvfs", lambda _path: os.statvfs_result((4096, 4096, 1000, 250, 150, 100, 25, 25, 0, 255))
    )


def mounted(tree: Tree, *lines: tuple[str, str, str, str, str]) -> Filesystems:
    tree.write("proc/filesystems", KINDS)
    tree.write("proc/self/mountinfo", "".join(LINE.format(*line) for line in lines))
    for line in lines:
        (tree.root / line[2].lstrip("/")).mkdir(parents=True, exist_ok=True)
    return Filesystems(tree.host)


def mountpoints(reading: Reading) -> set[str]:
    return {dict(sample.attributes)["mountpoint"] for sample in reading.samples}


@pytest.mark.usefixtures("space")
def test_utilization_is_what_df_says(tree: Tree) -> None:
    filesystems = mounted(tree, ("8:1", "/", "/data", "ext4", "/dev/sda1"))
    assert values(tree.poll(filesystems.read)) == {
        ("system.filesystem.utilization", "/dev/sda1", "/data"): pytest.approx(750 / 900),
        ("system.filesystem.usage", "/dev/sda1", "/data"): 750 * 4096,
        ("system.filesystem.limit", "/dev/sda1", "/data"): 1000 * 4096,
        ("system.filesystem.inodes.utilization", "/dev/sda1", "/data"): 0.75,
    }


@pytest.mark.usefixtures("space")
def test_pseudo_read_only_and_duplicate_mounts_are_left_out(tree: Tree) -> None:
    filesystems = mounted(
        tree,
        ("8:1", "/", "/", "ext4", "/dev/sda1"),
        ("8:1", "/srv", "/export", "ext4", "/dev/sda1"),
        ("0:5", "/", "/run", "tmpfs", "tmpfs"),
        ("7:1", "/", "/snap/core", "squashfs", "/dev/loop1"),
        ("0:9", "/", "/var/lib/docker/overlay2/a/merged", "overlay", "overlay"),
        ("8:2", "/", "/var", "xfs", "/dev/sda2"),
    )
    assert mountpoints(tree.poll(filesystems.read)) == {"/", "/var"}


@pytest.mark.usefixtures("space")
def test_in_a_container_the_overlay_root_counts_and_bound_files_do_not(tree: Tree) -> None:
    filesystems = mounted(
        tree,
        ("0:9", "/", "/", "overlay", "overlay"),
        ("8:1", "/var/lib/docker/volumes/data", "/data", "ext4", "/dev/sda1"),
    )
    tree.write("etc/hosts", "127.0.0.1 localhost\n")
    with (tree.root / "proc/self/mountinfo").open("a") as mountinfo:
        mountinfo.write(LINE.format("8:1", "/var/lib/docker/c/hosts", "/etc/hosts", "ext4", "/dev/sda1"))
    assert mountpoints(tree.poll(filesystems.read)) == {"/", "/data"}


def test_the_whole_of_a_device_wins_over_a_part_and_the_last_mount_over_a_hidden_one() -> None:
    part = Mount("8:1", "/srv", "/e", "ext4", "/dev/sda1", ())
    all_of_it = Mount("8:1", "/", "/mnt/long", "ext4", "/dev/sda1", ())
    hidden = Mount("8:2", "/", "/data", "ext4", "/dev/sdb1", ())
    over_it = Mount("8:3", "/", "/data", "ext4", "/dev/sdc1", ())
    assert whole([part, all_of_it, hidden, over_it]) == [over_it, all_of_it]


def test_kinds_that_live_on_devices() -> None:
    assert kinds_on_devices(KINDS) == {"ext4", "xfs", "zfs"}


def test_a_mountpoint_that_may_not_be_asked_is_denied_and_the_others_are_shown(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = os.statvfs

    def refuse(path: str) -> os.statvfs_result:
        if path.endswith("secret"):
            raise PermissionError(13, "Permission denied")
        return ask(path)

    monkeypatch.setattr(os, "statvfs", refuse)
    filesystems = mounted(
        tree, ("8:1", "/", "/secret", "ext4", "/dev/sda1"), ("8:2", "/", "/open", "ext4", "/dev/sdb1")
    )
    reading = tree.poll(filesystems.read)
    assert mountpoints(reading) == {"/open"}
    assert reading.denied == {"/secret": "permission denied"}


def test_a_hung_network_filesystem_holds_up_no_poll(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(os, "statvfs", hanging(os.statvfs, "nfs", release))
    filesystems = mounted(tree, ("0:50", "/", "/nfs", "nfs4", "filer:/x"), ("8:1", "/", "/local", "ext4", "/dev/sda1"))
    before = threading.active_count()
    readings = [tree.poll(filesystems.read) for _ in range(20)]
    assert all(mountpoints(reading) == {"/local"} for reading in readings)
    assert readings[-1].denied == {"/nfs": "hung: nfs4 has not answered for 19 s"}
    filesystems.close()
    tree.poll(filesystems.read)
    assert threading.active_count() == before + 1
    release.set()
    wait_until(lambda: "/nfs" in mountpoints(tree.poll(filesystems.read)))


def hanging(
    ask: Callable[[str], os.statvfs_result], name: str, release: threading.Event
) -> Callable[[str], os.statvfs_result]:
    def statvfs(path: str) -> os.statvfs_result:
        if path.endswith(name):
            release.wait(30)
        return ask(path)

    return statvfs
