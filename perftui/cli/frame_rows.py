"""The rows of the early frame and of `perftui rescue`: pure functions from a sample to lines."""

import os
import time

from perftui.cli.frame_paint import Line, Span, bar, box, fit
from perftui.cli.frame_processes import Process, top
from perftui.cli.frame_sample import Device, Disk, Link, Sample
from perftui.core.text import clean
from perftui.core.units import MISSING, percent, seconds, size

WIDE, LOW = 100, 30
"""Below this width or height panes stack, as in the console."""
CPU_LEVELS, SPACE_LEVELS = (0.7, 0.9), (0.8, 0.9)
_KEYS: Line = [
    *[("P", "accent"), (" by CPU  ", "dim")],
    *[("M", "accent"), (" by memory  ", "dim")],
    *[("q", "accent"), (" quit", "dim")],
]


def overview(sample: Sample, processes: list[Process], note: str, columns: int, rows: int) -> list[Line]:
    """Return the early frame: system and processes where the console will have its panes, `note` at the foot."""
    lines = [header(sample, columns, "◌ starting")]
    foot = min(7, max(3, rows // 4))
    room = rows - 2 - foot
    if columns >= WIDE and rows >= LOW:
        left = columns // 2
        system = system_rows(sample, left - 4)
        high = min(len(system) + 2, room)
        table = process_rows(processes, high - 3, by_memory=False)
        boxes = box("System", host_name(), system, left, high), box("Processes", "", table, columns - left, high)
        lines += [[*one, *other] for one, other in zip(*boxes, strict=True)]
    else:
        lines += [[], *box("System", host_name(), system_rows(sample, columns - 4), columns, room - 1)]
    lines += [[] for _ in range(rows - 1 - foot - len(lines))]
    lines += box("Alerts", "", [[(note, "text")]], columns, foot)
    return [*lines, [("q", "accent"), (" quit", "dim")]][:rows]


def rescue(sample: Sample, processes: list[Process], columns: int, rows: int, *, by_memory: bool) -> list[Line]:
    """Return the whole screen of `perftui rescue`."""
    system = system_rows(sample, columns - 4, more=True)
    high = min(len(system) + 2, max(6, (rows - 2) * 3 // 5))
    rest = max(3, rows - 2 - high)
    note = f"{len(processes)} · {'by memory' if by_memory else 'by CPU'}"
    table = process_rows(processes, rest - 3, by_memory=by_memory)
    lines = [header(sample, columns), *box("System", host_name(), system, columns, high)]
    return [*lines, *box("Processes", note, table, columns, rest), _KEYS][:rows]


def header(sample: Sample, columns: int, link: str = "") -> Line:
    """Return the first line: which host, what time there, how it is linked, how long up, how loaded."""
    clock = time.strftime("%H:%M:%S UTC", time.gmtime(sample.wall))
    up = "" if sample.uptime is None else f"up {seconds(sample.uptime)}"
    load = "load " + (" ".join(f"{each:.1f}" for each in sample.load) or MISSING)
    parts = [part for part in (clock, link, up, load) if part]
    return fit([("perftui", "title"), (f"  {host_name()}   {'   '.join(parts)}", "text")], columns)


def host_name() -> str:
    """Return this host's name, harmless and short."""
    return clean(os.uname().nodename, 40)


def system_rows(sample: Sample, columns: int, *, more: bool = False) -> list[Line]:
    """Return CPU, memory, disks, network and pressure; `more` adds a bar for each core, more disks and links."""
    memory = sample.memory
    swap = memory.get("SwapTotal", 0.0) - memory.get("SwapFree", 0.0)
    cores = " ".join(MISSING if each is None else f"{each * 100:.0f}" for each in sample.cores[:64])
    used = None if sample.memory_used is None else sample.memory_used * memory["MemTotal"]
    rows = [
        _gauge("cpu", sample.cpu, columns, CPU_LEVELS),
        _detail(f"core {cores}   steal {_percent(sample.steal)}   iowait {_percent(sample.waiting)}"),
        _gauge("mem", sample.memory_used, columns, SPACE_LEVELS),
        _detail(f"{_size(used)} of {_size(memory.get('MemTotal'))}   swap {_size(swap)}   "
                f"cache {_size(memory.get('Cached'))}   dirty {_size(memory.get('Dirty'))}"),
    ]  # fmt: skip
    if more:
        rows += _core_rows(sample.cores, columns)
    rows += [_device_row(device) for device in sample.devices[: 3 if more else 1]]
    for disk in sample.disks[: 8 if more else 3]:
        rows += [_disk_row(disk, columns)]
    rows += [_link_row(link) for link in sample.links[: 4 if more else 1]]
    words = "   ".join(f"{kind} {percent(value)}" for kind, value in sample.pressure.items())
    return [*rows, [("psi    ", "dim"), (words or MISSING, "text")]]


def process_rows(processes: list[Process], most: int, *, by_memory: bool) -> list[Line]:
    """Return a table of the processes that use most, its title first."""
    rows: list[Line] = [[(f"{'pid':>8} {'cpu %':>6} {'memory':>9}  s  name", "dim")]]
    for each in top(processes, max(0, most), by_memory=by_memory):
        cpu = MISSING if each.cpu is None else f"{each.cpu * 100:.1f}"
        # D is waiting for a disk or NFS and cannot be killed: on a dying host it is the one that matters.
        role = "warning" if each.state in "DZ" else "text"
        figures = f"{each.pid:>8} {cpu:>6} {_size(each.resident):>9}  "
        rows.append([(figures, "text"), (f"{each.state}  {each.name}", role)])
    return rows


def _gauge(label: str, value: float | None, columns: int, levels: tuple[float, float]) -> Line:
    """Return label, bar, per cent and mark, in the columns where the console's own gauges have them."""
    role, mark = _level(value, levels)
    name = f"{label:<7}"
    figures: Line = [(f"{_percent(value):>6}", "text"), (f" {mark} ", role)]
    return [(name, "dim"), *bar(value, max(4, columns - 19 - len(name)), role), *figures]


def _level(value: float | None, levels: tuple[float, float]) -> Span:
    """Return the role and the mark of a value."""
    warning, critical = levels
    if value is None or value < warning:
        return "ok", " "
    return ("critical", "✖") if value >= critical else ("warning", "▲")


def _core_rows(cores: list[float | None], columns: int) -> list[Line]:
    """Return a small bar for each of at most 16 cores, several on a line."""
    across = max(1, columns // 28)
    rows: list[Line] = []
    for start in range(0, min(len(cores), 16), across):
        row: Line = []
        for core in range(start, min(start + across, len(cores), 16)):
            row += [(f"  cpu{core:<3}", "dim"), *bar(cores[core], 10, "ok"), (f"{_percent(cores[core]):>6} ", "text")]
        rows.append(row)
    return rows


def _device_row(device: Device) -> Line:
    return [("disk   ", "dim"), (f"{device.name:<9}", "text"), ("  util ", "dim"), (_percent(device.busy), "text")]


def _disk_row(disk: Disk, columns: int) -> Line:
    row = _gauge(f"  {disk.mount:.14}".ljust(17), disk.used, columns, SPACE_LEVELS)
    inodes = disk.inodes or 0.0
    if inodes < 0.5:
        return [*row, (f"{_size(disk.free)} free", "dim")]
    return [*row, ("inodes ", "dim"), (_percent(inodes), _level(inodes, SPACE_LEVELS)[0])]


def _link_row(link: Link) -> Line:
    flow = f"↓ {_size(link.received)}/s   ↑ {_size(link.sent)}/s   {link.name}"
    return [("net    ", "dim"), (flow, "text")]


def _detail(text: str) -> Line:
    return [(f"  {text}", "dim")]


def _percent(value: float | None) -> str:
    return MISSING if value is None else str(percent(value))


def _size(value: float | None) -> str:
    return MISSING if value is None else str(size(value))
