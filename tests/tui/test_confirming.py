"""Reasons, break-glass, and that neither a paste nor a burst passes any dialog that confirms."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace
from textual import events

from perftui.core.errors import AgentUnavailable, Refused, RequestFailed
from tests.support import remedies
from tests.tui.console import Console, console

NAME = [*"web", "minus", "3"]
REFUSAL = Refused("cooldown", "it was restarted 4 s ago", "wait 26 s", breakable=True)


def _applied(screen: Console) -> list[tuple[str, ...]]:
    return [request for request in screen.client.asked if request[0] == "apply"]


async def _preview(screen: Console, confirm: str = "y", *, needs_reason: bool = False) -> None:
    screen.client.offered = (remedies.START,)
    screen.client.planned = replace(remedies.PLAN, confirm=confirm, needs_reason=needs_reason)
    await screen.press("s", "enter")
    await screen.settle()
    assert "─ Preview ─" in screen.text


async def _named(screen: Console) -> None:
    await _preview(screen, "web-3")
    await screen.press(*NAME)


async def _reasoned(screen: Console) -> None:
    await _preview(screen, needs_reason=True)
    await screen.press(*"why", "enter")


async def _glass(screen: Console) -> None:
    await _preview(screen)
    screen.client.failure = REFUSAL
    await screen.press("y")
    await screen.settle(0.25)
    assert "─ Refused ─" in screen.text and _applied(screen) == [("apply", "plan-1", "y")]
    screen.client.asked.clear()
    await screen.press(*"why", "enter", *NAME)


CONFIRMING = [(_preview, "y"), (_named, "enter"), (_reasoned, "y"), (_glass, "enter")]
each_dialog = pytest.mark.parametrize(("opened", "key"), CONFIRMING)
Opened = Callable[[Console], Awaitable[None]]


@each_dialog
async def test_a_key_of_its_own_confirms(opened: Opened, key: str) -> None:
    async with console(remedies.state()) as screen:
        await opened(screen)
        await screen.press(key)
        await screen.settle(0.25)
        assert len(_applied(screen)) == 1


@each_dialog
async def test_a_paste_confirms_nothing(opened: Opened, key: str) -> None:
    async with console(remedies.state()) as screen:
        await opened(screen)
        screen.clock.advance(5)
        screen.app.post_message(events.Paste("y\r"))
        await screen.settle(0.25)
        assert not _applied(screen) and "pasted text confirms nothing" in screen.text


@each_dialog
@pytest.mark.parametrize("before", [True, False])
async def test_a_burst_confirms_nothing(opened: Opened, key: str, *, before: bool) -> None:
    async with console(remedies.state()) as screen:
        await opened(screen)
        screen.clock.advance(5)
        for pressed in ["down", key] if before else [key, "down"]:
            screen.app.post_message(events.Key(pressed, pressed if len(pressed) == 1 else None))
        await screen.settle(0.25)
        assert not _applied(screen) and "burst" in screen.text


@each_dialog
async def test_a_key_within_0_4_seconds_confirms_nothing(opened: Opened, key: str) -> None:
    async with console(remedies.state()) as screen:
        await opened(screen)
        screen.app.dialogs[-1]._shown = screen.clock.monotonic()  # type: ignore[attr-defined]
        screen.clock.advance(0.3)
        await screen.pilot.press(key)
        await screen.settle(0.25)
        assert not _applied(screen) and "read it first" in screen.text


async def test_a_reason_is_asked_for_first_and_may_be_pasted() -> None:
    async with console(remedies.state()) as screen:
        await _preview(screen, needs_reason=True)
        await screen.press("enter")
        assert "a reason is needed" in screen.text
        screen.app.post_message(events.Paste("ticket 4711\x1b[31m"))
        await screen.settle()
        await screen.press("enter", "y")
        await screen.settle(0.25)
        assert _applied(screen) == [("apply", "plan-1", "y", "ticket 4711␛[31m")]


async def test_letters_of_the_reason_are_no_keys_and_tab_goes_back_to_it() -> None:
    async with console(remedies.state()) as screen:
        await _preview(screen, needs_reason=True)
        await screen.press(*"yet", "enter", "tab", "s", "enter", "y")
        await screen.settle(0.25)
        assert _applied(screen) == [("apply", "plan-1", "y", "yets")]


async def test_break_glass_names_the_check_and_sends_the_name_and_the_reason() -> None:
    async with console(remedies.state()) as screen:
        await _glass(screen)
        for words in ("cooldown", "it was restarted 4 s ago", "wait 26 s", "Break-glass passes cooldown this once"):
            assert words in screen.text
        await screen.press("enter")
        await screen.settle(0.25)
        assert _applied(screen) == [("apply", "plan-1", "web-3", "why", "break-glass")]
        assert "─ Applying ─" in screen.text


async def test_break_glass_wants_the_very_name() -> None:
    async with console(remedies.state()) as screen:
        await _glass(screen)
        await screen.press("backspace", "enter")
        await screen.settle(0.25)
        assert not _applied(screen) and "that is not web-3" in screen.text


async def test_what_cannot_be_passed_is_told_and_can_be_previewed_again() -> None:
    async with console(remedies.state()) as screen:
        await _preview(screen)
        screen.client.failure = RequestFailed("web-3 is another machine than the one that was planned for")
        await screen.press("y")
        await screen.settle(0.25)
        assert "─ Not applied ─" in screen.text and "another machine" in screen.text
        assert "Break-glass" not in screen.text
        await screen.press("enter")
        await screen.settle()
        assert "─ Preview ─" in screen.text


async def test_without_an_answer_nothing_is_claimed() -> None:
    async with console(remedies.state()) as screen:
        await _preview(screen)
        screen.client.failure = AgentUnavailable("the agent hung up")
        await screen.press("y")
        await screen.settle(0.25)
        assert "─ No answer ─" in screen.text and "Whether it was begun is not known" in screen.text
        assert "preview again" not in screen.text


async def test_the_preview_says_everything() -> None:
    async with console(remedies.state()) as screen:
        await _preview(screen)
        for words in (
            "start worker-webhook@1 and worker-webhook@2",
            "the last 3 starts failed within 10 s",
            "0 of 2 → 2",
            "1,234 things, 25 % of all",
            "and 1,229 more",
            "medium, can be undone, takes about 5 s",
            "queues (1 s old) · systemd (2 s old)",
            "completed/s above 0, failed/s not up; watched for 1m",
            "why they exited",
            "systemctl start worker-webhook@1 worker-webhook@2",
        ):
            assert words in screen.text, words
        await screen.press("t")
        assert "worker-webhook@11" in screen.text and "and 1,222 more" in screen.text


async def test_a_name_that_came_at_once_does_not_confirm_by_a_later_enter() -> None:
    async with console(remedies.state()) as screen:
        await _preview(screen, "web-3")
        screen.clock.advance(5)
        for key in NAME:
            screen.app.post_message(events.Key(key, "-" if key == "minus" else key))
        await screen.settle()
        await screen.press("enter")
        await screen.settle(0.25)
        assert not _applied(screen) and "type it key by key" in screen.text
        await screen.press(*NAME, "enter")
        await screen.settle(0.25)
        assert len(_applied(screen)) == 1


async def test_a_link_that_joins_a_few_keys_does_not_spoil_the_name() -> None:
    async with console(remedies.state()) as screen:
        await _preview(screen, "web-3")
        await screen.press("w", "e")
        await screen.pilot.press("b")
        await screen.press("minus")
        await screen.pilot.press("3")
        await screen.press("enter")
        await screen.settle(0.25)
        assert len(_applied(screen)) == 1
