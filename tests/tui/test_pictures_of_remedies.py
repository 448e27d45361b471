"""The dialogs of a remedy as pictures, where there is little room."""

import pytest
from msgspec.structs import replace

from perftui.core.action import Line, Outcome, Proof
from perftui.core.errors import Refused
from tests.support import acts, remedies, states
from tests.tui.console import console
from tests.tui.snapshot import compare


async def test_picker(request: pytest.FixtureRequest) -> None:
    async with console(remedies.state(), (80, 24)) as screen:
        screen.client.offered = (remedies.START, remedies.BLOCKED, remedies.ANY)
        await screen.press("3", "j", "s")
        compare(request, "remedies-80x24", screen.app.export_screenshot())


async def test_parameters(request: pytest.FixtureRequest) -> None:
    async with console(remedies.state(), (60, 20)) as screen:
        screen.client.offered = (remedies.ANY,)
        await screen.press("s", "enter", *"app")
        compare(request, "parameters-60x20", screen.app.export_screenshot())


async def test_break_glass(request: pytest.FixtureRequest) -> None:
    async with console(remedies.state(), (60, 20)) as screen:
        screen.client.offered, screen.client.planned = (remedies.START,), remedies.PLAN
        await screen.press("s", "enter")
        await screen.settle()
        await screen.press("pagedown", "pagedown")
        screen.client.failure = Refused("cooldown", "it was restarted 4 s ago", "wait 26 s", breakable=True)
        await screen.press("y")
        await screen.settle(0.25)
        await screen.press(*"why", "enter", *"web")
        compare(request, "break-glass-60x20", screen.app.export_screenshot())


@pytest.mark.parametrize("size", ["120x40", "60x20"])
async def test_proof(request: pytest.FixtureRequest, size: str) -> None:
    width, height = (int(side) for side in size.split("x"))
    lines = (Line("completed/s", "0", "212"), Line("failed/s", "0", "0"))
    run = remedies.run_of(proof=Proof.PENDING, ended=None, proof_lines=lines, undo=remedies.BACK, applied=1234)
    async with console(remedies.state(), (width, height)) as screen:
        screen.client.state.wall += 21
        screen.client.tell(run)
        compare(request, f"proof-{size}", screen.app.export_screenshot())


async def test_worse(request: pytest.FixtureRequest) -> None:
    run = remedies.run_of(proof=Proof.WORSE, outcome=Outcome.PARTIAL, undo=remedies.BACK, applied=1230, failed=4)
    state = remedies.state()
    state.runs = (replace(run, proof_lines=(Line("failed/s", "0", "31"),)),)
    async with console(state, (80, 24)) as screen:
        await screen.press("9", "j", "enter")
        compare(request, "worse-80x24", screen.app.export_screenshot())


async def test_health(request: pytest.FixtureRequest) -> None:
    async with console(remedies.state(), (80, 24)) as screen:
        screen.client.report = remedies.REPORT
        await screen.press("o")
        await screen.settle()
        await screen.press("space")
        compare(request, "health-80x24", screen.app.export_screenshot())


async def test_receipt(request: pytest.FixtureRequest) -> None:
    async with console(acts.with_actions(states.incident()), (60, 20)) as screen:
        await screen.press("escape", "9", "j", "j", "d")
        compare(request, "receipt-60x20", screen.app.export_screenshot())
