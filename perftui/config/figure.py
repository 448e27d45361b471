"""Numbers that have a way of their own to be written in TOML."""

from typing import Any, ClassVar


class Figure(float):
    """A number read from TOML by `parse`; the struct decoder and the JSON schema ask its class how it is written."""

    EXPECTED: ClassVar[str]
    """What it looks like in TOML, for the line that refuses another thing."""
    WRITTEN_AS: ClassVar[tuple[type, ...]] = (str,)
    """The types of TOML that it can be written as."""
    SCHEMA: ClassVar[dict[str, Any]]
    """Its JSON schema."""

    @classmethod
    def parse(cls, written: Any) -> "Figure":
        """Return the figure that a TOML value says. Raises ValueError with what would be right."""
        raise NotImplementedError
