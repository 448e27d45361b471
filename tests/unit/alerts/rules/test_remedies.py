"""Remedies that no action is behind are told, and cost no alert."""

from pathlib import Path

import pytest

from perftui.alerts.rules.file import rule_book
from perftui.alerts.rules.remedies import remedy_problems
from perftui.config.load import read

ACTIONS = ("cleanup.expired", "cache.warm", "cleanup.jobs", "service.scale")
FILE = """
[warm.users]
target = "cache"
urls = ["http://h"]
[runbooks.drain]
title = "Drain"
command = ["true"]
[[rules]]
name = "hot"
metric = "system.cpu.utilization"
summary = "cpu {value}"
above = 0.5
"""


@pytest.mark.parametrize(
    ("remedies", "lines"),
    [
        (["cleanup.expired", "cache.warm", "cache.warm:users", "cleanup.jobs:mail", "runbook.drain"], []),
        (["cleanup.expird"], ['there is no action "cleanup.expird"; did you mean "cleanup.expired"?']),
        (["runbook.drian"], ['there is no action "runbook.drian"; did you mean "runbook.drain"?']),
        (["pods.heal"], ['there is no action "pods.heal"; `perftui actions` lists them']),
        (["cache.warm:user"], ['there is no [warm.user]; did you mean "users"?']),
        (["service.scale:x", "cache.warm:z"], ["there is no [scale.x]", "there is no [warm.z]"]),
    ],
)
def test_each_wrong_remedy_is_one_line_and_the_rule_stays(
    tmp_path: Path, remedies: list[str], lines: list[str]
) -> None:
    path = tmp_path / "perftui.toml"
    path.write_text(f"{FILE}remedies = {remedies}\n")
    loaded = read(path)
    assert loaded.problems == ()
    book = rule_book(loaded.settings)
    assert "hot" in {rule.name for rule in book.rules}
    found = [line for line in remedy_problems(book, loaded.settings, ACTIONS) if '"hot"' in line]
    assert found == [f'perftui.toml: [[rules]] "hot" remedies: {line}' for line in lines]
