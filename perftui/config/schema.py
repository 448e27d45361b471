"""The JSON schema of perftui.toml, for editors and linters."""

from functools import reduce
from operator import or_
from typing import Annotated, Any

import msgspec

from perftui.config.docs import field_docs
from perftui.config.duration import Duration
from perftui.config.kinds import KINDS, HttpMetric, QueueOptions
from perftui.config.secret import Secret
from perftui.config.tables import SOURCE_NAME, SourceTable, TopTable, whole_table

_OWN_TYPES: dict[type, dict[str, Any]] = {
    Duration: {"type": "string", "pattern": Duration.PATTERN, "examples": ["500ms", "30s", "5m"]},
    Secret: {"type": "string", "minLength": 1, "examples": ["env:NAME", "file:PATH", "keyring:NAME"]},
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the schema; the kinds of source are a union told apart by `kind`."""
    source: Any = reduce(or_, (whole_table(kind) for kind in KINDS))
    name = Annotated[str, msgspec.Meta(pattern=SOURCE_NAME)]
    file = msgspec.defstruct(
        "Perftui",
        [("sources", dict[name, source], msgspec.field(default_factory=dict))],
        bases=(TopTable,),
        namespace={"__doc__": "perftui.toml"},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )
    (_,), definitions = msgspec.json.schema_components(
        [file], schema_hook=lambda kind: dict(_OWN_TYPES[kind]), ref_template="#/$defs/{name}"
    )
    _describe(definitions)
    return {"$schema": DIALECT, **definitions.pop("Perftui"), "$defs": definitions}


def _describe(definitions: dict[str, Any]) -> None:
    """Give every property the docstring that stands under its field."""
    structs: dict[str, type[msgspec.Struct]] = {
        "Perftui": TopTable,
        "QueueOptions": QueueOptions,
        "HttpMetric": HttpMetric,
    }
    docs = {name: field_docs(struct) for name, struct in structs.items()}
    for kind, options in KINDS.items():
        docs[f"{kind.capitalize()}Source"] = field_docs(SourceTable) | field_docs(options)
    for name, definition in definitions.items():
        for key, entry in definition.get("properties", {}).items():
            if text := docs.get(name, {}).get(key):
                entry["description"] = text
