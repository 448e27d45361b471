"""A duration as people write it: `500ms`, `30s`, `5m`, `1h30m`, `7d`."""

import re
from typing import Any, ClassVar

from perftui.config.figure import Figure

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Duration(Figure):
    """Seconds, read from text such as `30s`; a bare number is refused because its unit would be a guess."""

    SCHEMA: ClassVar[dict[str, Any]] = {
        "type": "string",
        "pattern": rf"^({_PART.pattern} ?)+$",
        "examples": ["500ms", "30s", "5m"],
    }
    EXPECTED = 'a duration in quotes, such as "500ms", "30s" or "5m"'

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Return the duration that `text` says. Raises ValueError with an example of what would be right."""
        compact = text.replace(" ", "")
        parts = _PART.findall(compact)
        if not parts or "".join(number + unit for number, unit in parts) != compact:
            raise ValueError(f'"{text}" is not a duration; write it like "500ms", "30s", "5m" or "1h30m"')
        return cls(sum(float(number) * _SECONDS[unit] for number, unit in parts))

    @property
    def text(self) -> str:
        """The duration as `parse` reads it, to the millisecond: `1h30m`, `1s500ms`."""
        left = round(self * 1000)
        parts = []
        for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
            count, left = divmod(left, size)
            if count:
                parts.append(f"{count}{unit}")
        return "".join(parts) or "0s"
