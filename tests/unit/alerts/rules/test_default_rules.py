"""The rules that come with perftui: written cases, and what holds for all of them."""

import time
from pathlib import Path

import pytest

from perftui.actions.table import IDS
from perftui.alerts.rules.file import default_inhibitions, default_rules
from perftui.alerts.rules.rule import Rule
from perftui.cli import rules as command

CASES = sorted(Path(__file__).parents[1].joinpath("cases").glob("*.toml"))


def test_the_written_cases_pass_and_take_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    started = time.process_time()  # other work on this machine does not count
    status = command.run(["test", *map(str, CASES)])
    spent = time.process_time() - started
    said = capsys.readouterr().out
    assert status == 0, said
    cases = int(said.split()[0])
    assert cases >= 60
    assert spent / cases * 60 < 2 * max(1.0, slowness())


def slowness() -> float:
    """Return how much slower this machine is now than one on which the cases took 1.4 s."""
    started = time.process_time()
    sum(number * number for number in range(2_000_000))
    return (time.process_time() - started) / 0.12


def test_every_rule_is_in_a_case() -> None:
    cases = "\n".join(path.read_text() for path in CASES)
    assert [rule.name for rule in default_rules() if f'rule = "{rule.name}"' not in cases] == []


def test_every_inhibition_is_about_rules_that_there_are() -> None:
    names = {rule.name for rule in default_rules()}
    for inhibition in default_inhibitions():
        rule = inhibition.when["rule"]
        assert rule in names or rule.startswith("~") or "*" in rule, inhibition.name
        assert inhibition.reason


@pytest.mark.parametrize("rule", default_rules(), ids=lambda rule: rule.name)
def test_every_rule_says_in_words_what_happens_and_offers_only_actions_that_there_are(rule: Rule) -> None:
    assert len(rule.summary.split()) >= 3
    assert set(rule.remedies) <= set(IDS)


def test_nobody_waits_for_a_source_to_be_well_for_long() -> None:
    (failing,) = (rule for rule in default_rules() if rule.name == "source-failing")
    assert failing.clear_for == 0.0
