""":handover writes what the next shift has to know, and copies it."""

from pathlib import Path

import pytest

from perftui.config.settings import Settings
from tests.support import states
from tests.tui.console import console
from tests.tui.test_copy import clipboard, files, listen, told


async def test_the_hand_over_is_written_and_copied(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with console(states.crowded()) as screen:
        sent = listen(screen, monkeypatch)
        await screen.press("colon", *"handover", "enter")
        assert "copied (also in ~/.state/perftui/handover-20231114-" in await told(screen)
        (path,) = files(own_folders)
        assert path.name.startswith("handover-") and path.stat().st_mode & 0o777 == 0o600
        assert path.read_text() == clipboard(sent) and "## Firing: 25" in clipboard(sent)


async def test_read_only_may_hand_over(own_folders: Path) -> None:
    async with console(states.healthy(), read_only=True) as screen:
        await screen.press("colon", *"handover", "enter")
        assert "copied (also in " in await told(screen)
        assert len(files(own_folders)) == 1


async def test_a_key_may_be_given_to_it(own_folders: Path) -> None:
    async with console(states.healthy(), settings=Settings(keys={"handover": "H"})) as screen:
        await screen.press("H")
        assert "copied (also in " in await told(screen)
