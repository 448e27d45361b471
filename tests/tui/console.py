"""The console on a fake client, driven by keys."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from perftui.client.state import State
from perftui.config.settings import Settings
from perftui.core.clock import ManualClock
from perftui.tui.app import PerftuiApp
from perftui.tui.widgets.text import plain
from tests.tui.fake_client import FakeClient

MANY_COLOURS = {"TERM": "xterm-256color"}


class Console:
    """The app, its client and its keys."""

    def __init__(self, app: PerftuiApp, client: FakeClient, clock: ManualClock, pilot: Pilot[object]) -> None:
        self.app = app
        self.client = client
        self.clock = clock
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys one by one, each a second after the other by the app's clock."""
        for key in keys:
            self.clock.advance(1.0)
            await self.pilot.press(key)
        await self.pilot.pause()

    async def settle(self, seconds: float = 0.1) -> None:
        """Let timers of that length ring."""
        await self.pilot.pause(seconds)

    @property
    def lines(self) -> list[str]:
        """The screen as text."""
        return [plain(line) for line in self.app.canvas.lines]

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)


@asynccontextmanager
async def console(
    state: State,
    size: tuple[int, int] = (160, 45),
    settings: Settings | None = None,
    environ: Mapping[str, str] = MANY_COLOURS,
    *,
    read_only: bool = False,
) -> AsyncIterator[Console]:
    """Run the console on a made-up state."""
    client, clock = FakeClient(state), ManualClock()
    app = PerftuiApp(client, settings or Settings(), read_only=read_only, clock=clock, environ=environ)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield Console(app, client, clock, pilot)
    if app.failure is not None:
        raise app.failure
