import json
import re
from pathlib import Path

import pytest

from perftui.cli import config as command
from perftui.config.discovery import Candidate
from perftui.config.kinds import RedisOptions
from perftui.config.load import load
from tests.unit.config.servers import saying


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(command, "usual_candidates", lambda note: ())
    return tmp_path / "perftui" / "perftui.toml"


def test_path(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["path"]) == 0
    assert capsys.readouterr().out == f"{path}\n"


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["title"] == "Perftui"
    assert {"rules", "inhibitions", "notify", "bell"} <= set(schema["properties"])


def test_init_writes_a_private_file_once(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["init"]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert "nothing found" in capsys.readouterr().out
    path.write_text("theme = 'light'\n")
    assert command.run(["init"]) == 1
    assert capsys.readouterr().err == f"perftui config: {path} exists; --force replaces it\n"
    assert path.read_text() == "theme = 'light'\n"
    assert command.run(["init", "--force"]) == 0
    assert "# theme" in path.read_text()
    assert [file.name for file in path.parent.iterdir()] == ["perftui.toml"]


async def test_init_writes_what_it_finds(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    async with saying(b"+PONG\r\n") as address:
        candidate = Candidate(
            kind="redis", places=(address,), options=lambda place: RedisOptions(url=f"redis://{place}/0")
        )
        monkeypatch.setattr(command, "usual_candidates", lambda note: (candidate,))
        assert await asyncio.to_thread(command.run, ["init"]) == 0
    assert load(path).sources[-1].address == address
    assert load(path).sources[-1].name in capsys.readouterr().out


def test_init_through_a_link_keeps_the_link(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "dotfiles.toml")
    assert command.run(["init"]) == 0
    assert path.is_symlink()
    assert (tmp_path / "dotfiles.toml").stat().st_mode & 0o777 == 0o600


def test_init_where_nothing_can_be_written_is_one_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["init", "/proc/perftui/perftui.toml"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("perftui config: /proc/perftui/perftui.toml cannot be written: ")
    assert error.count("\n") == 1


def test_check_prints_every_mistake(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.parent.mkdir()
    path.write_text("them = 1\n[sources.a]\nkind = 'redi'\n")
    assert command.run(["check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        'perftui.toml: unknown key "them"; did you mean "theme"?',
        'perftui.toml: [sources.a] unknown kind "redi"; did you mean "redis"?',
    ]


def test_check_knows_the_words_of_the_console(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    path.parent.mkdir()
    path.write_text('theme = "no-such"\nthem = 1\n[keys]\nnonsense = "x"\n')
    assert command.run(["check"]) == 1
    unknown, keys, theme = capsys.readouterr().err.splitlines()
    assert unknown.startswith('perftui.toml: unknown key "them"')
    assert keys.startswith('perftui.toml: [keys]: nothing is called "nonsense"')
    assert theme.startswith('perftui.toml: theme: there is no theme "no-such"; there are ')
    path.write_text('[keys]\npause = "ctrl+c"\n')
    assert command.run(["check"]) == 1
    assert capsys.readouterr().err == "perftui.toml: [keys] pause: ctrl+c cannot be used: it always quits\n"
    path.write_text('theme = "light"\n[keys]\npause = "x"\n')
    assert command.run(["check"]) == 0


def test_check_reports_rules_inhibitions_and_routes(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.parent.mkdir()
    path.write_text(
        "[[rules]]\nname = 'cpo'\n[[inhibitions]]\nname = 'a'\nwhen = { rule = '~(' }\n[notify.a]\nexec = []\n"
    )
    assert command.run(["check"]) == 1
    route, rule, inhibition = capsys.readouterr().err.splitlines()
    assert route == "perftui.toml: [notify.a] give exactly one of url, exec and alertmanager"
    assert rule.startswith('perftui.toml: [[rules]] "cpo" ')
    assert inhibition.startswith('perftui.toml: [[inhibitions]] "a" when: "~(" is no regular expression')


def test_the_examples_that_init_writes_are_right(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.run(["init"])
    text = re.sub(r"^# (\[+[\w.\"-]+\]+$|\w+ = )", r"\1", path.read_text(), flags=re.MULTILINE)
    path.write_text(text)
    assert command.run(["check"]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out.endswith("rules, routes: slack, email, pagerduty\n")


def test_check_of_a_right_file_and_of_none(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(["check"]) == 0
    assert "does not exist" in capsys.readouterr().out
    command.run(["init"])
    assert command.run(["check"]) == 0
    assert re.search(r"right, 2 sources with this host and the agent, \d+ rules\n$", capsys.readouterr().out)
    assert command.run(["check", str(path.parent / "none.toml")]) == 1


def test_a_command_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        command.run([])
    assert raised.value.code == 2
    assert "perftui config" in capsys.readouterr().err
