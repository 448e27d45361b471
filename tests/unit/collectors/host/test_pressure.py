from functools import partial

from perftui.collectors.host.pressure import read_pressure
from tests.unit.collectors.host.tree import Tree, values

LINES = "some avg10=0.00 avg60=0.00 avg300=0.00 total={}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total={}\n"


def test_shares_of_the_interval_come_from_the_totals(tree: Tree) -> None:
    read = partial(read_pressure, tree.host)
    for resource in ("cpu", "io"):
        tree.write(f"proc/pressure/{resource}", LINES.format(1_000_000, 0))
    tree.poll(read)
    for resource in ("cpu", "io"):
        tree.write(f"proc/pressure/{resource}", LINES.format(1_081_000, 20_000))
    assert values(tree.poll(read)) == {
        ("system.pressure.cpu.some",): 0.081,
        ("system.pressure.io.some",): 0.081,
        ("system.pressure.io.full",): 0.02,
    }


def test_a_kernel_without_it_has_none(tree: Tree) -> None:
    assert tree.poll(partial(read_pressure, tree.host)).samples == ()
