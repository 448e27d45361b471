from functools import partial

from perftui.collectors.host.memory import read_memory, read_paging
from tests.unit.collectors.host.tree import Tree, values

MEMINFO = """MemTotal: 1000 kB
MemFree: 100 kB
MemAvailable: 400 kB
Cached: 200 kB
SReclaimable: 50 kB
SwapTotal: {swap} kB
SwapFree: {free} kB
HugePages_Total: 0
"""


def test_used_is_what_is_not_available(tree: Tree) -> None:
    tree.write("proc/meminfo", MEMINFO.format(swap=100, free=75))
    shown = values(tree.poll(partial(read_memory, tree.host)))
    assert shown["system.memory.host.usage",] == 600 * 1024
    assert shown["system.memory.host.utilization",] == 0.6
    assert shown["system.paging.usage",] == 25 * 1024
    assert shown["system.paging.utilization",] == 0.25


def test_without_swap_its_utilization_is_absent(tree: Tree) -> None:
    tree.write("proc/meminfo", MEMINFO.format(swap=0, free=0))
    shown = values(tree.poll(partial(read_memory, tree.host)))
    assert shown["system.paging.usage",] == 0
    assert ("system.paging.utilization",) not in shown


def test_a_kernel_that_does_not_say_what_is_available_is_not_guessed_at(tree: Tree) -> None:
    tree.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\n")
    assert values(tree.poll(partial(read_memory, tree.host))) == {}


def test_swapping_and_oom_kills_are_rates(tree: Tree) -> None:
    read = partial(read_paging, tree.host)
    tree.write("proc/vmstat", "pswpin 10\npswpout 20\noom_kill 3\n")
    assert values(tree.poll(read)) == {}
    tree.write("proc/vmstat", "pswpin 15\npswpout 20\noom_kill 4\n")
    assert values(tree.poll(read)) == {
        ("system.paging.operations", "in"): 5,
        ("system.paging.operations", "out"): 0,
        ("system.memory.oom_kills",): 1,
    }
