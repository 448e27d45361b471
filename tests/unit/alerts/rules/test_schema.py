"""The schema knows rules and inhibitions, each key with its meaning."""

from perftui.alerts.rules.schema import rule_structs
from perftui.config.schema import schema


def test_the_schema_describes_rules_and_inhibitions_as_they_are_written() -> None:
    document = schema(rule_structs())
    assert document["properties"]["rules"]["items"] == {"$ref": "#/$defs/RuleTable"}
    rule, inhibition = document["$defs"]["RuleTable"], document["$defs"]["InhibitionTable"]
    assert rule["required"] == inhibition["required"] == ["name"], "over a default the name is enough"
    assert {"metric", "above", "for", "notify"} <= set(rule["properties"])
    assert "hold" not in rule["properties"]
    for table in (rule, inhibition):
        assert all("description" in entry for entry in table["properties"].values())
    assert rule["properties"]["for"]["pattern"]
    assert rule["additionalProperties"] is False


def test_levels_can_be_a_table_or_one_level() -> None:
    above = schema(rule_structs())["$defs"]["RuleTable"]["properties"]["above"]
    assert {"$ref": "#/$defs/Levels"} in above["anyOf"]
    assert {"type": "string"} in above["anyOf"]
