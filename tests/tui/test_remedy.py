"""From `c` to the proof, and everything that must not confirm."""

from textual import events

from perftui.core.action import Outcome, Proof
from perftui.core.errors import Refused
from tests.support import states
from tests.tui.console import Console, console


async def _preview(screen: Console) -> None:
    await screen.press("4", "j", "j", "c", "enter")
    await screen.settle()
    assert "─ Preview ─" in screen.text


def _applied(screen: Console) -> bool:
    return any(request[0] == "apply" for request in screen.client.asked)


async def test_the_whole_loop() -> None:
    async with console(states.incident()) as screen:
        await screen.press("4", "j", "j", "c")
        assert "Clean up: cache-2" in screen.text
        await screen.press("enter")
        await screen.settle()
        assert ("plan", "cleanup.expired", "cache-2") in screen.client.asked
        assert "how many have expired" in screen.text and "perftui run cleanup.expired cache-2" in screen.text
        await screen.press("y")
        await screen.settle(0.25)
        assert ("apply", "plan-1", "y") in screen.client.asked
        screen.app.refresh_state()
        assert "running 30 %" in screen.text and "swept 240,000 keys" in screen.text
        screen.client.finish()
        await screen.settle()
        assert "● recovered" in screen.text and "3.98 GiB → 3.41 GiB" in screen.text


async def test_without_a_selected_cache_every_cache_is_offered() -> None:
    async with console(states.incident()) as screen:
        await screen.press("c")
        assert "─ Clean up ─" in screen.text
        assert all(name in screen.text for name in ("cache-1", "cache-2", "cache-3"))
        await screen.press("down", "enter")
        await screen.settle()
        assert ("plan", "cleanup.expired", "cache-2") in screen.client.asked


async def test_a_key_within_0_4_seconds_does_not_confirm() -> None:
    async with console(states.incident()) as screen:
        await _preview(screen)
        screen.app.dialogs[-1]._shown = screen.clock.monotonic()  # type: ignore[attr-defined]
        screen.clock.advance(0.3)
        await screen.pilot.press("y")
        await screen.settle(0.25)
        assert not _applied(screen) and "read it first" in screen.text
        await screen.press("y")
        await screen.settle(0.25)
        assert _applied(screen)


async def test_a_burst_of_keys_does_not_confirm() -> None:
    async with console(states.incident()) as screen:
        await _preview(screen)
        screen.clock.advance(5)
        for key in ("y", "e", "s"):
            screen.app.post_message(events.Key(key, key))
        await screen.settle(0.25)
        assert not _applied(screen) and "burst" in screen.text


async def test_pasted_text_does_not_confirm() -> None:
    async with console(states.incident()) as screen:
        await _preview(screen)
        screen.clock.advance(5)
        screen.app.post_message(events.Paste("y"))
        await screen.settle(0.25)
        assert not _applied(screen) and "pasted text confirms nothing" in screen.text


async def test_production_wants_the_name_typed() -> None:
    async with console(states.incident()) as screen:
        screen.client.confirm = "cache-2"
        await _preview(screen)
        await screen.press("y", "enter")
        await screen.settle(0.25)
        assert not _applied(screen) and "that is not cache-2" in screen.text
        await screen.press("backspace", *("minus" if letter == "-" else letter for letter in "cache-2"), "enter")
        await screen.settle(0.25)
        assert ("apply", "plan-1", "cache-2") in screen.client.asked


async def test_escape_leaves_it_running_and_x_cancels() -> None:
    async with console(states.incident()) as screen:
        await _preview(screen)
        await screen.press("y")
        await screen.settle(0.25)
        await screen.press("escape")
        assert not screen.app.dialogs
        assert "cleanup.expired cache-2 30 %" in screen.lines[0]
        await screen.press("q")
        assert "An action is running" in screen.text and screen.app.is_running
        await screen.press("escape")
        assert screen.app.is_running


async def test_x_cancels() -> None:
    async with console(states.incident()) as screen:
        await _preview(screen)
        await screen.press("y")
        await screen.settle(0.25)
        await screen.press("x")
        await screen.settle()
        assert ("cancel", "plan-1") in screen.client.asked
        screen.client.finish(Outcome.CANCELLED, Proof.UNCHANGED)
        await screen.settle()
        assert "▲ unchanged" in screen.text


async def test_a_refusal_is_shown() -> None:
    async with console(states.incident()) as screen:
        await screen.press("4", "j", "j", "c")
        screen.client.failure = Refused("lock", "another cleanup runs", "wait for it")
        await screen.press("enter")
        await screen.settle()
        assert "refused by lock: another cleanup runs; wait for it" in screen.text


async def test_read_only_binds_no_action() -> None:
    async with console(states.incident(), read_only=True) as screen:
        await screen.press("4", "j", "j", "c")
        assert "read-only" in screen.lines[0] and "read-only: nothing can be changed from here" in screen.lines[-1]
        assert not screen.app.dialogs


async def test_enter_on_an_alert_with_a_remedy_opens_it() -> None:
    async with console(states.incident()) as screen:
        await screen.press("8", "j", "j", "j", "j", "enter")
        assert "Remedies for cache-2" in screen.text


async def test_what_was_not_seen_to_its_end_cannot_be_confirmed() -> None:
    async with console(states.incident(), (60, 20)) as screen:
        screen.client.databases = 16
        await _preview(screen)
        screen.clock.advance(5)
        assert "perftui run" not in screen.text and "y apply" not in screen.text
        await screen.press("y")
        await screen.settle(0.25)
        assert not _applied(screen) and "there is more of it" in screen.text
        while "perftui run" not in screen.text:
            await screen.press("pagedown")
        assert "y apply" in screen.text
        await screen.pilot.press("y")
        await screen.settle(0.25)
        assert not _applied(screen) and "read it first" in screen.text
        await screen.press("y")
        await screen.settle(0.25)
        assert _applied(screen)


async def test_no_line_of_a_long_preview_is_skipped_on_the_way_to_its_end() -> None:
    async with console(states.incident(), (60, 20)) as screen:
        screen.client.databases = 16
        await _preview(screen)
        seen = screen.text
        while "y apply" not in screen.text:
            await screen.press("pagedown")
            seen += screen.text
        assert all(f"database {each}" in seen for each in range(16)) and "the server is a replica" in seen


async def test_on_a_small_screen_the_name_that_is_typed_stays_in_sight() -> None:
    async with console(states.incident(), (60, 20)) as screen:
        screen.client.databases, screen.client.confirm = 16, "cache-2"
        await _preview(screen)
        await screen.press("c", "a", "j", "k")
        assert "type cajk" in screen.text and "the name cache-2 confirms" in screen.text
        await screen.press("down", "enter")
        assert "type cajk" in screen.text and "there is more of it" in screen.text
        await screen.press("pagedown", "enter")
        assert "type cajk" in screen.text and "that is not cache-2" in screen.text
