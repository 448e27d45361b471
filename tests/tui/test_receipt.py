"""Screen 9: a row opens its own receipt, whether the agent still tells of it or only the audit log does."""

import pytest
from msgspec.structs import replace

from perftui.core.action import Line, Undo
from perftui.tui.dialogs.progress import Progress
from tests.support import acts, remedies, states
from tests.tui.console import Console, console

BACK = Undo(action="cache.tune", params={}, title="set maxmemory back")


async def _open(screen: Console, key: str, steps: int) -> None:
    await screen.press("escape", "9", *["j"] * steps, key)


@pytest.mark.parametrize("key", ["enter", "d"])
@pytest.mark.parametrize("size", [(120, 40), (60, 20)])
async def test_a_run_shows_everything_about_it(key: str, size: tuple[int, int]) -> None:
    async with console(acts.with_actions(states.incident()), size) as screen:
        await _open(screen, key, 2)
        seen = screen.text
        while not screen.app.dialogs[-1].at_end:
            await screen.press("pagedown")
            seen += screen.text
        for words in ("raise maxmemory of cache-2 to 6 GiB", "succeeded after", "02:09:51 UTC", "ada", "ticket 7",
                      "4 GiB → 6 GiB", "● recovered", "set maxmemory back to 4 GiB", "u undo"):  # fmt: skip
            assert words in seen, words


@pytest.mark.parametrize("key", ["enter", "d"])
async def test_what_only_the_log_knows_shows_the_same_and_no_metrics_of_its_source(key: str) -> None:
    state = states.incident()
    lines = (Line("maxmemory", "4 GiB", "6 GiB"),)
    tuned = acts.audited(
        "p1", 90_000, lines=lines, passed=("cooldown",), undo=BACK, undoes="p0", part_of="p7", reason="ticket 9",
        outcome="partial", proof="worse",
    )  # fmt: skip
    state.audit = (tuned, acts.audited("p0", 95_000, title="the first try"), acts.audited("p7", 90_001, title="bundle"))
    async with console(state) as screen:
        await _open(screen, key, 1)
        for words in ("free expired keys on cache-2", "partial after 3 s", "2026-11-20 01:14:52 UTC", "bob", "ticket 9",
                      "cooldown by break-glass", "4 GiB → 6 GiB", "✖ worse", "set maxmemory back", "the first try",
                      "part of", "bundle", "5,700 expired keys freed"):  # fmt: skip
            assert words in screen.text, words
        assert "redis.memory.used" not in screen.text
        screen.client.planned = replace(remedies.PLAN, undoes="p1")
        await screen.press("u")
        await screen.settle()
        assert ("undo", "p1") in screen.client.asked and "─ Preview ─" in screen.text
        assert any("undoes" in line and "free expired keys on cache-2" in line for line in screen.lines)


async def test_what_cannot_be_taken_back_has_no_key_for_it() -> None:
    async with console(acts.with_actions(states.incident())) as screen:
        await _open(screen, "enter", 4)
        assert "broke off: connection refused" in screen.text and "u undo" not in screen.lines[-3]
        await screen.press("u")
        assert not any(request[0] == "undo" for request in screen.client.asked)


async def test_read_only_shows_it_and_takes_nothing_back() -> None:
    async with console(acts.with_actions(states.incident()), read_only=True) as screen:
        await _open(screen, "enter", 2)
        await screen.press("u")
        assert "ticket 7" in screen.text and screen.client.asked == []


async def test_what_runs_is_followed() -> None:
    async with console(acts.with_actions(states.incident())) as screen:
        await _open(screen, "d", 1)
        assert isinstance(screen.app.dialogs[-1], Progress) and "x cancel" in screen.text


async def test_leaving_a_filter_brings_the_order_back_and_the_title_counts_what_is_shown() -> None:
    async with console(acts.with_actions(states.incident())) as screen:
        await screen.press("escape", "9")
        before = screen.lines[2:8]
        await screen.press("slash", *"expired", "enter")
        assert "Actions /expired: 3 of 5" in screen.text
        await screen.press("escape")
        assert screen.lines[2:8] == before
