"""What was last read of services, for offers and proof: nothing here asks anybody."""

from collections.abc import Iterator

import msgspec

from perftui.actions.contract import Ask, Ground
from perftui.config.settings import SourceSettings
from perftui.core.action import Must, Watch
from perftui.core.metric import Direction
from perftui.core.reading import Cell, Reading
from perftui.core.series import Attributes, SeriesId, attributes

MOST_OFFERED = 20


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One unit as the table `units` shows it; `is_down`: it failed, or should run and does not."""

    unit: str
    active: str
    exit: str
    loop: str
    can_reload: bool
    is_down: bool

    @property
    def is_up(self) -> bool:
        """Whether it runs."""
        return self.active in ("active", "reloading")

    @property
    def note(self) -> str:
        """What speaks for doing something: `failed, exit 137`."""
        return self.loop or (f"{self.active}, {self.exit}" if self.exit and not self.is_up else self.active)


def asked_unit(target: SourceSettings, ask: Ask) -> str:
    """Return the unit that offers are wanted for; empty when for none."""
    labels = dict(ask.alert.attributes) if ask.alert is not None and ask.alert.source == target.name else {}
    return ask.params.get("unit") or labels.get("unit", "")


def rows_for(ground: Ground, target: SourceSettings, ask: Ask) -> list[Row]:
    """Return the asked unit, or all when none was asked for."""
    wanted = asked_unit(target, ask)
    return [row for row in rows(ground, target.name) if wanted in ("", row.unit)]


def rows(ground: Ground, source: str) -> Iterator[Row]:
    """Yield the rows of the table `units` of a source, the worst first."""
    reading = ground.readings.get(source)
    if reading is None or (table := reading.tables.get("units")) is None:
        return
    down = _down(reading)
    for cells in table.rows:
        row = dict(zip(table.columns, cells, strict=False))
        unit = _text(row.get("unit"))
        yield Row(
            unit=unit,
            active=_text(row.get("active")),
            exit=_text(row.get("exit")),
            loop=_text(row.get("loop")),
            can_reload=row.get("reload") == "yes",
            is_down=unit in down,
        )


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _down(reading: Reading) -> set[str]:
    """Return the units whose `service.up` is 0."""
    up = (sample for sample in reading.samples if sample.metric == "service.up" and sample.value == 0)
    return {dict(sample.attributes).get("unit", "") for sample in up}


def watch_unit(ground: Ground, source: str, unit: str, *, is_down: bool) -> tuple[Watch, ...]:
    """Return what proves a start or restart: it is up, and stays up. What is not measured cannot be watched."""
    where = attributes({"unit": unit})
    up = Watch(
        label=f"{unit} is up",
        source=source,
        metric="service.up",
        attributes=where,
        bad="down",
        must=Must.IMPROVE if is_down else Must.KEEP,
        goal=1.0,
    )
    restarts = Watch(label=f"restarts of {unit}", source=source, metric="service.restarts", attributes=where)
    return tuple(watch for watch in (up, restarts) if _is_measured(ground, watch))


def _is_measured(ground: Ground, watch: Watch) -> bool:
    reading = ground.readings.get(watch.source)
    samples = reading.samples if reading is not None else ()
    return any((each.metric, each.attributes) == (watch.metric, watch.attributes) for each in samples)


def fresh_value(ground: Ground, series: SeriesId) -> float | None:
    """Return the last value of a series, None where it was not read or is too old to rest on."""
    reading = ground.readings.get(series.source) if ground.is_fresh(series.source) else None
    samples = reading.samples if reading is not None else ()
    return next((each.value for each in samples if (each.metric, each.attributes) == series[1:]), None)


def watch_series(label: str, series: SeriesId, bad: Direction, must: Must) -> Watch:
    """Return a watch on a series without a goal."""
    source, metric, where = series
    return Watch(label=label, source=source, metric=metric, attributes=where, bad=bad, must=must)


def series_of(ground: Ground, metric: str) -> Iterator[tuple[str, Attributes]]:
    """Yield source and attributes of each series of a metric that was last read anywhere."""
    for name, reading in ground.readings.items():
        for sample in reading.samples:
            if sample.metric == metric:
                yield name, sample.attributes
