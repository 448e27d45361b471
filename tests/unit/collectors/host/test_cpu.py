from functools import partial

import pytest

from perftui.collectors.host.cpu import read_cpu, read_load
from perftui.core.errors import Unreachable
from tests.unit.collectors.host.tree import Tree, values

BEFORE = "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 50 0 50 400 0 0 0 0 0 0\ncpu1 50 0 50 400 0 0 0 0 0 0\nintr 1\n"
AFTER = "cpu  140 10 130 880 20 10 0 10 0 0\ncpu0 90 10 80 400 0 10 0 10 0 0\ncpu1 50 0 50 480 20 0 0 0 0 0\nintr 2\n"


def test_shares_in_total_by_mode_and_by_core(tree: Tree) -> None:
    read = partial(read_cpu, tree.host)
    tree.write("proc/stat", BEFORE)
    first = tree.poll(read)
    assert values(first) == {("system.cpu.logical.count",): 2}
    tree.write("proc/stat", AFTER)
    reading = tree.poll(read)
    shown = values(reading)
    assert shown["system.cpu.host.utilization",] == pytest.approx(0.5)
    assert shown["system.cpu.steal",] == pytest.approx(0.05)
    assert shown["system.cpu.mode.utilization", "user"] == pytest.approx(0.25)
    assert shown["system.cpu.mode.utilization", "system"] == pytest.approx(0.2)
    assert shown["system.cpu.mode.utilization", "iowait"] == pytest.approx(0.1)
    assert shown["system.cpu.core.utilization", "0"] == pytest.approx(1.0)
    assert shown["system.cpu.core.utilization", "1"] == 0.0
    assert reading.tables["cores"].rows[1] == (1, 0.0, 0.0, 0.0, 0.2, 0.0)


def test_counters_that_fall_are_no_rate(tree: Tree) -> None:
    read = partial(read_cpu, tree.host)
    tree.write("proc/stat", AFTER)
    tree.poll(read)
    tree.write("proc/stat", BEFORE)
    assert values(tree.poll(read)) == {("system.cpu.logical.count",): 2}


def test_a_core_that_went_offline_is_absent(tree: Tree) -> None:
    read = partial(read_cpu, tree.host)
    tree.write("proc/stat", BEFORE)
    tree.poll(read)
    tree.write("proc/stat", "".join(line for line in AFTER.splitlines(keepends=True) if "cpu1" not in line))
    shown = values(tree.poll(read))
    assert ("system.cpu.core.utilization", "0") in shown
    assert ("system.cpu.core.utilization", "1") not in shown


def test_no_proc_is_said_in_plain_words(tree: Tree) -> None:
    with pytest.raises(Unreachable, match=r"proc/stat cannot be read: is /proc mounted\?"):
        read_cpu_now(tree)


def read_cpu_now(tree: Tree) -> None:
    tree.poll(partial(read_cpu, tree.host))


def test_load_and_uptime(tree: Tree) -> None:
    tree.write("proc/loadavg", "3.20 2.80 2.10 1/150 10290\n")
    tree.write("proc/uptime", "2104.13 3000.00\n")
    assert values(tree.poll(partial(read_load, tree.host))) == {
        ("system.cpu.load_average.1m",): 3.2,
        ("system.cpu.load_average.5m",): 2.8,
        ("system.cpu.load_average.15m",): 2.1,
        ("system.uptime",): 2104.13,
    }
