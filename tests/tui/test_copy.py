"""Y: the selected row as Markdown, in the clipboard and in a file."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from perftui.tui import copying
from tests.support import states
from tests.tui.console import MANY_COLOURS, Console, console


def listen(screen: Console, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return where everything is put that is sent to the terminal beside the picture."""
    sent: list[str] = []
    monkeypatch.setattr(screen.app, "to_terminal", sent.append)
    return sent


def clipboard(sent: list[str]) -> str:
    found = re.fullmatch(r"\x1b]52;c;(.*)\a", "".join(sent))
    assert found is not None
    return base64.b64decode(found[1]).decode()


async def told(screen: Console) -> str:
    """Wait for the file and return the key bar."""
    for _ in range(100):
        await screen.settle(0.02)
        if screen.app.view.message:
            break
    return screen.lines[-1]


def files(home: Path) -> list[Path]:
    return sorted((home / ".state" / "perftui").glob("*"))


async def test_an_alert_is_copied_and_kept(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(states.incident()) as screen:
        sent = listen(screen, monkeypatch)
        await screen.press("8", "j", "Y")
        line = await told(screen)
        (path,) = files(own_folders)
        assert "copied (also in ~/.state/perftui/copied-20231114-" in line and path.name in line
        assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
        text = path.read_text()
        assert text == clipboard(sent) and "`webhook: no worker, 12.4k waiting, growing 84/s`" in text


async def test_a_second_copy_leaves_the_first(own_folders: Path) -> None:
    async with console(states.incident()) as screen:
        await screen.press("8", "j")
        for _ in range(2):
            await screen.pilot.press("Y")
            await told(screen)
        names = {path.name for path in files(own_folders)}
        first = min(names, key=len).removesuffix(".md")
        assert names == {f"{first}.md", f"{first}-2.md"}


async def test_rows_that_are_no_alert_and_folded_ones_are_copied_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(states.crowded()) as screen:
        sent = listen(screen, monkeypatch)
        await screen.press("3", "j", "Y")
        assert "- `queue.depth`: 12.4k" in clipboard(sent)
        sent.clear()
        await screen.press("1", "8", "j", "Y")
        assert "16 × `queue-without-workers`" in clipboard(sent)


async def test_what_is_copied_of_a_paused_picture_is_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    state = states.incident()
    async with console(state) as screen:
        sent = listen(screen, monkeypatch)
        await screen.press("8", "j", "p")
        state.wall += 600
        await screen.press("Y")
        assert "for 2m10s" in clipboard(sent) and "as of 2026-11-21 02:14:52 UTC" in clipboard(sent)


async def test_without_a_row_nothing_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(states.incident()) as screen:
        sent = listen(screen, monkeypatch)
        await screen.press("8", "Y")
        assert "select a row first" in screen.lines[-1] and sent == []


async def test_a_folder_that_cannot_be_written_leaves_the_clipboard(
    own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_folders / ".state").write_text("in the way")
    async with console(states.incident()) as screen:
        sent = listen(screen, monkeypatch)
        await screen.press("8", "j", "Y")
        line = await told(screen)
        assert "copied; not written, ~/.state/perftui: not a directory" in line
        assert "webhook" in clipboard(sent)


async def test_a_full_disk_leaves_no_half_file(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("perftui.config.replace.os.fsync", full)
    async with console(states.incident()) as screen:
        await screen.press("8", "j", "Y")
        assert "copied; not written, ~/.state/perftui: no space left on device" in await told(screen)
        assert files(own_folders) == []


async def test_a_disk_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "DEADLINE", 0.0)
    async with console(states.incident()) as screen:
        await screen.press("8", "j", "Y")
        assert "copied; not written, the state folder has not answered" in await told(screen)


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"TERM": "linux"}, "this terminal has no clipboard"),
        ({**MANY_COLOURS, "TMUX": "/tmp/tmux-0/default,1,0"}, "; tmux passes it on with set-clipboard on"),
    ],
)
async def test_what_a_terminal_does_with_it_is_told(environ: Mapping[str, str], words: str) -> None:
    async with console(states.incident(), environ=environ) as screen:
        await screen.press("8", "j", "Y")
        assert words in await told(screen)
