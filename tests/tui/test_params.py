"""Parameters: asked for where they are missing, edited from the preview, refused without losing what was typed."""

import re

from perftui.core.errors import Refused
from tests.support import remedies
from tests.tui.console import Console, console


async def _form(screen: Console) -> None:
    screen.client.offered, screen.client.planned = (remedies.ANY,), remedies.PLAN
    await screen.press("s", "enter")
    await screen.settle()
    assert "─ Parameters ─" in screen.text


async def test_what_must_be_given_is_asked_for_first() -> None:
    async with console(remedies.state()) as screen:
        await _form(screen)
        assert "which unit; must be given" in screen.text and not any(each[0] == "plan" for each in screen.client.asked)
        await screen.press(*"app", "tab", "tab", "space", "tab", "space")
        assert "even if it is busy" in screen.text
        await screen.press("enter")
        await screen.settle()
        plan = next(each for each in screen.client.asked if each[0] == "plan")
        assert plan == ("plan", "service.restart", "cache-1", "unit=app", "wait=30s", "mode=reload", "force=yes")
        assert "─ Preview ─" in screen.text and "─ Parameters ─" not in screen.text


async def test_a_hint_says_the_kind_and_the_bounds() -> None:
    async with console(remedies.state()) as screen:
        await _form(screen)
        await screen.press("tab")
        assert "a time such as 30s, 5m or 7d; at least 1 s; at most 10m" in screen.text
        assert "; default" in screen.text


async def test_what_the_agent_refuses_is_said_in_the_form_and_the_text_stays() -> None:
    async with console(remedies.state()) as screen:
        await _form(screen)
        screen.client.failure = Refused("parameters", "unit is nope", "give another")
        await screen.press(*"nope", "enter")
        await screen.settle()
        assert "refused by parameters: unit is nope; give another" in screen.text
        assert _unit(screen) == ["nope"]
        await screen.press("x", "enter")
        await screen.settle()
        assert any("unit=nopex" in each for each in screen.client.asked) and "─ Preview ─" in screen.text


def _unit(screen: Console) -> list[str]:
    """Return what stands behind `unit` where that has the keys."""
    return re.findall(r"▶ unit +(\S+)", screen.text)


async def test_escape_goes_back_to_the_picker() -> None:
    async with console(remedies.state()) as screen:
        await _form(screen)
        await screen.press("escape")
        assert "restart any unit" in screen.text
        await screen.press("escape")
        assert not screen.app.dialogs


async def test_e_on_the_preview_edits_and_previews_anew() -> None:
    async with console(remedies.state()) as screen:
        screen.client.offered, screen.client.planned = (remedies.START,), remedies.PLAN
        await screen.press("s", "enter")
        await screen.settle()
        await screen.press("e")
        assert re.search(r"unit +worker-webhook", screen.text) and re.search(r"▶ wait +30s", screen.text)
        await screen.press("escape")
        assert "─ Preview ─" in screen.text
        await screen.press("e", "ctrl+u", *"1m", "enter")
        await screen.settle()
        assert any("wait=1m" in each for each in screen.client.asked)
        assert [dialog.title for dialog in screen.app.dialogs] == ["Services", "Preview"]


async def test_no_key_confirms_right_after_the_form_was_left() -> None:
    async with console(remedies.state()) as screen:
        screen.client.offered, screen.client.planned = (remedies.START,), remedies.PLAN
        await screen.press("s", "enter")
        await screen.settle()
        await screen.press("e", "escape")
        screen.clock.advance(0.3)
        await screen.pilot.press("y")
        await screen.settle(0.25)
        assert "read it first" in screen.text and not any(each[0] == "apply" for each in screen.client.asked)


async def test_what_lacks_one_of_several_parameters_opens_the_form_with_the_reason() -> None:
    async with console(remedies.state()) as screen:
        screen.client.offered, screen.client.planned = (remedies.START,), remedies.PLAN
        await screen.press("s")
        screen.client.failure = Refused("parameters", "exactly one of key, pattern and tag says what goes", "give one")
        await screen.press("enter")
        await screen.settle()
        assert "─ Parameters ─" in screen.text and "exactly one of key, pattern and tag says what goes" in screen.text
        assert re.search(r"unit +worker-webhook@1.service", screen.text), "what was known stands there"
        await screen.press(*"x", "enter")
        await screen.settle()
        assert any("wait=30sx" in each for each in screen.client.asked) and "─ Preview ─" in screen.text
        assert [dialog.title for dialog in screen.app.dialogs] == ["Services", "Preview"]


async def test_another_refusal_opens_no_form() -> None:
    async with console(remedies.state()) as screen:
        screen.client.offered = (remedies.START,)
        await screen.press("s")
        screen.client.failure = Refused("target", "it crash-loops", "look at the exit reason")
        await screen.press("enter")
        await screen.settle()
        assert "─ Parameters ─" not in screen.text and "it crash-loops; look at the exit reason" in screen.text
