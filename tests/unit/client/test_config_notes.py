from pathlib import Path

from perftui.client.config_notes import config_notes
from perftui.config.load import digest_of
from perftui.core.wire import PROTOCOL, Welcome


def welcome(path: Path, content: bytes) -> Welcome:
    return Welcome(
        protocol=PROTOCOL,
        version="0",
        host="h",
        pid=1,
        private=True,
        role="admin",
        monotonic=0.0,
        wall=0.0,
        config_path=str(path),
        config_digest=digest_of(content),
    )


def test_the_same_configuration_is_not_worth_a_word(tmp_path: Path) -> None:
    path = tmp_path / "perftui.toml"
    assert config_notes(str(path), welcome(path, b"")) == ()
    path.write_bytes(b"discover = false")
    assert config_notes(str(path), welcome(path, b"discover = false")) == ()


def test_another_file_is_named(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine.toml", tmp_path / "theirs.toml"
    assert config_notes(str(mine), welcome(theirs, b"")) == (f"this agent runs on {theirs}, not on {mine}",)
    assert config_notes(None, welcome(theirs, b"")) == (f"this agent runs on {theirs}, as whoever started it chose",)


def test_a_file_that_changed_since_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "perftui.toml"
    path.write_bytes(b"discover = false")
    (line,) = config_notes(str(path), welcome(path, b""))
    assert line == f"{path} has changed since the agent read it; :reload takes it"
