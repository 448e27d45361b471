"""The shape of perftui.toml: its top level, and what the table of every source can say whatever its kind."""

from typing import Any

import msgspec

from perftui.config.duration import Duration
from perftui.config.kinds import KINDS

SOURCE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"
"""A source's name is part of a topic (`reading/NAME`) and of a column, so neither `/` nor blanks."""


STANDARD_INTERVAL = Duration(1.0)


class TopTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys above the first table."""

    interval: Duration = msgspec.field(default_factory=lambda: STANDARD_INTERVAL)
    """How often sources are polled that do not say so themselves (http: every 5s at most)."""
    discover: bool = True
    """Look for servers on this host that are not configured here."""
    read_only: bool = False
    """Run no action on any source."""
    theme: str = "dark"
    """Name of a file in themes/, of perftui's own or beside this file."""
    ascii: bool = False
    """Draw with ASCII characters only."""
    bell: bool = True
    """Ring the terminal's bell for a new critical alert."""
    keys: dict[str, str] = {}
    """Keys of your own: the id of a binding, and the key that it gets."""


class SourceTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every source can say."""

    kind: str
    interval: Duration | msgspec.UnsetType = msgspec.UNSET
    """How often it is polled."""
    timeout: Duration | msgspec.UnsetType = msgspec.UNSET
    """How long a poll may take; adapts to the source when it is left out."""
    production: bool = False
    """Actions here ask one level more before they run."""
    read_only: bool = False
    """Run no action here."""


SOURCE_KEYS = tuple(SourceTable.__struct_fields__)


def whole_table(kind: str) -> type[msgspec.Struct]:
    """Return the struct of a whole `[sources.NAME]` table of `kind`, its common keys and its own; for the schema."""
    common: list[tuple[str, Any, Any]] = [
        (field.name, field.type, field.default) for field in msgspec.structs.fields(SourceTable) if field.name != "kind"
    ]
    options = KINDS[kind]
    return msgspec.defstruct(
        f"{kind.capitalize()}Source",
        common,
        bases=(options,),
        namespace={"__doc__": options.__doc__},
        tag_field="kind",
        tag=kind,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )
