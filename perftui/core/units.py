"""Numbers as people read them: three significant digits, a unit, never more.

Imports nothing of ours at run time: the early frame, which may not wait for msgspec, formats with it too.
"""

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from perftui.core.metric import Kind, Metric

MISSING = "–"
_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_DECIMAL = ("", "k", "M", "G", "T")


class Shown(NamedTuple):
    """A number and its unit, apart, so that the unit can be dimmed: `("12.4", "k")`."""

    number: str
    unit: str

    def __str__(self) -> str:
        if not self.unit:
            return self.number
        glue = "" if self.unit in _DECIMAL or self.number.endswith(self.unit) else " "
        return f"{self.number}{glue}{self.unit}"


def digits(value: float) -> str:
    """Return `value` (below 1000 in size) with at most three significant digits and no trailing zeros."""
    size = abs(value)
    places = 0 if size >= 99.95 else 1 if size >= 9.995 else 2 if size >= 0.0995 else 3
    shown = f"{round(value, places) + 0.0:.{places}f}"
    return shown.rstrip("0").rstrip(".") if places else shown


def _scaled(value: float, step: float, units: tuple[str, ...]) -> Shown:
    index = 0
    while abs(value) >= min(step, 999.5) and index < len(units) - 1:
        value /= step
        index += 1
    return Shown(digits(value), units[index])


def percent(value: float) -> Shown:
    """Return a ratio 0..1 as per cent: one decimal below 10 and near 100, where it tells."""
    number = value * 100
    if number != 0 and (number < 9.95 or 99 < number < 100):
        shown = f"{number:.1f}"
        return Shown("99.9" if shown == "100.0" else shown.removesuffix(".0"), "%")
    return Shown(f"{number:.0f}", "%")


def size(value: float) -> Shown:
    """Return bytes in binary units: `3.1 GiB`."""
    return _scaled(value, 1024.0, _BINARY)


def size_of(part: float, whole: float) -> tuple[str, Shown]:
    """Return bytes of a whole, both in its unit: `("0.5", 2 GiB)`."""
    shown = size(whole)
    return digits(part / 1024.0 ** _BINARY.index(shown.unit)), shown


def count(value: float) -> Shown:
    """Return a plain number: `12.4k`."""
    return _scaled(value, 1000.0, _DECIMAL)


def seconds(value: float) -> Shown:
    """Return a duration: `0.4 ms`, `12 s`, `2m10s`, `9d4h`."""
    if value < 0:
        shown = seconds(-value)
        return shown if shown.number == "0" else Shown("-" + shown.number, shown.unit)
    if value < 0.9995:
        return Shown("0", "s") if value == 0 else _short(value)
    if value < 59.5:
        return Shown(digits(round(value, 1)), "s")
    return Shown(_long(round(value)), "")


def _short(value: float) -> Shown:
    if value >= 0.000_999_5 / 10:
        return Shown(digits(value * 1e3), "ms")
    return Shown(digits(value * 1e6), "µs")


def _long(whole: int) -> str:
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d{hour}h" if hour else f"{days}d"
    if hours:
        return f"{hours}h{minute:02d}m" if minute else f"{hours}h"
    return f"{minutes}m{second:02d}s" if second else f"{minutes}m"


def show(value: float | None, unit: str, *, kind: "Kind | Literal['gauge']" = "gauge") -> Shown:
    """Return `value` of a UCUM `unit` as it is read on the screen; None and NaN are `–`."""
    if value is None or math.isnan(value):
        return Shown(MISSING, "")
    if math.isinf(value):
        return Shown("∞" if value > 0 else "-∞", "")
    if kind == "ratio":
        return percent(value)
    if unit == "s":
        return seconds(value)
    if unit in ("By", "By/s"):
        shown = size(value)
        return shown if unit == "By" else Shown(shown.number, shown.unit + "/s")
    if unit == "Cel":
        return Shown(digits(value), "°C")
    return count(value)


def show_metric(metric: "Metric", value: float | None) -> Shown:
    """Return `value` of `metric` as it is read on the screen."""
    return show(value, metric.unit, kind=metric.kind)
