"""A level as people write it: `0.8`, `"80%"`, `"10/min"`, `"30s"`."""

import math
import re
from typing import Any, ClassVar

from perftui.config.duration import Duration
from perftui.config.figure import Figure

_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_PER_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|min|h)")
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


class Amount(Figure):
    """A number in its metric's own unit: ratios 0..1, seconds, bytes, changes per second."""

    EXPECTED = 'a level, such as 0.8, "80%", "10/min" or "30s"'
    WRITTEN_AS = (str, int, float)
    SCHEMA: ClassVar[dict[str, Any]] = {"type": ["number", "string"], "examples": [0.8, "80%", "10/min", "30s"]}

    @classmethod
    def parse(cls, written: Any) -> "Amount":
        """Return the amount that a TOML value says. Raises ValueError with what would be right."""
        if isinstance(written, (int, float)) and not isinstance(written, bool):
            return cls._finite(written)
        text = str(written).strip()
        if percent := _PERCENT.fullmatch(text):
            return cls._finite(float(percent[1]) / 100)
        if pace := _PER_TIME.fullmatch(text):
            return cls._finite(float(pace[1]) / _SECONDS[pace[2]])
        try:
            return cls._finite(Duration.parse(text))
        except ValueError as error:
            raise ValueError(f'"{text}" is not a level; write it like 0.8, "80%", "10/min" or "30s"') from error

    @classmethod
    def _finite(cls, number: float) -> "Amount":
        try:
            amount = cls(number)
        except OverflowError:
            amount = cls(math.inf)
        if not math.isfinite(amount):
            raise ValueError(f"{amount:g} is beyond what any metric can reach")
        return amount
