import pytest

from perftui.collectors.host.limits import CpuLimit, Limits, MemoryLimit
from perftui.core.reading import ReadingBuilder
from tests.unit.collectors.host.tree import Tree, values

V2 = "40 30 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
V1 = "".join(f"3 1 0:2 / /sys/fs/cgroup/{name} rw - cgroup cgroup rw,{name}\n" for name in ("cpu", "cpuacct", "memory"))
MIB = 1 << 20


class Reader:
    """Limits that remember what they last returned."""

    def __init__(self, tree: Tree) -> None:
        self.limits = Limits(tree.host)
        self.cpu: CpuLimit | None = None
        self.memory: MemoryLimit | None = None

    def __call__(self, into: ReadingBuilder) -> None:
        self.limits.refresh()
        self.cpu, self.memory = self.limits.read_cpu(into), self.limits.read_memory(into)


def write_v2(tree: Tree, folder: str, cpu: str, memory: str, used: int = 0) -> None:
    path = f"sys/fs/cgroup/{folder}"
    tree.write(f"{path}/cpu.max", f"{cpu}\n")
    stat = (
        f"usage_usec {used}\nnr_periods {used // 100_000}\nnr_throttled {used // 200_000}\nthrottled_usec {used // 4}\n"
    )
    tree.write(f"{path}/cpu.stat", stat)
    tree.write(f"{path}/memory.max", f"{memory}\n")
    tree.write(f"{path}/memory.current", f"{80 * MIB}\n")
    tree.write(f"{path}/memory.stat", f"anon 1\nfile {30 * MIB}\ninactive_file {20 * MIB}\n")
    tree.write(f"{path}/memory.events", f"low 0\noom 0\noom_kill {used // 1_000_000}\n")


def test_version_2(tree: Tree) -> None:
    reader = Reader(tree)
    tree.write("proc/self/cgroup", "0::/web\n")
    tree.write("proc/self/mountinfo", V2)
    write_v2(tree, "web", "200000 100000", str(100 * MIB))
    tree.poll(reader)
    write_v2(tree, "web", "200000 100000", str(100 * MIB), used=1_000_000)
    shown = values(tree.poll(reader))
    assert reader.cpu == CpuLimit("/web", 2.0, 1.0)
    assert reader.memory == MemoryLimit("/web", 100 * MIB, 60 * MIB, 30 * MIB)
    assert shown == {
        ("system.cgroup.cpu.limit",): 2,
        ("system.cgroup.cpu.usage",): pytest.approx(1),
        ("system.cgroup.cpu.throttled_ratio",): 0.5,
        ("system.cgroup.cpu.throttled_time",): pytest.approx(0.25),
        ("system.cgroup.memory.limit",): 100 * MIB,
        ("system.cgroup.memory.usage",): 60 * MIB,
        ("system.cgroup.memory.oom_kills",): 1,
    }


def write_v1(tree: Tree, quota: int, memory: int, used: int = 0) -> None:
    tree.write("sys/fs/cgroup/cpu/web/cpu.cfs_quota_us", f"{quota}\n")
    tree.write("sys/fs/cgroup/cpu/web/cpu.cfs_period_us", "100000\n")
    tree.write("sys/fs/cgroup/cpu/web/cpu.stat", f"nr_periods {used}\nnr_throttled 0\nthrottled_time {used * 10**8}\n")
    tree.write("sys/fs/cgroup/cpuacct/web/cpuacct.usage", f"{used * 10**8}\n")
    tree.write("sys/fs/cgroup/memory/web/memory.limit_in_bytes", f"{memory}\n")
    tree.write("sys/fs/cgroup/memory/web/memory.usage_in_bytes", f"{80 * MIB}\n")
    tree.write("sys/fs/cgroup/memory/web/memory.stat", f"cache 1\ntotal_cache {MIB}\ntotal_inactive_file {20 * MIB}\n")
    tree.write("sys/fs/cgroup/memory/web/memory.oom_control", f"oom_kill_disable 0\nunder_oom 0\noom_kill {used}\n")


def test_version_1_with_accounts_in_another_hierarchy(tree: Tree) -> None:
    reader = Reader(tree)
    tree.write("proc/self/cgroup", "4:memory:/web\n2:cpuacct:/web\n1:cpu:/web\n0::/\n")
    tree.write("proc/self/mountinfo", V1)
    write_v1(tree, 50_000, 100 * MIB)
    tree.poll(reader)
    write_v1(tree, 50_000, 100 * MIB, used=5)
    shown = values(tree.poll(reader))
    assert reader.cpu == CpuLimit("/web", 0.5, 0.5)
    assert reader.memory == MemoryLimit("/web", 100 * MIB, 60 * MIB, MIB)
    assert shown["system.cgroup.cpu.throttled_ratio",] == 0
    assert shown["system.cgroup.cpu.throttled_time",] == pytest.approx(0.5)
    assert shown["system.cgroup.memory.oom_kills",] == 5


def test_version_1_says_no_limit_with_minus_one_and_a_huge_number(tree: Tree) -> None:
    reader = Reader(tree)
    tree.write("proc/self/cgroup", "4:memory:/web\n1:cpu:/web\n")
    tree.write("proc/self/mountinfo", V1)
    write_v1(tree, -1, 9223372036854771712)
    assert values(tree.poll(reader)) == {}
    assert (reader.cpu, reader.memory) == (None, None)


def test_use_that_is_not_counted_is_said_to_be_so(tree: Tree) -> None:
    reader = Reader(tree)
    tree.write("proc/self/cgroup", "2:cpuacct:/\n1:cpu:/web\n")
    tree.write("proc/self/mountinfo", V1)
    write_v1(tree, 50_000, MIB)
    tree.poll(reader)
    assert reader.cpu == CpuLimit("/web", 0.5, None, counted=False)


def test_the_tightest_of_ours_and_those_above_counts(tree: Tree) -> None:
    reader = Reader(tree)
    tree.write("proc/self/cgroup", "0::/pod/web\n")
    tree.write("proc/self/mountinfo", V2)
    write_v2(tree, "pod/web", "400000 100000", str(50 * MIB))
    write_v2(tree, "pod", "150000 100000", "max")
    tree.poll(reader)
    assert reader.cpu is not None and (reader.cpu.group, reader.cpu.cores) == ("/pod", 1.5)
    assert reader.memory is not None and (reader.memory.group, reader.memory.limit) == ("/pod/web", 50 * MIB)


def test_a_limit_that_is_lifted_and_a_move_to_another_group_are_seen(tree: Tree) -> None:
    reader = Reader(tree)
    tree.write("proc/self/cgroup", "0::/web\n")
    tree.write("proc/self/mountinfo", V2)
    write_v2(tree, "web", "200000 100000", "max")
    write_v2(tree, "job", "300000 100000", "max")
    tree.poll(reader)
    assert reader.cpu is not None and reader.cpu.cores == 2.0
    write_v2(tree, "web", "max 100000", "max")
    tree.poll(reader)
    assert reader.cpu is None
    tree.write("proc/self/cgroup", "0::/job\n")
    tree.poll(reader)
    assert reader.cpu is not None and reader.cpu.group == "/job"


def test_outside_of_any_cgroup_there_is_no_limit(tree: Tree) -> None:
    reader = Reader(tree)
    assert tree.poll(reader).samples == ()
    assert (reader.cpu, reader.memory) == (None, None)
