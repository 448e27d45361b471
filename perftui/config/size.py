"""An amount of bytes as people write it: `512MiB`, `2G`, `1.5 GiB`, `4096`."""

import re
from typing import Any, ClassVar

from perftui.config.figure import Figure

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGTP]?)(i?B)?", re.IGNORECASE)
_POWERS = {unit: 1024.0**power for power, unit in enumerate(("", "K", "M", "G", "T", "P"))}


class Size(Figure):
    """Bytes, read from text such as `512MiB`; units are powers of 1024, as the screen shows them."""

    SCHEMA: ClassVar[dict[str, Any]] = {
        "type": ["integer", "string"],
        "examples": ["512MiB", "2GiB", 1048576],
    }
    EXPECTED = 'a size, such as "512MiB", "2G" or 1048576'
    WRITTEN_AS = (str, int)

    @classmethod
    def parse(cls, written: Any) -> "Size":
        """Return the size that a TOML value says. Raises ValueError with an example of what would be right."""
        match = _SIZE.fullmatch(str(written).strip())
        if match is None:
            raise ValueError(f'"{written}" is not a size; write it like "512MiB", "2G" or 1048576')
        return cls(float(match[1]) * _POWERS[match[2].upper()])
