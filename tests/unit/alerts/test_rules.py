"""Rules: the shipped file, what is refused, and how levels are written."""

import pytest

from perftui.alerts.amount import Amount
from perftui.alerts.rules import Rule, default_rules, load_rules
from perftui.core.alert import Severity
from perftui.core.catalogue import CATALOGUE
from perftui.core.errors import ConfigError

CPU = """
[[rules]]
name = "cpu"
metric = "system.cpu.utilization"
summary = "cpu {value}"
"""


def test_every_shipped_rule_has_a_known_metric_and_covers_the_issue() -> None:
    rules = {rule.name: rule for rule in default_rules()}
    assert rules["cpu"].levels.warning == 0.7
    assert rules["cpu"].levels.critical == 0.9
    assert rules["slow-queries"].levels.warning == 10.0
    assert rules["redis-memory"].remedies == ("cleanup.expired",)
    assert {"memory", "disk", "inodes", "redis-hit-ratio", "redis-writes-refused", "queue-without-workers"} < set(rules)
    assert {"deadlocks", "metadata-locks", "row-locks", "cpu-throttled", "oom-kill", "source-failing"} < set(rules)


@pytest.mark.parametrize(
    ("written", "amount"),
    [(0.8, 0.8), (3, 3), ("80%", 0.8), ("7.5 %", 0.075), ("6/min", 0.1), ("5/s", 5), ("30s", 30), ("1h30m", 5400)],
)
def test_levels_as_people_write_them(written: object, amount: float) -> None:
    assert Amount.parse(written) == pytest.approx(amount)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[rules]", "x.toml: "),
        ('[[rule]]\nname = "a"', "unknown field `rule`"),
        (CPU + 'abov = { warning = "7%" }', 'rule 1 "cpu": unknown key "abov"; did you mean "above"?'),
        (CPU.replace("cpu.ut", "cpu.tu") + "above = { warning = 1 }", 'did you mean "system.cpu.utilization"?'),
        (CPU + "", "give either above or below"),
        (CPU + "above = { warning = 1 }\nbelow = { warning = 1 }", "give either above or below"),
        (CPU + "above = {}", "above needs warning, critical or both"),
        (CPU + "above = { warning = 0.9, critical = 0.8 }", "critical (0.8) must lie above warning (0.9)"),
        (CPU + "below = { warning = 0.7, critical = 0.8 }", "critical (0.8) must lie below warning (0.7)"),
        (CPU + "above = { warning = 0.8 }\nclear = 0.9", "clear (0.9) must not lie above"),
        (CPU + 'above = { warning = "lots" }', '"lots" is not a level'),
        (CPU + 'above = { warning = 1 }\nfor = "30"', "is not a duration"),
        (CPU + "above = { warning = 1 }\nfor = 30", "is not a duration"),
        (CPU + 'above = { warning = 1 }\nwhen = { metric = "redis.lookups" }', "when needs above or below"),
        (CPU + 'above = { warning = 1 }\nwhen = { metric = "redis.lookup", above = 1 }', 'mean "redis.lookups"?'),
        (CPU.replace("{value}", "{value.__class__}") + "above = { warning = 1 }", "is neither an attribute nor"),
        (CPU.replace("{value}", "{value") + "above = { warning = 1 }", "summary: "),
        (2 * (CPU + "above = { warning = 1 }\n"), "another rule of that name"),
    ],
)
def test_a_mistake_is_named_with_file_and_rule(text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rules(text, "x.toml")
    assert str(caught.value).startswith("x.toml")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_levels_are_passed_strictly_and_clear_holds_what_fires() -> None:
    (rule,) = load_rules(CPU + 'above = { warning = "80%", critical = "90%" }\nclear = "70%"', "x.toml")
    assert rule.severity(0.8, firing=False) is None
    assert rule.severity(0.81, firing=False) is Severity.WARNING
    assert rule.severity(0.91, firing=False) is Severity.CRITICAL
    assert rule.severity(0.75, firing=False) is None
    assert rule.severity(0.75, firing=True) is Severity.WARNING
    assert rule.severity(0.7, firing=True) is None


@pytest.mark.parametrize("rule", default_rules(), ids=lambda rule: rule.name)
def test_every_shipped_rule_tells_the_value_with_its_unit(rule: Rule) -> None:
    assert "{value}" in rule.summary
    if CATALOGUE[rule.metric].unit.endswith("}/s"):
        assert "/s" in rule.summary.partition("{value}")[2]
