import json
from typing import Any

from perftui.config.kinds import KINDS
from perftui.config.remedies import NAMED
from perftui.config.schema import schema


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*(references(value) for value in node.values()))
    return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()


def test_it_is_json_and_complete_in_itself() -> None:
    document = json.loads(json.dumps(schema({})))
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert references(document) == {f"#/$defs/{name}" for name in document["$defs"]}


def test_every_kind_is_told_apart_and_strict() -> None:
    document = schema({})
    union = document["properties"]["sources"]["additionalProperties"]
    assert set(union["discriminator"]["mapping"]) == set(KINDS)
    for kind, reference in union["discriminator"]["mapping"].items():
        table = document["$defs"][reference.rpartition("/")[2]]
        assert table["properties"]["kind"] == {"enum": [kind]}
        assert "kind" in table["required"]
        assert table["additionalProperties"] is False
        assert {"interval", "timeout", "production", "read_only"} < set(table["properties"])


def test_every_key_is_described() -> None:
    document = schema({})
    tables = [document, *document["$defs"].values()]
    bare = [key for table in tables for key, entry in table.get("properties", {}).items() if "description" not in entry]
    assert set(bare) <= {"kind", "sources", "notify", "actions", *NAMED}
    assert document["properties"]["interval"]["description"].startswith("How often")


def test_the_tables_of_actions_are_in_it_with_their_own_words() -> None:
    document = schema({})
    assert {"actions", *NAMED} <= set(document["properties"])
    window = document["$defs"]["Freeze"]["properties"]
    assert window["from"]["description"].startswith('`"fri 16:00"`')
    assert document["$defs"]["Runbook"]["additionalProperties"] is False
    assert document["$defs"]["HttpCall"]["properties"]["method"]["description"] == "How."
