"""Rules out of TOML: the shipped file, what perftui.toml says instead, what is refused, and how levels are written."""

import time
from pathlib import Path

import pytest

from perftui.alerts.rules.amount import Amount
from perftui.alerts.rules.file import (
    default_inhibitions,
    default_rules,
    known_metrics,
    rule_book,
    rule_infos,
)
from perftui.alerts.rules.rule import Aggregate, Rule, RuleBook
from perftui.config.load import read
from perftui.config.settings import Settings
from perftui.core.alert import RuleInfo, Severity
from perftui.core.catalogue import CATALOGUE

CPU = """
[[rules]]
name = "hot"
metric = "system.cpu.utilization"
summary = "cpu {value}"
"""
HOT = CPU + "above = 0.5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def settings(folder: Path, text: str) -> Settings:
    path = folder / "perftui.toml"
    path.write_text(text)
    loaded = read(path)
    assert loaded.problems == ()
    return loaded.settings


def book(folder: Path, text: str) -> RuleBook:
    return rule_book(settings(folder, text))


def rules(folder: Path, text: str) -> dict[str, Rule]:
    found = book(folder, text)
    assert found.problems == ()
    return {rule.name: rule for rule in found.rules}


def infos(folder: Path, text: str) -> dict[str, RuleInfo]:
    return {info.name: info for info in rule_infos(settings(folder, text))}


def lines(folder: Path, text: str) -> list[str]:
    """Return the problems of the rules in a file, without its name in front."""
    problems = book(folder, text).problems
    assert all(line.startswith("perftui.toml: ") for line in problems)
    return [line.removeprefix("perftui.toml: ") for line in problems]


def test_without_a_word_the_defaults_are_in_force(folder: Path) -> None:
    found = book(folder, "")
    assert (found.rules, found.inhibitions, found.problems) == (default_rules(), default_inhibitions(), ())
    cpu = rules(folder, "")["cpu"]
    assert (cpu.levels.warning, cpu.levels.critical) == (0.7, 0.9)


@pytest.mark.parametrize("rule", default_rules(), ids=lambda rule: rule.name)
def test_every_shipped_rule_says_what_happened(rule: Rule) -> None:
    assert rule.summary
    assert rule.metric in CATALOGUE


@pytest.mark.parametrize(
    ("written", "amount"),
    [(0.8, 0.8), (3, 3), ("80%", 0.8), ("7.5 %", 0.075), ("6/min", 0.1), ("5/s", 5), ("30s", 30), ("1h30m", 5400)],
)
def test_levels_as_people_write_them(written: object, amount: float) -> None:
    assert Amount.parse(written) == pytest.approx(amount)


# ── Changing a default ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ('above = { warning = "75%" }', (None, 0.75, 0.9)),
        ('above = { warning = "75%", critical = "off" }', (None, 0.75, None)),
        ('above = { info = "50%" }', (0.5, 0.7, 0.9)),
        ('above = "80%"', (None, 0.8, None)),
        ('above = "80%"\nseverity = "critical"', (None, None, 0.8)),
        ('below = "1%"', (None, 0.01, None)),
        ('for = "1m"', (None, 0.7, 0.9)),
    ],
)
def test_a_table_with_the_name_of_a_default_changes_what_it_says(
    folder: Path, text: str, levels: tuple[float | None, ...]
) -> None:
    cpu = rules(folder, f'[[rules]]\nname = "cpu"\n{text}')["cpu"]
    assert (cpu.levels.info, cpu.levels.warning, cpu.levels.critical) == levels
    default = rules(folder, "")["cpu"]
    assert (cpu.metric, cpu.summary, cpu.remedies) == (default.metric, default.summary, default.remedies)


def test_another_direction_replaces_the_levels_and_what_belongs_to_them(folder: Path) -> None:
    cpu = rules(folder, '[[rules]]\nname = "cpu"\nbelow = "1%"')["cpu"]
    assert (cpu.direction, cpu.above, cpu.clear) == ("below", None, None)
    gone = rules(folder, '[[rules]]\nname = "cpu"\nabsent_for = "1m"\nseverity = "critical"')["cpu"]
    assert (gone.direction, gone.absent_for, gone.severity) == ("absent", 60.0, Severity.CRITICAL)
    assert (gone.above, gone.clear, gone.hold) == (None, None, 0.0)


def test_the_clear_of_a_default_goes_where_it_makes_no_sense_any_more(folder: Path) -> None:
    clear = rules(folder, "")["cpu"].clear
    assert clear is not None
    assert rules(folder, '[[rules]]\nname = "cpu"\nabove = { warning = "75%" }')["cpu"].clear == clear
    assert rules(folder, f'[[rules]]\nname = "cpu"\nabove = {{ warning = {clear - 0.1} }}')["cpu"].clear is None
    assert rules(folder, '[[rules]]\nname = "cpu"\nclear = "off"')["cpu"].clear is None
    assert "clear (0.65)" in lines(folder, '[[rules]]\nname = "cpu"\nabove = "60%"\nclear = "65%"')[0]


def test_a_rule_that_is_switched_off_is_not_in_force_but_still_shown(folder: Path) -> None:
    text = '[[rules]]\nname = "cpu"\nenabled = false\n'
    assert "cpu" not in rules(folder, text)
    info = infos(folder, text)["cpu"]
    assert (info.enabled, info.changed, info.origin) == (False, True, "perftui.toml")


def test_an_inhibition_is_changed_and_switched_off_by_its_name(folder: Path) -> None:
    text = '[[inhibitions]]\nname = "mine"\nwhen = { rule = "cpu" }\nequal = []\n'
    found = book(folder, text)
    assert found.problems == ()
    assert [inhibition.name for inhibition in found.inhibitions][-1] == "mine"
    assert "mine" not in [inhibition.name for inhibition in book(folder, text + "enabled = false").inhibitions]
    for inhibition in default_inhibitions():
        off = book(folder, f'[[inhibitions]]\nname = "{inhibition.name}"\nenabled = false')
        assert inhibition.name not in [other.name for other in off.inhibitions]


# ── Rules of one's own ──────────────────────────────────────────────────────────────────────────────────────────────

WHOLE = """
[notify.slack]
url = "env:SLACK_URL"
[sources.shop]
kind = "http"
url = "http://127.0.0.1/x.json"
[sources.shop.metrics."shop.errors"]
path = "errors"
counter = true
[sources.shop.metrics."shop.requests"]
path = "requests"
counter = true
[[rules]]
name = "errors"
metric = "shop.errors"
divided_by = "shop.requests"
sources = ["shop*", "!shop-test"]
attributes = { route = "~/api/.*" }
aggregate = "avg"
over = "5m"
above = { info = "1%", warning = "5%", critical = "10%" }
clear = "0.5%"
when = { metric = "shop.requests", above = "1/s" }
for = "30s"
keep_firing_for = "1m"
clear_for = "20s"
cooldown = "30m"
summary = "{route}: {value} of the requests fail, above {level}"
remedies = ["service.restart:shop", "cleanup.expired"]
notify = ["slack"]
runbook = "https://wiki.example.com/shop#errors"
mark = false
"""


def test_a_whole_rule(folder: Path) -> None:
    rule = rules(folder, WHOLE)["errors"]
    assert (rule.divided_by, rule.aggregate, rule.over) == ("shop.requests", Aggregate.AVG, 300.0)
    assert (rule.levels.info, rule.levels.warning, rule.levels.critical, rule.clear) == (0.01, 0.05, 0.1, 0.005)
    assert (rule.hold, rule.keep_firing_for, rule.clear_for, rule.cooldown) == (30.0, 60.0, 20.0, 1800.0)
    (condition,) = rule.conditions
    assert (condition.metric, condition.above, condition.below) == ("shop.requests", 1.0, None)
    assert (rule.notify, rule.sources) == (("slack",), ("shop*", "!shop-test"))
    assert known_metrics(settings(folder, WHOLE))["shop.errors"].unit == "1/s"


def test_what_is_shown_is_what_is_written(folder: Path) -> None:
    found = infos(folder, WHOLE + '[[rules]]\nname = "slow-queries"\nabove = "10/min"\n')
    info = found["errors"]
    assert (info.info, info.warning, info.critical, info.clear, info.hold) == ("1%", "5%", "10%", "0.5%", "30s")
    assert info.why == "shop.errors divided by shop.requests, avg over 5m, while shop.requests above 1/s"
    assert (info.origin, info.changed) == ("perftui.toml", True)
    assert (found["slow-queries"].warning, found["slow-queries"].critical) == ("10/min", "")
    assert (found["cpu"].origin, found["cpu"].changed, found["cpu"].hold) == ("default_rules.toml", False, "30s")
    assert (found["slow-queries"].origin, found["slow-queries"].changed) == ("perftui.toml", True)


def test_an_empty_change_is_none(folder: Path) -> None:
    assert infos(folder, '[[rules]]\nname = "cpu"')["cpu"] == infos(folder, "")["cpu"]


def test_a_rule_about_absence_shows_its_time(folder: Path) -> None:
    text = '[[rules]]\nname = "silent"\nmetric = "queue.depth"\nabsent_for = "5m"'
    info = infos(folder, text)["silent"]
    assert (info.direction, info.hold, info.warning) == ("absent", "5m", "")


# ── Mistakes ────────────────────────────────────────────────────────────────────────────────────────────────────────


NO_METRIC = 'there is no metric "{}"; did you mean "{}"?'
NO_PATTERN = "is no regular expression: unterminated character set at position 0"
NO_WORD = "is neither an attribute nor one of value, level, source, when, error"
LEVELS = '0.8, "80%", "10/min" or "30s"'
TWO_LEVELS = "above = { info = 0.1, warning = 0.2 }\n"
SLACK = '[notify.slack]\nurl = "env:SLACK_URL"\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (HOT + 'abov = "7%"', 'unknown key "abov"; did you mean "above"?'),
        (HOT + 'fro = "7s"', 'unknown key "fro"; did you mean "for"?'),
        (HOT.replace("cpu.ut", "cpu.tu"), NO_METRIC.format("system.cpu.tuilization", "system.cpu.utilization")),
        (HOT.replace("system.cpu.utilization", "x"), 'there is no metric "x"; `perftui metrics` lists them'),
        (HOT + 'divided_by = "redis.lookup"', NO_METRIC.format("redis.lookup", "redis.lookups")),
        (HOT + 'when = { metric = "redis.lookup", above = 1 }', NO_METRIC.format("redis.lookup", "redis.lookups")),
        (HOT + 'when = { metric = "redis.lookups" }', "when needs above or below"),
        (
            HOT + 'when = [{ metric = "redis.lookups", up = 1 }]',
            'when: unknown key "up"; allowed: metric, above, below',
        ),
        (HOT + "when = [3]", "when: must be a table"),
        (CPU, "give exactly one of above, below and absent_for"),
        (HOT + "below = 0.4", "give exactly one of above, below and absent_for, not above and below"),
        (HOT + 'absent_for = "1m"', "give exactly one of above, below and absent_for, not above and absent_for"),
        (CPU + "above = {}", "above needs info, warning or critical"),
        (CPU + "above = { warn = 1 }", 'above: unknown key "warn"; did you mean "warning"?'),
        (CPU + "above = { warning = 0.9, critical = 0.8 }", "critical (0.8) must lie above warning (0.9)"),
        (CPU + "above = { info = 0.9, critical = 0.8 }", "critical (0.8) must lie above info (0.9)"),
        (CPU + "below = { warning = 0.7, critical = 0.8 }", "critical (0.8) must lie below warning (0.7)"),
        (HOT + "clear = 0.6", "clear (0.6) must not lie above the level (0.5)"),
        (CPU + "below = 0.5\nclear = 0.4", "clear (0.4) must not lie below the level (0.5)"),
        (CPU + 'above = "lots"', f'above: warning is wrong: "lots" is not a level; write it like {LEVELS}'),
        (CPU + "above = true", f"above: warning must be a level, such as {LEVELS}"),
        (CPU + "above = nan", "above: warning is wrong: nan is beyond what any metric can reach"),
        (CPU + "above = 80", 'warning (80) is beyond a share of a whole, 0 to 1; write it like 0.8 or "80%"'),
        (HOT + 'severity = "bad"', 'severity must be "info" or "warning" or "critical"'),
        (CPU + TWO_LEVELS + 'severity = "info"', "severity goes with a single level; above has one for each"),
        (HOT + 'for = "30"', 'for is wrong: "30" is not a duration; write it like "500ms", "30s", "5m" or "1h30m"'),
        (HOT + "for = 30", 'for must be a duration in quotes, such as "500ms", "30s" or "5m"'),
        (HOT + 'for = "-30s"', 'for is wrong: "-30s" is not a duration; write it like "500ms", "30s", "5m" or "1h30m"'),
        (HOT + 'for = "25h"', "for must lie between 0s and 1d"),
        (HOT + 'cooldown = "8d"', "cooldown must lie between 0s and 7d"),
        (HOT + 'aggregate = "avg"', 'aggregate needs over, such as over = "5m": the window that avg is of'),
        (HOT + 'over = "5m"', 'over needs aggregate, such as aggregate = "avg"'),
        (HOT + 'aggregate = "max"\nover = "1s"', "over must lie between 2s and 1d"),
        (HOT + 'aggregate = "p95"\nover = "16m"', "over may be 15m at most for a percentile"),
        (HOT + 'aggregate = "predict"\nover = "1h"', "predict and ahead go together: how far it looks ahead"),
        (HOT + 'ahead = "1h"', "predict and ahead go together: how far it looks ahead"),
        (CPU + 'absent_for = "0s"', "absent_for must lie between 1s and 1d"),
        (CPU + 'absent_for = "1m"\nfor = "1m"', "absent_for goes without for: it is the time itself"),
        (CPU + 'absent_for = "1m"\nclear = 1', "absent_for goes without clear"),
        (HOT + 'sources = ["~["]', f'sources: "~[" {NO_PATTERN}'),
        (HOT + 'attributes = { cpu = "!~[" }', f'attributes: "!~[" {NO_PATTERN}'),
        (HOT + 'notify = ["slack"]', "notify: there is no [notify.NAME] table"),
        (HOT + 'notify = ["slac"]\n' + SLACK, 'notify: unknown route "slac"; did you mean "slack"?'),
        (HOT + 'remedies = ["restart"]', 'remedies: "restart" is no action; write it like "cleanup.expired"'),
        (HOT + 'runbook = "wiki/cpu"', "runbook must be a link that begins with http:// or https://"),
        (HOT.replace("{value}", "{value.__class__}"), f'summary: "{{value.__class__}}" {NO_WORD}'),
        (HOT.replace("{value}", "{}"), f'summary: "{{}}" {NO_WORD}'),
        (HOT.replace("{value}", "{value:9999999}"), 'summary: write "{value}" without anything behind the name'),
        (HOT.replace("{value}", "{value!r}"), 'summary: write "{value}" without anything behind the name'),
        (HOT.replace("{value}", "{value"), "summary: expected '}' before end of string"),
        (HOT + HOT, "stands here twice; only the first counts"),
    ],
)
def test_each_mistake_is_one_line_that_names_the_rule(folder: Path, text: str, line: str) -> None:
    assert lines(folder, text) == [f'[[rules]] "hot" {line}']


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[[rules]]\nabove = 1", '[[rules]] number 1 missing key "name"'),
        ("[[rules]]\nname = 3", "[[rules]] number 1 name must be text in quotes"),
        (
            '[[rules]]\nname = "a/b"',
            '[[rules]] "a/b" a rule\'s name is letters, digits, dots, dashes and underscores, 63 at most',
        ),
        ('[[rules]]\nname = "zebra"', '[[rules]] "zebra" missing key "metric"'),
        (
            '[[rules]]\nname = "memry"\nabove = "85%"',
            '[[rules]] "memry" is no rule that comes with perftui, and has no metric; did you mean "memory"?',
        ),
        ('[[inhibitions]]\nname = "a"', '[[inhibitions]] "a" missing key "when"'),
        ('[[inhibitions]]\nname = "a"\nwhen = {}', '[[inhibitions]] "a" when is empty: every alert would be the cause'),
        (
            '[[inhibitions]]\nname = "a"\nwhen = { rule = "~[" }',
            f'[[inhibitions]] "a" when: "~[" {NO_PATTERN}',
        ),
        (
            '[[inhibitions]]\nname = "a"\nwhen = { rule = "a" }\nreason = "{rule!r}"',
            '[[inhibitions]] "a" reason: write "{rule}" without anything behind the name',
        ),
        (
            '[[inhibitions]]\nname = "a"\nwhen = { rule = "a" }\nmute = {}',
            '[[inhibitions]] "a" unknown key "mute"; did you mean "mutes"?',
        ),
    ],
)
def test_each_mistake_around_a_rule_is_one_line(folder: Path, text: str, line: str) -> None:
    assert lines(folder, text) == [line]


def test_all_mistakes_are_told_and_cost_only_what_they_are_in(folder: Path) -> None:
    text = (
        '[[rules]]\nname = "cpu"\nabove = "lots"\nfor = "3"\nsources = ["~("]\n'
        '[[rules]]\nname = "memory"\nabove = { warning = "85%" }\n' + HOT.replace("0.5", "5")
    )
    found = book(folder, text)
    assert len(found.problems) == 4
    by_name = {rule.name: rule for rule in found.rules}
    assert "hot" not in by_name
    assert by_name["cpu"] == next(rule for rule in default_rules() if rule.name == "cpu")
    assert by_name["memory"].levels.warning == 0.85


def test_a_share_may_be_passed_by_what_is_computed_of_it(folder: Path) -> None:
    text = 'aggregate = "predict"\nover = "1h"\nahead = "24h"\nabove = 1.2\n'
    assert rules(folder, CPU + text)["hot"].ahead == 86400.0


def test_fifty_rules_take_milliseconds(folder: Path) -> None:
    many = settings(folder, "".join(HOT.replace("hot", f"hot-{number}") for number in range(50)))
    assert len(rule_book(many).rules) >= 50
    fastest = min(_seconds(many) for _ in range(5))
    assert fastest < 0.05


def _seconds(many: Settings) -> float:
    started = time.perf_counter()
    rule_book(many)
    return time.perf_counter() - started
