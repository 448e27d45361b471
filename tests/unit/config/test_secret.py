import pickle
from pathlib import Path

import pytest

from perftui.config.secret import Secret
from perftui.core.errors import ConfigError


def test_a_reference_is_followed_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_PASSWORD", "s3cret")
    (tmp_path / "password").write_text("from-file\n")
    assert Secret("env:CACHE_PASSWORD").reveal() == "s3cret"
    assert Secret(f"file:{tmp_path}/password").reveal() == "from-file"
    assert Secret("command:printf from-program").reveal() == "from-program"


@pytest.mark.parametrize(
    "reference", ["env:PERFTUI_NOT_THERE", "file:/nowhere/at/all", "command:false", "file:~nobody-/x"]
)
def test_a_reference_that_leads_nowhere_is_one_line(reference: str) -> None:
    with pytest.raises(ConfigError, match=r"^secret \w+") as raised:
        Secret(reference).reveal()
    assert "\n" not in str(raised.value)


def test_it_never_shows_itself() -> None:
    for secret in (Secret("hunter2"), Secret.literal("env:hunter2")):
        assert "hunter2" not in f"{secret!r} {secret} {[secret]}"
        assert secret.is_literal


def test_a_literal_may_look_like_a_reference() -> None:
    assert Secret.literal("command:rm").reveal() == "command:rm"
    assert not Secret("command:rm").is_literal


def test_equal_when_they_say_the_same() -> None:
    assert Secret("env:A") == Secret("env:A") != Secret("env:B")
    assert Secret("env:A") != Secret.literal("env:A")
    assert pickle.loads(pickle.dumps(Secret("env:A"))) == Secret("env:A")


@pytest.mark.parametrize(("text", "nothing"), [("", True), ("env:", True), ("env:A", False), ("word", False)])
def test_knows_when_it_names_nothing(text: str, nothing: bool) -> None:
    assert Secret(text).names_nothing is nothing
