import re
from pathlib import Path

from perftui.config.kinds import MySQLOptions, RedisOptions
from perftui.config.load import load
from perftui.config.render import render
from perftui.config.secret import Secret
from perftui.config.settings import SourceSettings


def found(folder: Path) -> list[SourceSettings]:
    (folder / "my.cnf").write_text("[client]\nuser = monitor\npassword = hunter2\nsocket = /other.sock\n")
    account = MySQLOptions(user="monitor", password=Secret.literal("hunter2"), defaults_file=f"{folder}/my.cnf")
    return [
        SourceSettings(name="redis-6379", kind="redis", options=RedisOptions(), address="127.0.0.1:6379"),
        SourceSettings(name="mysql-3306", kind="mysql", options=account, address="127.0.0.1:3306"),
    ]


def test_what_is_written_loads_as_what_was_found(tmp_path: Path) -> None:
    path = tmp_path / "perftui.toml"
    path.write_text(render(found(tmp_path)))
    _, _, *loaded = load(path).sources
    assert loaded == found(tmp_path)


def test_no_secret_is_written(tmp_path: Path) -> None:
    assert "hunter2" not in render(found(tmp_path))


def test_every_commented_key_is_right_too(tmp_path: Path) -> None:
    text = render(found(tmp_path))
    path = tmp_path / "perftui.toml"
    path.write_text(re.sub(r"^# (\[[\w.\"-]+\]$|\[\[[\w.]+\]\]$|\w+ = )", r"\1", text, flags=re.MULTILINE))
    path.chmod(0o600)
    settings = load(path)
    assert [source.name for source in settings.sources] == ["system", "agent", "redis-6379", "mysql-3306", "shop"]
    assert list(settings.notify) == ["slack", "email", "pagerduty"]
    assert (len(settings.rules), len(settings.inhibitions)) == (2, 1)
    assert (list(settings.runbooks), settings.actions.freeze[0].until) == (["drain", "admit"], "mon 06:00")
    assert all((settings.warm, settings.files, settings.scale, settings.cdn))
    assert text.count("\n# ") > 25
