from perftui.collectors.host.cgroup import Group, locate
from tests.unit.collectors.host.tree import Tree

V2 = "40 30 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
HYBRID = (
    "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)


def found(tree: Tree, controller: str, cgroup: str, mountinfo: str) -> list[Group]:
    tree.write("proc/self/cgroup", cgroup)
    tree.write("proc/self/mountinfo", mountinfo)
    return locate(tree.host.files, controller)


def test_version_2_ours_first_then_those_above(tree: Tree) -> None:
    assert found(tree, "memory", "0::/app.slice/web.service\n", V2) == [
        Group("/app.slice/web.service", "sys/fs/cgroup/app.slice/web.service", 2),
        Group("/app.slice", "sys/fs/cgroup/app.slice", 2),
        Group("/", "sys/fs/cgroup", 2),
    ]


def test_hybrid_takes_each_controller_where_it_is(tree: Tree) -> None:
    ours = "5:memory:/a\n4:cpu,cpuacct:/\n1:name=systemd:/init.scope\n0::/init.scope\n"
    assert found(tree, "memory", ours, HYBRID)[0] == Group("/a", "sys/fs/cgroup/memory/a", 1)
    assert found(tree, "cpu", ours, HYBRID) == [Group("/", "sys/fs/cgroup/cpu", 1)]
    assert found(tree, "cpuset", ours, HYBRID)[0].path == "sys/fs/cgroup/unified/init.scope"


def test_version_1_in_a_container_sees_only_its_own_part(tree: Tree) -> None:
    mount = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    assert found(tree, "memory", "5:memory:/docker/abc\n", mount) == [Group("/", "sys/fs/cgroup/memory", 1)]
    assert found(tree, "memory", "5:memory:/docker/abc/in\n", mount)[0].name == "/in"


def test_a_group_outside_of_what_is_mounted_is_taken_for_its_root(tree: Tree) -> None:
    mount = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    assert found(tree, "memory", "5:memory:/other\n", mount) == [Group("/", "sys/fs/cgroup/memory", 1)]
    assert found(tree, "memory", "0::/../sibling\n", V2) == [Group("/", "sys/fs/cgroup", 2)]


def test_without_cgroups_there_are_none(tree: Tree) -> None:
    assert locate(tree.host.files, "cpu") == []
    assert found(tree, "cpu", "0::/a\n", "") == []
