"""The system pane: gauges of this host, a line and a line of detail each."""

from collections.abc import Iterator

from perftui.client.state import State
from perftui.core import units
from perftui.core.series import Attributes, SeriesId
from perftui.tui.panes.content import Content, Row
from perftui.tui.panes.gauges import FLAGS, SPARK, gauge, labelled, sparkline
from perftui.tui.panes.state_words import figure, level_role, number, percent, trouble
from perftui.tui.widgets.text import Line, between, fit, joined_within, left, over, width

CPU, MEMORY, SPACE = "system.cpu.utilization", "system.memory.utilization", "system.filesystem.utilization"
BUSY, NETWORK, PRESSURE = "system.disk.utilization", "system.network.io", "system.pressure.cpu.some"
METRICS = frozenset({CPU, MEMORY, BUSY, NETWORK, PRESSURE})
_CORES_SHOWN = 16


def draw(state: State, cells: int, height: int) -> Content:
    """Return the pane in `cells` cells; details are left out where `height` rows have no room for them."""
    hosts = state.sources_of("system")
    if not hosts:
        return Content("System", empty="waiting for the first figures of this host")
    source = hosts[0].name
    details = height >= min(10, rows_wanted(state))
    rows = [*_computing(state, source, cells, details), *_storage(state, source, cells, height - (6 if details else 4))]
    rows += [_network(state, source, cells), _pressure(state, source, cells)]
    if state.is_stale(source):
        rows = [_stale(row) for row in rows]
    if sum(len(row.lines) for row in rows) < height:
        rows += [_watching(state, status.name, cells) for status in state.sources_of("agent")]
    words = trouble(state, hosts[0])
    note: Line = [(words, "critical")] if words else [(f"{source} · {units.seconds(hosts[0].interval)}", "dim")]
    return Content("System", note, [], rows)


def rows_wanted(state: State) -> int:
    """Return how many lines the pane has to say, between 8 and 14."""
    found = [
        len(_worst(state, status.name, metric)) for status in state.sources_of("system")[:1] for metric in (BUSY, SPACE)
    ]
    return min(14, max(8, 6 + sum(found) + len(state.sources_of("agent"))))


def _watching(state: State, agent: str, cells: int) -> Row:
    """Return what watching costs: the agent's own figures."""
    commands = sum(sample.value for sample in state.samples(agent, "agent.commands"))
    parts = [
        labelled("cpu", figure(state, agent, "agent.cpu.utilization"), 6),
        labelled("memory", figure(state, agent, "agent.memory.usage"), 8),
        labelled("lag", figure(state, agent, "agent.loop.lag"), 7),
        labelled("commands", [*number(units.count(commands)), ("/s", "dim")]),
    ]
    line: Line = [("agent  ", "dim"), *joined_within(parts, cells - 7, "  ")]
    return Row("agent", (line,), SeriesId(agent, "agent.cpu.utilization"), agent)


def _stale(row: Row) -> Row:
    return Row(row.id, tuple(over(line, "stale") for line in row.lines), row.series, row.source)


def _computing(state: State, source: str, cells: int, details: bool) -> Iterator[Row]:
    cpu = gauge(state, source, CPU, "cpu", cells)
    memory = gauge(state, source, MEMORY, "mem", cells)
    yield Row("cpu", (cpu, _cpu_detail(state, source, cells)) if details else (cpu,), SeriesId(source, CPU), source)
    yield Row(
        "mem",
        (memory, _memory_detail(state, source, cells)) if details else (memory,),
        SeriesId(source, MEMORY),
        source,
    )


def _cpu_detail(state: State, source: str, cells: int) -> Line:
    metric = "system.cpu.core.utilization"
    cores = sorted(state.samples(source, metric), key=lambda each: (len(str(each.attributes)), each.attributes))
    busy: Line = [("core", "dim")] if cores else []
    for sample in cores[: min(_CORES_SHOWN, max(2, (cells - 34) // 4))]:
        busy.append((f" {sample.value * 100:>3.0f}", level_role(state, CPU, sample.value)))
    if len(cores) > len(busy) - 1 and cores:
        busy.append((f" +{len(cores) - len(busy) + 1}", "dim"))
    steal = labelled("steal", figure(state, source, "system.cpu.steal"))
    throttled = labelled("throttled", figure(state, source, "system.cgroup.cpu.throttled_ratio"))
    return joined_within([[("  ", "text"), *busy], steal, throttled], cells, "   ")


def _memory_detail(state: State, source: str, cells: int) -> Line:
    used, limit = (state.value(source, f"system.memory.{name}") for name in ("usage", "limit"))
    of: Line = [*figure(state, source, "system.memory.usage"), (" of ", "dim"), *number(_size(limit))]
    swap = labelled("swap", figure(state, source, "system.paging.usage"))
    cache = labelled("cache", figure(state, source, "system.memory.cached"))
    return joined_within(
        [[("  ", "text"), *(of if used is not None else [(units.MISSING, "dim")])], swap, cache], cells, "   "
    )


def _size(value: float | None) -> units.Shown:
    return units.show(value, "By")


def _storage(state: State, source: str, cells: int, room: int) -> Iterator[Row]:
    """Yield the busiest devices and the fullest filesystems that have room, at least one each."""
    devices, spaces = _worst(state, source, BUSY), _worst(state, source, SPACE)
    devices = devices[: max(1, room - len(spaces), room // 3)]
    spaces = spaces[: max(1, room - len(devices))]
    for index, (_, attributes) in enumerate(devices):
        yield Row(f"disk {_label(attributes)}", (_disk(state, source, attributes, cells, index == 0),),
                  SeriesId(source, BUSY, attributes), source)  # fmt: skip
    for value, attributes in spaces:
        line = _space(state, source, value, attributes, cells)
        yield Row(f"fs {_label(attributes)}", (line,), SeriesId(source, SPACE, attributes), source)


def _worst(state: State, source: str, metric: str) -> list[tuple[float, Attributes]]:
    found = [(sample.value, sample.attributes) for sample in state.samples(source, metric) if sample.attributes]
    return sorted(found, key=lambda each: (-round(each[0], 1), each[1]))


def _label(attributes: Attributes) -> str:
    """Return the mountpoint or the device."""
    return dict(attributes).get("mountpoint") or next(value for _, value in attributes)


def _disk(state: State, source: str, attributes: Attributes, cells: int, first: bool) -> Line:
    wait = _await(state, source, attributes)
    parts = [
        [(left(_label(attributes), 9), "text")],
        labelled("util", figure(state, source, BUSY, attributes), 6),
        labelled("await", wait, 7),
    ]
    return _with_spark("disk" if first else "", parts, sparkline(state, source, BUSY, attributes, 1.0), cells)


def _with_spark(label: str, parts: list[Line], past: Line, cells: int) -> Line:
    """Return a label, the parts that fit, and a sparkline at the right."""
    shown = joined_within(parts, cells - 7 - width(past))
    return between([(left(label, 7), "dim"), *shown], past, cells)


def _await(state: State, source: str, attributes: Attributes) -> Line:
    """Return the longer of the read and the write wait of a device."""
    metric = "system.disk.await"
    samples = [sample for sample in state.samples(source, metric) if set(attributes) <= set(sample.attributes)]
    if not samples:
        return [(units.MISSING, "dim")]
    worst = max(samples, key=lambda sample: sample.value)
    return figure(state, source, metric, worst.attributes)


def _space(state: State, source: str, value: float, attributes: Attributes, cells: int) -> Line:
    inodes = state.value(source, "system.filesystem.inodes.utilization", attributes)
    role = level_role(state, SPACE, value)
    more: Line = []
    if inodes is not None and inodes >= 0.5:
        more = [("in ", "dim"), *percent(inodes, level_role(state, "system.filesystem.inodes.utilization", inodes))]
    tail = [*fit(percent(value, role), 6, "right"), (f" {FLAGS.get(role, ' ')} ", role), *fit(more, SPARK)]
    name: Line = [("  ", "text"), (left(_label(attributes), 14), "text"), (" ", "text")]
    return gauge(state, source, SPACE, name, cells, value=value, tail=tail)


def _network(state: State, source: str, cells: int) -> Row:
    flows = {direction: _direction(state, source, direction) for direction in ("receive", "transmit")}
    errors = _errors(state, source)
    parts: list[Line] = [
        [("↓ ", "dim"), *fit(_flow(state, source, flows["receive"]), 10)],
        [("↑ ", "dim"), *fit(_flow(state, source, flows["transmit"]), 10)],
        labelled("err", errors),
        labelled("retrans", figure(state, source, "system.network.tcp.retransmit_ratio")),
    ]
    charted = flows["receive"] or ()
    line = _with_spark("net", parts, sparkline(state, source, NETWORK, charted), cells)
    return Row("net", (line,), SeriesId(source, NETWORK, charted), source)


def _errors(state: State, source: str) -> Line:
    """Return the errors a second of both directions: of the totals, which have no device."""
    found = [sample for sample in state.samples(source, "system.network.errors") if len(sample.attributes) == 1]
    if not found:
        return [(units.MISSING, "dim")]
    total = sum(sample.value for sample in found)
    return number(units.count(total), "warning" if total else "text")


def _direction(state: State, source: str, direction: str) -> Attributes | None:
    """Return the attributes of the total of a direction: the series with the fewest of them."""
    found = [s.attributes for s in state.samples(source, NETWORK) if ("direction", direction) in s.attributes]
    return min(found, key=len, default=None)


def _flow(state: State, source: str, attributes: Attributes | None) -> Line:
    return [(units.MISSING, "dim")] if attributes is None else figure(state, source, NETWORK, attributes)


def _pressure(state: State, source: str, cells: int) -> Row:
    parts = [
        labelled(name, figure(state, source, f"system.pressure.{name}.some"), 6) for name in ("cpu", "memory", "io")
    ]
    line = _with_spark("psi", parts, sparkline(state, source, PRESSURE, (), 1.0), cells)
    return Row("psi", (line,), SeriesId(source, PRESSURE), source)
