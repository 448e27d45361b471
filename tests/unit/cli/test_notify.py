"""`perftui notify`: the routes without their secrets, and a test notification."""

import json
from pathlib import Path

import pytest

from perftui.cli.main import run

CONFIG = """
[notify.slack]
url = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
[notify.script]
exec = ["/bin/sh", "-c", "cat > OUT"]
severities = ["critical"]
matchers = { source = "prod-*" }
[notify.broken]
exec = ["/bin/sh", "-c", "echo no room >&2; exit 4"]
[notify.am]
alertmanager = "http://127.0.0.1:9093"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "perftui.toml"
    path.write_text(CONFIG.replace("OUT", str(tmp_path / "out")))
    path.chmod(0o600)
    return path


def test_the_routes_are_listed_without_secrets(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["notify", "--config", str(config)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown] == ["slack", "script", "broken", "am"]
    assert "critical; only source=prod-*" in shown[1]
    assert "TIiajkdnlazkcOXrIdevi7FQ" not in "".join(shown)
    assert "cat >" not in "".join(shown)


def test_without_routes_it_says_how_to_write_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["notify"]) == 0
    assert "[notify.NAME]" in capsys.readouterr().out


def test_a_test_is_marked_as_one(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["notify", "test", "script", "--config", str(config)]) == 0
    assert capsys.readouterr().out.startswith("sent to script in 0.")
    got = json.loads((tmp_path / "out").read_text())
    assert got["title"].startswith("TEST from perftui on ")
    assert got["severity"] == "info"
    assert got["dedup_key"].startswith("perftui-test-")


def test_what_fails_is_one_line(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["notify", "test", "broken", "--config", str(config)]) == 1
    assert capsys.readouterr().err == "perftui: broken: not sent: exit status 4: no room\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [("scrpt", 'did you mean "script"?'), ("zzz", "there are slack, script, broken, am"), ("am", "is an Alertmanager")],
)
def test_a_wrong_route_is_wrong_usage(config: Path, name: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["notify", "test", name, "--config", str(config)]) == 2
    assert said in capsys.readouterr().err
