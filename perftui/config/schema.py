"""The JSON schema of perftui.toml, for editors and linters."""

from collections.abc import Mapping
from functools import partial, reduce
from operator import or_
from types import GenericAlias
from typing import Annotated, Any, get_args

import msgspec

from perftui.config.docs import field_docs
from perftui.config.figure import Figure
from perftui.config.kinds import KINDS, HttpMetric, QueueOptions
from perftui.config.notify import Route
from perftui.config.remedies import NAMED, ActionRules
from perftui.config.tables import SOURCE_NAME, SourceTable, TopTable, whole_table

_SECRET = {"type": "string", "minLength": 1, "examples": ["env:NAME", "file:PATH", "keyring:NAME"]}
_NAME = Annotated[str, msgspec.Meta(pattern=SOURCE_NAME)]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(lists: Mapping[str, type[msgspec.Struct]]) -> dict[str, Any]:
    """Return the schema; the kinds of source are a union told apart by `kind`.

    `lists` are the structs of the `[[NAME]]` tables that are known further up.
    """
    source: Any = reduce(or_, (whole_table(kind) for kind in KINDS))
    tables: list[tuple[str, Any, Any]] = [
        (name, GenericAlias(dict, (_NAME, table)), msgspec.field(default_factory=dict))
        for name, table in (
            ("sources", source),
            ("notify", _encodable(Route)),
            *((name, _encodable(struct)) for name, struct in NAMED.items()),
        )
    ]
    tables.append(("actions", ActionRules, msgspec.field(default_factory=ActionRules)))
    tables += [
        (name, GenericAlias(list, _encodable(struct)), msgspec.field(default_factory=list))
        for name, struct in lists.items()
    ]
    file = msgspec.defstruct(
        "Perftui",
        tables,
        bases=(TopTable,),
        namespace={"__doc__": "perftui.toml"},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )
    (_,), definitions = msgspec.json.schema_components([file], schema_hook=_own, ref_template="#/$defs/{name}")
    _describe(definitions, _structs_in(ActionRules, *NAMED.values(), *lists.values()))
    return {"$schema": DIALECT, **definitions.pop("Perftui"), "$defs": definitions}


def _encodable(struct: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """Return `struct` with defaults of our own types made by factories: msgspec cannot write such a default."""
    fields = [field for field in msgspec.structs.fields(struct) if isinstance(field.default, Figure)]
    return msgspec.defstruct(
        struct.__name__,
        [
            (
                field.name,
                field.type,
                msgspec.field(default_factory=partial(_itself, field.default), name=field.encode_name),
            )
            for field in fields
        ],
        bases=(struct,),
        namespace={"__doc__": struct.__doc__},
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


def _itself(value: Figure) -> Figure:
    return value


def _own(kind: type) -> dict[str, Any]:
    return dict(kind.SCHEMA if issubclass(kind, Figure) else _SECRET)


def _structs_in(*structs: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct]]:
    """Return these structs and those in their fields, by name."""
    found: dict[str, type[msgspec.Struct]] = {}
    for struct in structs:
        found[struct.__name__] = struct
        for field in msgspec.structs.fields(struct):
            inner = (kind for kind in get_args(field.type) if isinstance(kind, type))
            found |= _structs_in(*(kind for kind in inner if issubclass(kind, msgspec.Struct)))
    return found


def _describe(definitions: dict[str, Any], others: Mapping[str, type[msgspec.Struct]]) -> None:
    """Give every property the docstring that stands under its field."""
    structs: dict[str, type[msgspec.Struct]] = {"Perftui": TopTable, **others}
    structs |= {struct.__name__: struct for struct in (QueueOptions, HttpMetric, Route)}
    docs = {name: _docs_by_key(struct) for name, struct in structs.items()}
    for kind, options in KINDS.items():
        docs[f"{kind.capitalize()}Source"] = field_docs(SourceTable) | field_docs(options)
    for name, definition in definitions.items():
        for key, entry in definition.get("properties", {}).items():
            if text := docs.get(name, {}).get(key):
                entry["description"] = text


def _docs_by_key(struct: type[msgspec.Struct]) -> dict[str, str]:
    docs = field_docs(struct)
    return {field.encode_name: docs[field.name] for field in msgspec.structs.fields(struct) if field.name in docs}
