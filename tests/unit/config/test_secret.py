import os
import pickle
import threading
from pathlib import Path

import pytest

from perftui.config import secret
from perftui.config.secret import Secret
from perftui.core.errors import ConfigError, DeadlineExceeded
from tests.support.servers import wait_until


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
    for hidden in (Secret("hunter2"), Secret.literal("env:hunter2")):
        assert "hunter2" not in f"{hidden!r} {hidden} {[hidden]}"
        assert hidden.is_literal


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


async def test_a_file_that_hangs_is_given_up_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret, "DEADLINES", {"file": 0.05})
    fifo, before = tmp_path / "fifo", threading.active_count()
    os.mkfifo(fifo)
    for _ in range(5):
        with pytest.raises(DeadlineExceeded, match=f"^secret file:{fifo} has not answered for "):
            await Secret(f"file:{fifo}").ask()
    assert threading.active_count() == before + 1
    fifo.write_text("late\n")
    wait_until(lambda: threading.active_count() == before)
    (tmp_path / "password").write_text("from-file\n")
    assert await Secret(f"file:{tmp_path}/password").ask() == "from-file"


async def test_what_cannot_hang_is_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_PASSWORD", "s3cret")
    before = threading.active_count()
    assert await Secret("env:CACHE_PASSWORD").ask() == "s3cret"
    assert await Secret.literal("file:x").ask() == "file:x"
    assert threading.active_count() == before


async def test_a_command_that_hangs_does_not_name_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret, "COMMAND_TIMEOUT", 0.3)
    monkeypatch.setattr(secret, "DEADLINES", {"command": 0.05})
    with pytest.raises(DeadlineExceeded, match=r"^secret command has not answered for "):
        await Secret("command:sleep 30; echo hunter2").ask()


def test_a_command_is_ended_with_everything_that_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret, "COMMAND_TIMEOUT", 0.3)
    child = tmp_path / "child"
    with pytest.raises(ConfigError, match=r"^secret command: no answer within"):
        # The shell ends at once; what it leaves behind holds the pipe.
        Secret(f"command:sleep 60 & echo $! > {child}").reveal()
    wait_until(lambda: not _runs(int(child.read_text())))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_what_a_command_says_must_be_text() -> None:
    with pytest.raises(ConfigError, match="is not text"):
        Secret(r"command:printf '\377'").reveal()
