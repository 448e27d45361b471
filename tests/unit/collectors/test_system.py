from pathlib import Path

import pytest

from perftui.collectors.system import SystemCollector
from perftui.config.kinds import SystemOptions
from perftui.core.catalogue import CATALOGUE
from perftui.core.errors import Unreachable
from tests.unit.collectors.host.tree import Tree, descriptors, values

MIB = 1 << 20


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Return a host of two cores and 1000 MiB, 600 of them in use."""
    tree = Tree(tmp_path)
    busy(tree, 0)
    kib = MIB // 1024
    tree.write("proc/meminfo", f"MemTotal: {1000 * kib} kB\nMemAvailable: {400 * kib} kB\nCached: {50 * kib} kB\n")
    tree.write("proc/sys/kernel/osrelease", "6.1.0-test\n")
    tree.process(1)
    return tree


def busy(tree: Tree, ticks: int) -> None:
    lines = [f"{cpu} {ticks} 0 0 {200 - ticks} 0 0 0 0 0 0" for cpu in ("cpu", "cpu0", "cpu1")]
    tree.write("proc/stat", "\n".join([*lines, "btime 1000000\n"]))


def limited(tree: Tree, cpu: str, memory: int, used: int) -> None:
    tree.write("proc/self/cgroup", "0::/web\n")
    tree.write("proc/self/mountinfo", "40 30 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
    tree.write("sys/fs/cgroup/web/cpu.max", f"{cpu}\n")
    tree.write("sys/fs/cgroup/web/cpu.stat", f"usage_usec {used}\nnr_periods 10\nnr_throttled 0\nthrottled_usec 0\n")
    tree.write("sys/fs/cgroup/web/memory.max", f"{memory}\n")
    tree.write("sys/fs/cgroup/web/memory.current", f"{180 * MIB}\n")
    tree.write("sys/fs/cgroup/web/memory.stat", f"file {40 * MIB}\ninactive_file {20 * MIB}\n")


def collector(tree: Tree, *, processes: bool = True) -> SystemCollector:
    return SystemCollector("host", SystemOptions(processes=processes), tree.clock, tree.root)


async def test_without_a_limit_the_host_is_the_whole(tree: Tree) -> None:
    system = collector(tree)
    await system.open()
    await system.poll()
    busy(tree, 50)
    tree.write("proc/stat", (tree.root / "proc/stat").read_text().replace("150", "250"))
    tree.clock.advance(1.0)
    reading = await system.poll()
    shown = values(reading)
    assert shown["system.cpu.utilization",] == shown["system.cpu.host.utilization",] == pytest.approx(0.5)
    assert shown["system.memory.utilization",] == shown["system.memory.host.utilization",] == 0.6
    assert shown["system.memory.limit",] == 1000 * MIB
    assert reading.facts == {"kernel": "6.1.0-test"}
    assert reading.denied == {}
    await system.close()


async def test_inside_a_limit_100_percent_is_the_limit_and_the_host_stays_visible(tree: Tree) -> None:
    system = collector(tree)
    limited(tree, "50000 100000", 200 * MIB, used=0)
    await system.poll()
    limited(tree, "50000 100000", 200 * MIB, used=450_000)
    tree.clock.advance(1.0)
    reading = await system.poll()
    shown = values(reading)
    assert shown["system.cpu.utilization",] == pytest.approx(0.9)
    assert shown["system.memory.utilization",] == 0.8
    assert shown["system.memory.usage",] == 160 * MIB
    assert shown["system.linux.memory.available",] == 40 * MIB
    assert shown["system.memory.host.utilization",] == 0.6
    assert reading.facts["limit"] == "cgroup 0.5 cores, 200 MiB"
    await system.close()


async def test_a_limit_wider_than_the_host_is_none(tree: Tree) -> None:
    system = collector(tree)
    limited(tree, "400000 100000", 4000 * MIB, used=0)
    reading = await system.poll()
    assert values(reading)["system.memory.limit",] == 1000 * MIB
    assert values(reading)["system.cgroup.cpu.limit",] == 4
    assert "limit" not in reading.facts
    await system.close()


async def test_one_file_that_reads_like_nonsense_takes_its_own_subject_only(tree: Tree) -> None:
    tree.write("proc/loadavg", "high\n")
    tree.write("proc/diskstats", "8 0 sda what\n")
    system = collector(tree)
    reading = await system.poll()
    assert set(reading.denied) == {"load", "disks"}
    assert reading.denied["load"].startswith("unexpected content")
    assert values(reading)["system.memory.utilization",] == 0.6
    await system.close()


async def test_without_proc_the_source_fails_in_one_line(tmp_path: Path) -> None:
    system = collector(Tree(tmp_path))
    with pytest.raises(Unreachable, match="is /proc mounted"):
        await system.poll()
    await system.close()


async def test_processes_can_be_left_out(tree: Tree) -> None:
    system = collector(tree, processes=False)
    reading = await system.poll()
    assert set(reading.tables) == {"cores"}
    await system.close()


async def test_closing_gives_back_every_descriptor_and_polling_goes_on_after(tree: Tree) -> None:
    limited(tree, "50000 100000", 200 * MIB, used=0)
    before = descriptors()
    system = collector(tree)
    await system.poll()
    assert descriptors() > before
    await system.close()
    await system.close()
    assert descriptors() == before
    tree.clock.advance(1.0)
    assert values(await system.poll())["system.memory.utilization",] == 0.8
    await system.close()


def test_every_metric_has_a_sentence_and_a_name_of_its_own() -> None:
    ours = [metric for name, metric in CATALOGUE.items() if name.startswith(("system.", "hw."))]
    assert len({metric.description for metric in ours}) == len(ours)
    assert all(metric.unit.endswith("/s") for metric in ours if metric.kind == "rate")
