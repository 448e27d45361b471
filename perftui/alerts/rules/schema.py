"""The tables of rules and inhibitions as the JSON schema of perftui.toml describes them."""

from typing import Any

import msgspec

from perftui.alerts.rules.rule import Inhibition, Levels, Rule


def rule_structs() -> dict[str, type[msgspec.Struct]]:
    """Return the struct of each `[[NAME]]` table: over a default its name is enough, and a level can stand alone."""
    level_or_levels: Any = Levels | float | str | None
    return {
        "rules": _table(
            Rule, [("metric", str, ""), ("above", level_or_levels, None), ("below", level_or_levels, None)]
        ),
        "inhibitions": _table(Inhibition, [("when", dict[str, str], msgspec.field(default_factory=dict))]),
    }


def _table(struct: type[msgspec.Struct], fields: list[tuple[str, Any, Any]]) -> type[msgspec.Struct]:
    return msgspec.defstruct(
        f"{struct.__name__}Table",
        fields,
        bases=(struct,),
        namespace={"__doc__": struct.__doc__},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )
