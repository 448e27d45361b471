"""From the first step to the proof and back: counts, the verdict, undo, and what runs when a console arrives."""

import re

import pytest
from msgspec.structs import replace

from perftui.core.action import Line, Outcome, Proof, Run
from perftui.core.errors import Refused
from perftui.core.series import SeriesId
from tests.support import remedies, states
from tests.support.remedies import BACK, run_of
from tests.tui.console import Console, console


async def _started(screen: Console) -> None:
    screen.client.offered, screen.client.planned = (remedies.START,), remedies.PLAN
    await screen.press("s", "enter")
    await screen.settle()
    await screen.press("y")
    await screen.settle(0.25)
    assert [dialog.title for dialog in screen.app.dialogs] == ["Applying"]


async def test_while_it_is_watched_it_says_for_how_long() -> None:
    async with console(remedies.state()) as screen:
        await _started(screen)
        lines = (Line("completed/s", "0", "212"),)
        screen.client.finish(proof=Proof.PENDING, ended=None, proof_lines=lines, applied=2, undo=BACK)
        screen.client.state.wall += 24
        screen.app.refresh_state()
        assert "watching, 21 of 60 s" in screen.text and "0 → 212" in screen.text and "recovered" not in screen.text
        await screen.press("enter")
        assert not screen.app.dialogs and screen.app.view.series == SeriesId("cache-1", "queue.completed")


async def test_half_done_says_what_was_done_and_what_was_not() -> None:
    async with console(remedies.state()) as screen:
        await _started(screen)
        screen.client.finish(Outcome.PARTIAL, applied=1000, left=3, failed=1, message="unit 7 is masked")
        screen.app.refresh_state()
        words = (("changed", "1,000"), ("left alone", "3"), ("failed", "1"), ("not reached", "230"))
        for label, count in words:
            assert any(label in line and count in line for line in screen.lines), label
        assert "unit 7 is masked" in screen.text and "─ Partial 02:14:55 UTC ─" in screen.text


async def test_worse_comes_first_and_offers_the_way_back() -> None:
    async with console(remedies.state()) as screen:
        await _started(screen)
        screen.client.finish(proof=Proof.WORSE, undo=BACK)
        screen.app.refresh_state()
        first = next(index for index, line in enumerate(screen.lines) if "─ Succeeded" in line) + 1
        assert "✖ it is worse than before: u takes it back" in screen.lines[first]
        screen.client.planned = replace(remedies.PLAN, id="plan-2", undoes="plan-1", title="stop both again")
        await screen.press("u")
        await screen.settle()
        assert ("undo", "plan-1") in screen.client.asked and re.search(r"undoes +start worker-webhook@1", screen.text)
        assert "e edit" not in screen.text, "what takes a run back is not ours to change"
        await screen.press("y")
        await screen.settle(0.25)
        assert ("apply", "plan-2", "y") in screen.client.asked


async def test_break_glass_and_the_reason_stay_in_sight() -> None:
    async with console(remedies.state()) as screen:
        await _started(screen)
        screen.client.finish(passed=("cooldown",), reason="ticket 4711")
        screen.app.refresh_state()
        assert "cooldown by break-glass" in screen.text and "ticket 4711" in screen.text


async def test_u_takes_back_the_only_one_that_can_be() -> None:
    state = remedies.state()
    state.runs = (
        run_of("plan-3", undo=BACK, undone=True),
        run_of("plan-2"),
        run_of("plan-1", undo=BACK),
    )
    async with console(state) as screen:
        screen.client.planned = remedies.PLAN
        await screen.press("u")
        await screen.settle()
        assert ("undo", "plan-1") in screen.client.asked and "─ Preview ─" in screen.text


async def test_of_several_the_newest_stands_first() -> None:
    state = remedies.state()
    older = run_of("plan-1", undo=replace(BACK, title="the older one"), started=states.WALL - 500)
    state.runs = (older, run_of("plan-2", undo=replace(BACK, title="the newer one")))
    async with console(state) as screen:
        screen.client.planned = remedies.PLAN
        await screen.press("u")
        assert screen.text.index("the newer one") < screen.text.index("the older one")
        await screen.press("down", "enter")
        await screen.settle()
        assert ("undo", "plan-1") in screen.client.asked


async def test_without_anything_to_take_back_it_says_so() -> None:
    async with console(remedies.state()) as screen:
        await screen.press("u")
        assert "there is nothing that can be undone" in screen.lines[-1]


async def test_an_undo_that_is_refused_says_why() -> None:
    state = remedies.state()
    state.runs = (run_of(undo=BACK),)
    async with console(state) as screen:
        screen.client.failure = Refused("undo", "it was restarted since", "look at the unit")
        await screen.press("u")
        await screen.settle()
        assert "─ Not possible ─" in screen.text and "it was restarted since; look at the unit" in screen.text


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (
            run_of(outcome=Outcome.RUNNING, proof=Proof.PENDING, done=None, ended=None, fraction=0.4, who="ana"),
            "This runs already, started by ana.",
        ),
        (
            run_of(proof=Proof.PENDING, ended=None),
            "This was done a moment ago and is being proved, started by another console or a script.",
        ),
    ],
)
async def test_what_runs_when_a_console_arrives_is_shown_first_and_once(run: Run, words: str) -> None:
    async with console(remedies.state()) as screen:
        screen.client.tell(run)
        assert words in screen.text
        await screen.press("escape")
        screen.client.tell(run, run_of("plan-2"))
        assert not screen.app.dialogs


async def test_who_works_here_already_is_not_interrupted() -> None:
    async with console(remedies.state()) as screen:
        await screen.press("j")
        screen.client.tell(run_of(outcome=Outcome.RUNNING, proof=Proof.PENDING, done=None, ended=None))
        assert not screen.app.dialogs and "▶ service.restart web-3" in screen.lines[0]


async def test_what_ended_is_not_shown_on_arrival() -> None:
    async with console(remedies.state()) as screen:
        screen.client.tell(run_of(), run_of("plan-2", outcome=Outcome.INTERRUPTED, proof=Proof.UNKNOWN))
        assert not screen.app.dialogs


async def test_a_key_that_was_meant_for_the_panes_cancels_nothing() -> None:
    async with console(remedies.state()) as screen:
        screen.client.tell(run_of(outcome=Outcome.RUNNING, proof=Proof.PENDING, done=None, ended=None))
        screen.clock.advance(0.3)
        await screen.pilot.press("x")
        await screen.settle()
        assert ("cancel", "plan-1") not in screen.client.asked
        await screen.press("x")
        await screen.settle()
        assert ("cancel", "plan-1") in screen.client.asked


async def test_who_started_it_is_told_as_it_stands_then() -> None:
    running = run_of(outcome=Outcome.RUNNING, proof=Proof.PENDING, done=None, ended=None, who="root")
    async with console(remedies.state()) as screen:
        screen.client.tell(running)
        assert "This runs already, started by root." in screen.text
        screen.client.tell(run_of(outcome=Outcome.INTERRUPTED, proof=Proof.UNKNOWN, who="root"))
        assert "runs already" not in screen.text and "Started by root." in screen.text
