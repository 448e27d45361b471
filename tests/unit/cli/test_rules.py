"""`perftui rules`: what each command prints, and its exit status."""

import os
from pathlib import Path

import pytest

from perftui.cli import main, rules

SEVERITIES = '"info" or "warning" or "critical"'
CASES = """
[[tests]]
name = "a busy CPU"
input = [{ source = "web-1", metric = "system.cpu.utilization", values = "0.75x60" }]
expect = [{ at = "40s", alerts = [{ rule = "cpu", source = "web-1", severity = "SEVERITY" }] }]
"""


def write(folder: Path, severity: str, name: str = "cases.toml") -> str:
    path = folder / name
    path.write_text(CASES.replace("SEVERITY", severity))
    return str(path)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "perftui" / "perftui.toml"
    path.parent.mkdir()
    return path


def test_cases_that_pass_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rules.run(["test", write(tmp_path, "warning"), write(tmp_path, "warning", "b.toml")]) == 0
    assert capsys.readouterr().out.startswith("2 cases passed in 0.")


def test_a_case_that_fails_is_named_with_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, "critical")
    assert rules.run(["test", write(tmp_path, "warning", "b.toml"), path]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"FAILED {path}: a busy CPU"
    assert out[2] == "    - expected  cpu on web-1 firing, critical"
    assert out[-1].startswith("1 of 2 cases failed in ")


def test_a_file_that_cannot_be_understood_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = write(tmp_path, "dire", "wrong.toml")
    assert rules.run(["test", wrong, str(tmp_path / "none.toml"), write(tmp_path, "warning")]) == 2
    said = capsys.readouterr()
    assert said.out.startswith("1 case passed, 2 files not understood in ")
    assert said.err.splitlines() == [
        f'perftui: {wrong}: [[tests]] "a busy CPU" expect 1.alerts: severity must be {SEVERITIES}',
        f"perftui: {tmp_path}/none.toml: cannot be read: No such file or directory",
    ]


def test_without_a_file_it_is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as raised:
        rules.run(["test"])
    assert raised.value.code == 2


def test_the_example_of_the_help_is_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        rules.run(["test", "--help"])
    shown = capsys.readouterr().out
    example = shown.partition("a file of cases:\n")[2].partition("\nvalues, one")[0]
    path = tmp_path / "example.toml"
    path.write_text(example)
    assert rules.run(["test", str(path)]) == 0


def test_check_counts_what_is_right(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rules.run(["check"]) == 0
    assert capsys.readouterr().out.endswith(" inhibitions: right\n")


def test_check_prints_every_mistake(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text('[[rules]]\nname = "cpu"\nabov = 1\n[[rules]]\nname = "x"\nmetric = "system.cpu"\n')
    assert rules.run(["check"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == 'perftui: perftui.toml: [[rules]] "cpu" unknown key "abov"; did you mean "above"?'
    assert any('there is no metric "system.cpu"' in line for line in lines)
    assert rules.run(["check", str(config.with_name("none.toml"))]) == 1
    assert "there is no such file" in capsys.readouterr().err


def test_list_says_what_each_rule_looks_at_and_where_it_comes_from(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(
        '[[rules]]\nname = "cpu"\nenabled = false\n[[rules]]\nname = "memory"\nabove = { warning = "70%" }\n'
    )
    assert rules.run(["list"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "off: above 70% (warning), 90% (critical) for 30s: system.cpu.utilization  (perftui.toml)" in lines["cpu"]
    assert "above 70% (warning), 90% (critical) for 10s" in lines["memory"]
    assert lines["disk-full-soon"].endswith("(default_rules.toml)")


def test_it_is_a_command_of_perftui(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["rules", "check"]) == 0
    assert os.linesep in capsys.readouterr().out
