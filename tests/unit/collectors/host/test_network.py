from functools import partial

import pytest

from perftui.collectors.host.network import MAX_INTERFACES, read_interfaces, read_queues, read_tcp
from tests.unit.collectors.host.tree import Tree, values

HEADER = "Inter-|   Receive\n face |bytes\n"


def line(name: str, received: int, sent: int, errors: int = 0, drops: int = 0) -> str:
    return f"{name:>6}: {received} 9 {errors} {drops} 0 0 0 0 {sent} 9 0 0 0 0 0 0\n"


def test_totals_are_of_physical_interfaces_only(tree: Tree) -> None:
    read = partial(read_interfaces, tree.host)
    (tree.root / "sys/class/net/eth0/device").mkdir(parents=True)
    tree.write("proc/net/dev", HEADER + line("lo", 5, 5) + line("eth0", 1000, 500) + line("docker0", 900, 400))
    assert values(tree.poll(read)) == {}
    tree.write("proc/net/dev", HEADER + line("lo", 9, 9) + line("eth0", 3000, 600, 2, 3) + line("docker0", 1900, 450))
    shown = values(tree.poll(read))
    assert shown["system.network.io", "eth0", "receive"] == 2000
    assert shown["system.network.io", "docker0", "transmit"] == 50
    assert shown["system.network.io", "receive"] == 2000
    assert shown["system.network.io", "transmit"] == 100
    assert shown["system.network.errors", "receive"] == 2
    assert shown["system.network.dropped", "receive"] == 3
    assert not [key for key in shown if "lo" in key]


def test_in_a_container_the_virtual_ones_are_the_total(tree: Tree) -> None:
    read = partial(read_interfaces, tree.host)
    tree.write("proc/net/dev", HEADER + line("eth0", 1000, 500))
    tree.poll(read)
    tree.write("proc/net/dev", HEADER + line("eth0", 1500, 500))
    assert values(tree.poll(read))["system.network.io", "receive"] == 500


def test_a_crowd_of_virtual_interfaces_is_bounded(tree: Tree) -> None:
    read = partial(read_interfaces, tree.host)
    (tree.root / "sys/class/net/eth0/device").mkdir(parents=True)
    crowd = [line(f"veth{number}", 10_000 + number, 1) for number in range(MAX_INTERFACES * 2)]
    tree.write("proc/net/dev", HEADER + "".join(crowd) + line("eth0", 1, 1))
    tree.poll(read)
    devices = {dict(sample.attributes).get("device") for sample in tree.poll(read).samples} - {None}
    assert len(devices) == MAX_INTERFACES
    assert "eth0" in devices


def test_retransmits_and_listen_queues(tree: Tree) -> None:
    read = partial(read_tcp, tree.host)
    for sent, again, overflows in ((1000, 10, 0), (1100, 15, 4)):
        tree.write("proc/net/snmp", f"Tcp: OutSegs RetransSegs MaxConn\nTcp: {sent} {again} -1\n")
        tree.write("proc/net/netstat", f"TcpExt: ListenOverflows ListenDrops\nTcpExt: {overflows} {overflows}\n")
        reading = tree.poll(read)
    assert values(reading) == {
        ("system.network.tcp.retransmits",): 5,
        ("system.network.tcp.retransmit_ratio",): pytest.approx(0.05),
        ("system.network.tcp.listen_overflows",): 4,
        ("system.network.tcp.listen_drops",): 4,
    }
    assert ("system.network.tcp.retransmit_ratio",) not in values(tree.poll(read))


def test_softnet_counts_in_hexadecimal_and_conntrack_may_be_absent(tree: Tree) -> None:
    read = partial(read_queues, tree.host)
    tree.write("proc/net/softnet_stat", "00000185 0000000a 00000000\n0000193d 00000001 00000000\n")
    assert values(tree.poll(read)) == {}
    tree.write("proc/net/softnet_stat", "00000185 0000000f 00000000\n0000193d 00000001 00000000\n")
    tree.write("proc/sys/net/netfilter/nf_conntrack_count", "131072\n")
    tree.write("proc/sys/net/netfilter/nf_conntrack_max", "262144\n")
    assert values(tree.poll(read)) == {
        ("system.network.softnet.dropped",): 5,
        ("system.network.conntrack.count",): 131072,
        ("system.network.conntrack.max",): 262144,
        ("system.network.conntrack.utilization",): 0.5,
    }
