"""ctrl+r: the console reads its part of the file again; and who decides that it is read-only."""

import msgspec

from perftui.config.load import Loaded
from perftui.config.settings import Settings
from perftui.core.errors import RequestFailed
from tests.support import states
from tests.tui.console import Console, console


async def _reload(screen: Console, settings: Settings, *problems: str) -> None:
    screen.app.reread = lambda: Loaded(settings=settings, problems=problems)
    await screen.press("ctrl+r")
    await screen.settle(0.2)


async def test_theme_and_keys_are_taken_from_the_file_again() -> None:
    async with console(states.healthy(), settings=Settings(theme="no-such")) as screen:
        assert 'there is no theme "no-such"' in screen.text
        await _reload(screen, Settings(theme="light", keys={"maximise": "x"}))
        assert ("reload",) in screen.client.asked
        assert screen.app.palette.theme.name == "light" and "no-such" not in screen.text
        await screen.press("x")
        assert screen.app.view.maximised


async def test_what_is_wrong_in_the_file_is_told_and_the_old_stays() -> None:
    async with console(states.healthy(), settings=Settings(theme="light", keys={"maximise": "x"})) as screen:
        await _reload(screen, Settings(keys={"maximise": "ctrl+c"}))
        assert "ctrl+c cannot be used" in screen.lines[-1]
        await _reload(screen, Settings(theme="nothing"))
        assert 'there is no theme "nothing"' in screen.lines[-1]
        await _reload(screen, Settings(), "perftui.toml: line 3: unknown key")
        assert "line 3: unknown key" in screen.lines[-1]
        assert screen.app.palette.theme.name == "light" and screen.app.keymap.find("x") == "maximise"


async def test_of_a_refused_file_the_first_line_is_told_and_that_the_old_one_goes_on() -> None:
    async with console(states.healthy(), (80, 24)) as screen:
        screen.client.failure = RequestFailed(f"perftui.toml: line 3: unknown key {'x' * 80}␊line 9: another")
        await screen.press("ctrl+r")
        await screen.settle(0.2)
        bar = screen.lines[-1]
        assert "line 3" in bar and "␊" not in bar and "another" not in bar
        assert bar.rstrip().endswith("…; the old configuration goes on")


async def test_read_only_follows_the_agent_not_the_file_at_the_start() -> None:
    state = states.incident()
    assert state.agent is not None
    async with console(state, settings=Settings(read_only=True)) as screen:
        assert "read-only" not in screen.lines[0]
        state.agent = msgspec.structs.replace(state.agent, read_only=True)
        screen.app._changed()
        assert "read-only" in screen.lines[0]
        await screen.press("4", "j", "c")
        assert not screen.app.dialogs and "read-only: nothing can be changed from here" in screen.lines[-1]
        state.agent = msgspec.structs.replace(state.agent, read_only=False)
        await screen.press("c")
        assert screen.app.dialogs
