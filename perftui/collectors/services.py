"""The table `units`, the same for every manager of services: the worst first, bounded."""

from collections.abc import Iterable

from perftui.connect.units import Unit
from perftui.core.reading import Cell, ReadingBuilder, Table

COLUMNS = (
    "unit", "active", "sub", "result", "exit", "restarts", "since", "pid", "memory", "cpu", "tasks", "description",
    "enabled", "reload", "loop",
)  # fmt: skip
"""`since` is wall seconds, `memory` bytes, `cpu` a share of one core; `reload` yes where it can, `loop` why."""
MAX_ROWS = 500
_ORDER = {"failed": 0, "activating": 1, "deactivating": 2, "reloading": 3, "active": 4, "inactive": 5}


def add_units(builder: ReadingBuilder, units: Iterable[Unit], cpu: dict[str, float | None], wall: float) -> None:
    """Add what all managers tell: who is up, how many failed, and the table; `cpu` is cores by unit."""
    ordered = sorted(units, key=lambda unit: (_ORDER.get(unit.active, 3), unit.name))
    for unit in ordered:
        builder.add("service.up", unit.up(), unit=unit.name)
    builder.add("service.failed", float(sum(unit.active == "failed" for unit in ordered)))
    builder.add("service.active", float(sum(unit.is_up for unit in ordered)))
    rows = tuple(_row(unit, cpu.get(unit.name), wall) for unit in ordered[:MAX_ROWS])
    builder.table("units", Table(columns=COLUMNS, rows=rows))
    if len(ordered) > MAX_ROWS:
        builder.deny("units", f"{len(ordered) - MAX_ROWS} more units are not shown: narrow `units` in perftui.toml")


def _row(unit: Unit, cpu: float | None, wall: float) -> tuple[Cell, ...]:
    return (
        unit.name,
        unit.active,
        unit.sub,
        unit.result,
        unit.exit,
        unit.restarts,
        unit.since,
        unit.pid,
        unit.memory,
        cpu,
        unit.tasks,
        unit.description,
        unit.enabled,
        "yes" if unit.can_reload else "",
        unit.crash_loop(wall),
    )
