"""Written cases for rules: the notation, what is refused and how, what a failure says."""

from pathlib import Path

import pytest

from perftui.alerts.cases.file import load_cases
from perftui.alerts.cases.notation import LONGEST, Value, at, parse
from perftui.alerts.cases.report import lines_of
from perftui.alerts.cases.runner import Outcome, run_cases
from perftui.core.catalogue import CATALOGUE
from perftui.core.errors import ConfigError
from perftui.core.status import SourceState

STALE, FAILING = SourceState.STALE, SourceState.FAILING

RULE = """
[[rules]]
name = "memory"
metric = "redis.memory.utilization"
above = { warning = "80%", critical = "90%" }
for = "10s"
summary = "memory {value}"
"""


def case(
    values: str = "0.85x60", expect: str = '{ at = "1m", alerts = [] }', before: str = RULE, more: str = ""
) -> str:
    return f"""{before}
[[tests]]
name = "first"
input = [{{ source = "cache-1", metric = "redis.memory.utilization", values = "{values}" }}]
expect = [{expect}]
{more}"""


def write(folder: Path, text: str, name: str = "cases.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def outcome(folder: Path, text: str) -> Outcome:
    (found,) = run_cases(load_cases(write(folder, text)))
    return found


def said(folder: Path, text: str) -> list[str]:
    return list(lines_of(outcome(folder, text), CATALOGUE))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1 2.5 -3", [1, 2.5, -3]),
        ("0+10x3", [0, 10, 20, 30]),
        ("90-2x2", [90, 88, 86]),
        ("-2+4x3", [-2, 2, 6, 10]),
        ("5x2 1e3", [5, 5, 5, 1000]),
        ("1  _ _x2 2", [1, None, None, None, 2]),
        ("1 stale _x2 2", [1, STALE, STALE, STALE, 2]),
        ("failing 1 _", [FAILING, 1, None]),
    ],
)
def test_values_are_written_as_in_prometheus(text: str, values: list[Value]) -> None:
    assert parse(text) == values


def test_behind_the_last_value_there_is_none_unless_the_source_is_gone() -> None:
    assert at(parse("1 2"), 5) is None
    assert at(parse("1 failing"), 5) is FAILING


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "are none"),
        ("1+2", 'have "1+2"'),
        ("ten", 'have "ten"'),
        ("1x", 'have "1x"'),
        ("nan", 'have "nan"'),
        ("1e999", "beyond what any metric"),
        (f"0x{LONGEST + 1}", "more than"),
        ("0x99999999999999999999", "more than"),
        (f"0x{LONGEST - 5} _x10", "more than"),
    ],
)
def test_what_is_no_value_is_named(text: str, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(text)
    assert says in str(caught.value)


def test_a_case_that_is_as_written_passes(tmp_path: Path) -> None:
    alert = '{ rule = "memory", source = "cache-1", severity = "warning", summary = "memory 85 %", muted = false }'
    expect = f"""
        {{ at = "9s", alerts = [{{ rule = "memory", source = "cache-1", state = "pending" }}], notifications = 0 }},
        {{ at = "10s", alerts = [{alert}] }}, {{ at = "30s", notifications = 1 }},"""
    assert outcome(tmp_path, case(expect=expect)).mismatches == ()


def test_a_failure_says_when_what_was_expected_what_there_was_and_why(tmp_path: Path) -> None:
    expect = (
        '{ at = "30s", alerts = [{ rule = "memory", source = "cache-1", severity = "critical" }], notifications = 3 }'
    )
    lines = said(tmp_path, case(expect=expect))
    assert lines[:3] == [
        "  at 30s",
        "    - expected  memory on cache-1 firing, critical",
        '    + got       memory on cache-1 firing, warning, loud: "memory 85 %"',
    ]
    assert any("above 80 %" in line for line in lines)
    assert "      redis.memory.utilization was 85 % then" in lines
    assert lines[-2:] == ["    - expected  3 notifications so far", "    + got       1 notification so far"]


def test_what_does_not_fire_says_what_it_looked_at(tmp_path: Path) -> None:
    lines = said(tmp_path, case("0.5x20", '{ at = "30s", alerts = [{ rule = "memory", source = "cache-1" }] }'))
    assert lines[2:] == ["    + got       nothing of it", "      redis.memory.utilization was – then"]


def test_what_fires_besides_is_told_unless_others_may(tmp_path: Path) -> None:
    assert "    - expected  no other alert" in said(tmp_path, case())
    assert said(tmp_path, case(expect='{ at = "1m", alerts = [], includes = true }')) == []
    assert said(tmp_path, case(expect='{ at = "5s", alerts = [] }')) == [], "it is only pending"


def test_a_time_between_two_values_is_looked_at_then(tmp_path: Path) -> None:
    expect = """{ at = "1m15s", alerts = [{ rule = "source-failing", source = "cache-1", severity = "warning" }] },
        { at = "1m35s", alerts = [{ rule = "source-failing", source = "cache-1", severity = "critical" }] },"""
    text = case("0.5x5 failing", expect, 'interval = "10s"\n')
    assert outcome(tmp_path, text).mismatches == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tests = 1", "tests must be tables"),
        (RULE, "has no [[tests]]"),
        ("[[tests]", "cases.toml: line 1"),
        (case(before="rule = 1"), 'unknown key "rule"; did you mean "rules"?'),
        (case(before='interval = "0s"'), "interval must lie between"),
        (case(before="rules = 1"), 'rules must be "default", the path of a file'),
        (case(before='rules = "none.toml"'), "none.toml: there is no such file"),
        (case(before=RULE.replace("memory.util", "memory.utli")), 'did you mean "redis.memory.utilization"?'),
        (case().replace('name = "first"', ""), '[[tests]] number 1 missing key "name"'),
        (case().replace("input", "inputs"), '[[tests]] "first" unknown key "inputs"; did you mean "input"?'),
        (case().replace('metric = "redis.m', 'metric = "redis.w'), 'did you mean "redis.memory.utilization"?'),
        (case("0.5y3"), '[[tests]] "first" input 1: values have "0.5y3" in them'),
        (case(expect='{ at = "30", alerts = [] }'), 'expect 1: at is wrong: "30" is not a duration'),
        (case(expect='{ at = "30s" }'), "expects nothing; give alerts, notifications or both"),
        (case(expect='{ at = "30s", alert = [] }'), 'unknown key "alert"; did you mean "alerts"?'),
        (case(expect='{ at = "300d", alerts = [] }'), "takes more than 200000 steps of 1s"),
        (case(expect='{ at = "1s", alerts = [{ rule = "memori", source = "cache-1" }] }'), 'did you mean "memory"?'),
        (case(expect='{ at = "1s", alerts = [{ rule = "memory", source = "cash-1" }] }'), 'did you mean "cache-1"?'),
        (
            case(expect='{ at = "1s", alerts = [{ rule = "memory", source = "cache-1", state = "on" }] }'),
            'state must be "pending" or "firing"',
        ),
        (case(more=case(before="")), '[[tests]] "first" stands here twice'),
        (
            case().replace("input = [", 'input = [{ source = "cache-1", metric = "source.failing", values = "1" }, '),
            'write "failing" or "stale" among the values of another',
        ),
        (
            case().replace(
                "input = [", 'input = [{ source = "cache-1", metric = "redis.memory.utilization", values = "1" }, '
            ),
            "is the same series of redis.memory.utilization a second time",
        ),
    ],
)
def test_a_mistake_is_a_line_that_names_its_place(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_cases(write(tmp_path, text))
    assert says in str(caught.value)
    assert all(": " in line for line in str(caught.value).splitlines())


def test_one_mistake_does_not_hide_the_next(tmp_path: Path) -> None:
    text = case("x", '{ at = "y", alerts = [] }')
    with pytest.raises(ConfigError) as caught:
        load_cases(write(tmp_path, text))
    assert len(str(caught.value).splitlines()) == 2


def test_rules_of_a_file_beside_it_stand_alone_or_over_the_defaults(tmp_path: Path) -> None:
    write(tmp_path, '[[rules]]\nname = "redis-memory"\nabove = { warning = "60%" }\n', "perftui.toml")
    write(tmp_path, RULE, "own.toml")
    over = load_cases(write(tmp_path, case(before='rules = ["default", "perftui.toml"]')))
    assert {rule.name: rule for rule in over.book.rules}["redis-memory"].levels.warning == 0.6
    assert {"cpu", "source-failing"} < {rule.name for rule in over.book.rules}
    alone = load_cases(write(tmp_path, case(before='rules = "own.toml"')))
    assert [rule.name for rule in alone.book.rules] == ["memory"]
    with pytest.raises(ConfigError, match=r'perftui.toml: \[\[rules\]\] "redis-memory" missing key "metric"'):
        load_cases(write(tmp_path, case(before='rules = "perftui.toml"')))


def test_metrics_that_an_endpoint_declares_can_be_tested(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
[sources.shop]
kind = "http"
url = "http://127.0.0.1:8080/metrics.json"
[sources.shop.metrics."shop.carts"]
path = "carts"
unit = "{cart}"
[[rules]]
name = "carts"
metric = "shop.carts"
above = { warning = 100 }
""",
        "perftui.toml",
    )
    text = """
rules = ["default", "perftui.toml"]
[[tests]]
name = "carts"
input = [{ source = "shop", metric = "shop.carts", values = "200x20" }]
expect = [{ at = "5s", alerts = [{ rule = "carts", source = "shop", severity = "warning" }] }]
"""
    assert outcome(tmp_path, text).mismatches == ()
