"""`perftui audit`: one line an action, the records as they are, and a chain that shows who meddled."""

import json

import pytest

from perftui.actions.audit.log import AuditLog
from perftui.cli import main
from perftui.config.paths import state_dir


def record(plan: str, event: str, **more: object) -> None:
    fixed = {"plan": plan, "event": event, "action": "cleanup.expired", "target": "cache-1"}
    AuditLog(state_dir()).append(fixed | {"at": "2026-11-21T02:15:04.000+00:00"} | more)


def write_two() -> None:
    record("a", "intent", who={"login": "ada", "uid": 0})
    record("a", "outcome", outcome="succeeded", message="5 expired keys freed \x1b[2J")
    record("a", "proof", proof="recovered")
    record("b", "intent", who={"login": "bob", "uid": 7})


def test_show_has_a_line_for_each_action(capsys: pytest.CaptureFixture[str]) -> None:
    write_two()
    assert main.run(["audit", "show"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("2026-11-21 02:15:04  a ")
    for word in ("ada", "cleanup.expired", "cache-1", "succeeded", "recovered", "5 expired keys freed ␛[2J"):
        assert word in first
    assert "bob" in second
    assert "open" in second


def test_show_says_what_a_run_was_part_of(capsys: pytest.CaptureFixture[str]) -> None:
    record("a", "intent", action="cleanup.memory", target="system")
    record("b", "intent", part_of="a")
    record("c", "intent", part_of="gone")
    assert main.run(["audit", "show"]) == 0
    whole, part, orphan = capsys.readouterr().out.splitlines()
    assert "part of" not in whole
    assert "part of cleanup.memory" in part
    assert "part of gone" in orphan


def test_show_prints_the_last_and_json_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    write_two()
    assert main.run(["audit", "show", "-n", "1"]) == 0
    assert "bob" in capsys.readouterr().out
    assert main.run(["audit", "show", "--json", "-n", "2"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["event"] for each in records] == ["proof", "intent"]
    assert records[1]["previous"] == records[0]["hash"]


def test_verify_names_the_first_broken_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["audit", "verify"]) == 0
    write_two()
    assert main.run(["audit", "verify"]) == 0
    assert "4 records, the chain is whole" in capsys.readouterr().out
    log = state_dir() / "audit.jsonl"
    log.write_text(log.read_text().replace('"succeeded"', '"cancelled"'))
    assert main.run(["audit", "verify"]) == 1
    assert "audit.jsonl, line 2: its content was changed" in capsys.readouterr().err


def test_wrong_usage_is_2() -> None:
    with pytest.raises(SystemExit) as caught:
        main.run(["audit", "show", "-n", "0"])
    assert caught.value.code == 2
