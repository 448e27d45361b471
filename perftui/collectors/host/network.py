"""Network: interfaces (/proc/net/dev), TCP (/proc/net/snmp, /proc/net/netstat), softnet backlog, conntrack."""

from collections.abc import Iterator
from typing import NamedTuple

from perftui.collectors.host.files import Host
from perftui.core.rates import Delta, share
from perftui.core.reading import ReadingBuilder
from perftui.core.text import clean

MAX_INTERFACES = 24
_METRICS = ("system.network.io", "system.network.errors", "system.network.dropped")
_CONNTRACK = "proc/sys/net/netfilter/nf_conntrack_"


class Interface(NamedTuple):
    """The counters of one interface: bytes, errors, drops of each direction."""

    name: str
    receive: tuple[int, int, int]
    transmit: tuple[int, int, int]


def read_interfaces(host: Host, into: ReadingBuilder) -> None:
    """Add rates by interface, and the totals of the physical ones: a bridge carries the same bytes a second time.

    Interfaces that never carried a byte are left out, and beyond MAX_INTERFACES the least used virtual ones.
    """
    interfaces = [each for each in _interfaces(host.files.read("proc/net/dev") or "") if sum(_bytes(each))]
    physical = {each.name for each in interfaces if host.files.exists(f"sys/class/net/{each.name}/device")}
    counted = physical or {each.name for each in interfaces}
    interfaces.sort(key=lambda each: (each.name not in physical, -sum(_bytes(each))))
    totals: dict[tuple[str, str], float] = {}
    for interface in interfaces[:MAX_INTERFACES]:
        for metric, direction, rate in _rates(host, interface, into.started):
            into.add(metric, rate, device=clean(interface.name), direction=direction)
            if rate is not None and interface.name in counted:
                totals[metric, direction] = totals.get((metric, direction), 0.0) + rate
    for (metric, direction), total in totals.items():
        into.add(metric, total, direction=direction)


def read_tcp(host: Host, into: ReadingBuilder) -> None:
    """Add TCP retransmits and what listening sockets had to turn away."""
    tcp = _protocol(host.files.read("proc/net/snmp"), "Tcp:")
    extended = _protocol(host.files.read("proc/net/netstat"), "TcpExt:")

    def grown(table: dict[str, int], name: str) -> Delta | None:
        return host.counters.delta(name, table.get(name), into.started)

    again, sent = grown(tcp, "RetransSegs"), grown(tcp, "OutSegs")
    into.add("system.network.tcp.retransmits", again and again.rate)
    into.add("system.network.tcp.retransmit_ratio", share(again and again.amount, sent and sent.amount))
    overflows, drops = grown(extended, "ListenOverflows"), grown(extended, "ListenDrops")
    into.add("system.network.tcp.listen_overflows", overflows and overflows.rate)
    into.add("system.network.tcp.listen_drops", drops and drops.rate)


def read_queues(host: Host, into: ReadingBuilder) -> None:
    """Add softnet drops, and how full the connection tracking table is."""
    softnet = host.files.read("proc/net/softnet_stat")
    if softnet:
        dropped = sum(int(line.split()[1], 16) for line in softnet.splitlines())
        into.add("system.network.softnet.dropped", host.counters.rate("softnet", dropped, into.started))
    count, maximum = (_number(host.files.read(_CONNTRACK + what)) for what in ("count", "max"))
    into.add("system.network.conntrack.count", count)
    into.add("system.network.conntrack.max", maximum)
    into.add("system.network.conntrack.utilization", share(count, maximum))


def _interfaces(text: str) -> Iterator[Interface]:
    for line in text.splitlines()[2:]:
        name, _, counters = line.rpartition(":")
        values = [int(word) for word in counters.split()]
        if name.strip() != "lo":
            yield Interface(name.strip(), (values[0], values[2], values[3]), (values[8], values[10], values[11]))


def _bytes(interface: Interface) -> tuple[int, int]:
    return interface.receive[0], interface.transmit[0]


def _rates(host: Host, interface: Interface, at: float) -> Iterator[tuple[str, str, float | None]]:
    for direction, values in (("receive", interface.receive), ("transmit", interface.transmit)):
        for metric, value in zip(_METRICS, values, strict=True):
            yield metric, direction, host.counters.rate((metric, interface.name, direction), value, at)


def _protocol(text: str | None, name: str) -> dict[str, int]:
    """Return a protocol's counters: one line with names, one with numbers, both beginning with its name."""
    lines = [line.split()[1:] for line in (text or "").splitlines() if line.startswith(name)]
    if len(lines) != 2:
        return {}
    return {key: int(value) for key, value in zip(*lines, strict=False)}


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)
