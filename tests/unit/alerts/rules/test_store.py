"""A rule changed on the disk: all of it or nothing."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from perftui.alerts.rules import store
from perftui.alerts.rules.store import change_rule
from perftui.core.errors import ConfigError

FILE = '# ours\n[[rules]]\nname = "cpu"\nabove = { warning = "75%" }\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "perftui.toml"
    path.write_text(FILE)
    path.chmod(0o640)
    return path


async def refusal(path: Path, name: str = "cpu", **changes: str) -> str:
    """Return why a change is refused; the file is as it was then, and nothing lies beside it."""
    before = path.read_bytes()
    with pytest.raises(ConfigError) as caught:
        await change_rule(path, name, changes)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_it_writes_what_it_returns_and_keeps_the_mode(path: Path) -> None:
    text = await change_rule(path, "cpu", {"warning": "80%"})
    assert path.read_text() == text == FILE.replace("75%", "80%")
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.iterdir()) == [path]


async def test_where_there_is_no_file_a_private_one_is_made(tmp_path: Path) -> None:
    path = tmp_path / "none" / "perftui" / "perftui.toml"
    await change_rule(path, "cpu", {"enabled": "false"})
    assert path.read_text() == '[[rules]]\nname = "cpu"\nenabled = false\n'
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    await change_rule(link, "cpu", {"warning": "80%"})
    assert link.is_symlink()
    assert "80%" in path.read_text()


async def test_what_makes_no_sense_is_not_written(path: Path) -> None:
    assert (
        await refusal(path, warning="95%")
        == 'perftui.toml: [[rules]] "cpu" critical (0.9) must lie above warning (0.95)'
    )
    assert "share of a whole" in await refusal(path, critical="95")
    assert "for must lie between 0s and 1d" in await refusal(path, **{"for": "2d"})
    assert 'unknown rule "cpo"; did you mean "cpu"?' in await refusal(path, "cpo", warning="1")


async def test_a_mistake_elsewhere_is_to_be_mended_first(path: Path) -> None:
    path.write_text("them = 1\n" + FILE)
    assert (
        await refusal(path, warning="80%") == 'mend this first: perftui.toml: unknown key "them"; did you mean "theme"?'
    )


async def test_a_mistake_can_be_mended_by_the_change(path: Path) -> None:
    path.write_text(FILE.replace("75%", "lots"))
    assert "75%" in await change_rule(path, "cpu", {"warning": "75%"})


async def test_what_somebody_else_wrote_meanwhile_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = FILE + "# theirs\n"
    monkeypatch.setattr(store, "_check", lambda *_: path.write_text(theirs))
    with pytest.raises(ConfigError, match="changed by somebody else"):
        await change_rule(path, "cpu", {"warning": "80%"})
    assert path.read_text() == theirs


async def test_two_changes_at_once_are_both_there(path: Path) -> None:
    await asyncio.gather(*(change_rule(path, name, {"for": "1m"}) for name in ("cpu", "memory", "disk")))
    assert path.read_text().count('for = "1m"') == 3


async def test_a_full_disk_is_one_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert await refusal(path, warning="80%") == f"{path} cannot be written: No space left on device"


@pytest.mark.skipif(not Path("/proc").exists(), reason="needs a folder in which nobody can write")
async def test_a_folder_that_cannot_be_written_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"^/proc/perftui\.toml cannot be written: "):
        await change_rule(Path("/proc/perftui.toml"), "cpu", {"warning": "80%"})


async def test_a_disk_that_hangs_changes_nothing_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on, ended = threading.Event(), threading.Event()

    def hang(_: int) -> None:
        goes_on.wait(10)

    def watched(*arguments: object) -> None:
        try:
            check(*arguments)  # type: ignore[arg-type]
        finally:
            ended.set()

    check = store._check_same
    monkeypatch.setattr("os.fsync", hang)
    monkeypatch.setattr(store, "_check_same", watched)
    with pytest.raises(ConfigError, match=r"perftui\.toml has not answered for .*; nothing was changed"):
        await change_rule(path, "cpu", {"warning": "80%"}, deadline=0.05)
    goes_on.set()
    assert await asyncio.to_thread(ended.wait, 10)
    assert path.read_text() == FILE


async def test_the_owner_stays(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 12345, 12345)
    await change_rule(path, "cpu", {"warning": "80%"})
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12345)
