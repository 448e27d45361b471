"""What a metric is: its name, unit, kind, meaning and the direction that is bad."""

from enum import StrEnum
from typing import Literal

import msgspec


class Kind(StrEnum):
    """How a value behaves: a level, a change per second, or a share of a whole (0..1)."""

    GAUGE = "gauge"
    RATE = "rate"
    RATIO = "ratio"


Direction = Literal["up", "down"]


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of the catalogue.

    `unit` is UCUM: `s`, `By`, `1` (a ratio 0..1 or a plain number), `By/s`, `1/s`, `Cel`, `{job}`, `{job}/s`.
    `bad` is the direction that hurts, None where neither does. `maximum` ends the scale of a chart.
    """

    name: str
    unit: str
    kind: Kind
    description: str
    bad: Direction | None = None
    maximum: float | None = None


def gauge(name: str, unit: str, description: str, *, bad: Direction | None = None) -> Metric:
    """Declare a level."""
    return Metric(name=name, unit=unit, kind=Kind.GAUGE, description=description, bad=bad)


def rate(name: str, unit: str, description: str, *, bad: Direction | None = None) -> Metric:
    """Declare a change per second; `unit` ends in `/s`."""
    return Metric(name=name, unit=unit, kind=Kind.RATE, description=description, bad=bad)


def ratio(name: str, description: str, *, bad: Direction | None = None) -> Metric:
    """Declare a share of a whole, 0..1."""
    return Metric(name=name, unit="1", kind=Kind.RATIO, description=description, bad=bad, maximum=1.0)
