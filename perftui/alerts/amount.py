"""A level as people write it: `0.8`, `"80%"`, `"10/min"`, `"30s"`."""

import re

from perftui.config.duration import Duration

_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_PER_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|min|h)")
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}


class Amount(float):
    """A number in its metric's own unit: ratios 0..1, seconds, bytes, changes per second."""

    @classmethod
    def parse(cls, written: object) -> "Amount":
        """Return the amount that a TOML value says. Raises ValueError with what would be right."""
        if isinstance(written, (int, float)) and not isinstance(written, bool):
            return cls(written)
        text = str(written).strip()
        if percent := _PERCENT.fullmatch(text):
            return cls(float(percent[1]) / 100)
        if pace := _PER_TIME.fullmatch(text):
            return cls(float(pace[1]) / _SECONDS[pace[2]])
        try:
            return cls(Duration.parse(text))
        except ValueError as error:
            raise ValueError(f'"{text}" is not a level; write it like 0.8, "80%", "10/min" or "30s"') from error
