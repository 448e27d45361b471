"""What runs beside the drawing may fail: it is told, and the console goes on."""

import asyncio

import pytest

from perftui.client.state import Link
from perftui.tui.widgets import chart
from tests.support import states
from tests.tui.console import console
from tests.tui.fake_client import FakeClient


async def test_a_chart_that_cannot_be_loaded_is_told_and_the_console_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_descriptors() -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(chart, "load", no_descriptors)
    async with console(states.incident()) as screen:
        await screen.settle(0.4)
        assert "the chart cannot be drawn: [Errno 24] Too many open files" in screen.text
        await screen.press("2")
        assert "┌─ Processes" in screen.text


async def test_a_defect_of_the_client_is_told_and_the_client_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    starts = 0

    async def run(self: FakeClient) -> None:
        nonlocal starts
        starts += 1
        if starts == 1:
            raise TypeError("unexpected")
        self.state.link = Link.LIVE
        await asyncio.Event().wait()

    monkeypatch.setattr(FakeClient, "run", run)
    monkeypatch.setattr("perftui.tui.app.RESTART", 0.3)
    async with console(states.healthy()) as screen:
        await screen.settle(0.1)
        assert "✖ LOST" in screen.lines[0]
        assert "a defect of perftui ended its client: TypeError: unexpected" in screen.text
        async with asyncio.timeout(5):
            while starts < 2:
                await screen.settle(0.05)
        screen.app.refresh_state()
        assert "● live" in screen.lines[0]


async def test_a_defect_in_a_request_is_told_and_the_console_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def plan(self: FakeClient, action: str, target: str, params: dict[str, str], alert: str = "") -> None:
        raise KeyError("digest")

    monkeypatch.setattr(FakeClient, "plan", plan)
    async with console(states.incident()) as screen:
        await screen.press("4", "j", "j", "c", "enter")
        await screen.settle()
        assert "a defect of perftui ended its plan: KeyError: 'digest'" in screen.text
        assert screen.app.is_running
