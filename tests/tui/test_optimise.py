"""`o`: what is wrong, what would help, and its plan."""

import pytest

from perftui.core.errors import RequestFailed
from perftui.core.health import Health, HealthReport
from tests.support import remedies, states
from tests.tui.console import Console, console


async def _report(screen: Console) -> None:
    screen.client.report, screen.client.planned = remedies.REPORT, remedies.PLAN
    await screen.press("o")
    await screen.settle()


def _chosen(screen: Console) -> list[str]:
    return [word for request in screen.client.asked if request[0] == "plan" for word in request if "choose" in word]


async def test_the_report_says_what_is_wrong_and_what_would_help() -> None:
    async with console(remedies.state()) as screen:
        await _report(screen)
        for words in (
            "✖ critical",
            "memory is nearly full",
            "system.memory.utilization 91 %, level above 80 %",
            "not judged: cache-3: connection refused",
            "[ ] Clean memory up",
            "impact about 2.1 GiB; effort a minute",
            "· Look at slow queries",
            "advice: nothing that perftui does by itself",
        ):
            assert words in screen.text, words


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        (["space"], "1"),
        (["a"], "1,3"),
        (["down", "down", "space"], "3"),
        (["a", "space"], "3"),
        ([], "1"),
        (["down", "down"], "3"),
        (["down", "down", "space", "up", "up", "space"], "1,3"),
    ],
)
async def test_what_is_tagged_is_previewed_as_one(keys: list[str], chosen: str) -> None:
    async with console(remedies.state()) as screen:
        await _report(screen)
        await screen.press(*keys, "enter")
        await screen.settle()
        assert _chosen(screen) == [f"choose={chosen}"] and "─ Preview ─" in screen.text
        assert ("plan", "optimise.run", "web-3", f"choose={chosen}") in screen.client.asked


async def test_it_is_confirmed_like_any_other() -> None:
    async with console(remedies.state()) as screen:
        await _report(screen)
        await screen.press("a", "enter")
        await screen.settle()
        await screen.press("y")
        await screen.settle(0.25)
        assert ("apply", "plan-1", "y") in screen.client.asked
        screen.client.finish(applied=1, failed=1)
        screen.app.refresh_state()
        assert [dialog.title for dialog in screen.app.dialogs] == ["Succeeded 02:14:55 UTC"]


@pytest.mark.parametrize("key", ["space", "enter"])
async def test_advice_alone_cannot_be_chosen(key: str) -> None:
    async with console(remedies.state()) as screen:
        await _report(screen)
        await screen.press("down", key)
        assert "this is advice alone" in screen.text and not _chosen(screen)


async def test_read_only_reads_it_and_tags_nothing() -> None:
    async with console(remedies.state(), read_only=True) as screen:
        await _report(screen)
        assert "memory is nearly full" in screen.text and "[ ]" not in screen.text
        await screen.press("space", "a", "enter")
        assert not _chosen(screen)


async def test_what_else_tunes_the_row_is_a_key_away() -> None:
    async with console(remedies.state()) as screen:
        await screen.press("4", "j", "j")
        await _report(screen)
        await screen.press("m")
        await screen.settle()
        assert "Optimise: cache-2" in screen.text
        assert ("offers", "o", "cache-2", "") in screen.client.asked


async def test_when_all_is_well_it_says_so() -> None:
    async with console(states.healthy()) as screen:
        screen.client.report = HealthReport(status=Health.HEALTHY, at=states.WALL)
        await screen.press("o")
        await screen.settle()
        assert "● healthy" in screen.text and "nothing is wrong" in screen.text


async def test_what_cannot_be_judged_is_not_called_well() -> None:
    async with console(states.healthy()) as screen:
        screen.client.report = HealthReport(status=Health.UNKNOWN, at=states.WALL)
        await screen.press("o")
        await screen.settle()
        assert "? unknown" in screen.text and "nothing can be judged yet" in screen.text


async def test_an_agent_that_does_not_answer_is_told() -> None:
    async with console(states.healthy()) as screen:
        screen.client.failure = RequestFailed("the agent did not answer within 5 s")
        await screen.press("o")
        await screen.settle()
        assert "the agent did not answer within 5 s" in screen.text
