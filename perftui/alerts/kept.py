"""What outlives the agent: each part of the alert engine hands over what changed, and takes it back after a restart."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import msgspec

Row = tuple[str, str]
"""Kind and key: where something is kept."""
Changes = dict[Row, msgspec.Struct | None]
"""What is kept from now on; None for what is gone."""
Rows = Mapping[str, Mapping[str, bytes]]
"""What was kept: kind → key → the struct in msgpack."""


class Outage(NamedTuple):
    """How the clock stands to the one that kept times were read from.

    A kept monotonic time plus `shift` is the same instant on today's monotonic clock, and `seconds` is for how long
    nobody watched.
    """

    shift: float = 0.0
    seconds: float = 0.0


class Kept(Protocol):
    """A part that survives a restart."""

    def take_changes(self) -> Changes:
        """Return what changed since the last call."""

    def restore(self, rows: Rows, outage: Outage) -> None:
        """Take back what was kept; a row that cannot be read is left out."""
