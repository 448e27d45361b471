from perftui.collectors.host.mounts import Mount, parse_mounts


def test_optional_fields_and_escaped_paths() -> None:
    text = (
        "36 35 98:0 /mnt1 /my\\040disk rw,noatime master:1 propagate_from:2 - ext4 /dev/a\\134b rw,errors=continue\n"
        "40 35 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
        "not a mount\n"
    )
    assert parse_mounts(text) == [
        Mount("98:0", "/mnt1", "/my disk", "ext4", "/dev/a\\b", ("rw", "errors=continue")),
        Mount("0:38", "/", "/sys/fs/cgroup", "cgroup2", "cgroup2", ("rw",)),
    ]
