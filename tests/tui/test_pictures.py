import pytest

from perftui.config.settings import Settings
from tests.support import acts, states
from tests.tui.console import console
from tests.tui.snapshot import compare
from tests.tui.tables import with_tables

SIZES = {"160x45": (160, 45), "80x24": (80, 24), "60x20": (60, 20)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", ["healthy", "incident"])
async def test_overview(request: pytest.FixtureRequest, state: str, size: str) -> None:
    async with console(getattr(states, state)(), SIZES[size]) as screen:
        compare(request, f"overview-{state}-{size}", screen.app.export_screenshot())


async def test_stale(request: pytest.FixtureRequest) -> None:
    async with console(states.stale()) as screen:
        compare(request, "overview-stale-160x45", screen.app.export_screenshot())


@pytest.mark.parametrize("theme", ["light", "colour-blind", "ansi16"])
async def test_themes(request: pytest.FixtureRequest, theme: str) -> None:
    async with console(states.incident(), (120, 40), Settings(theme=theme)) as screen:
        compare(request, f"theme-{theme}-120x40", screen.app.export_screenshot())


async def test_ascii(request: pytest.FixtureRequest) -> None:
    async with console(states.incident(), (120, 40), Settings(ascii=True), {"NO_COLOR": "1"}) as screen:
        compare(request, "ascii-no-colour-120x40", screen.app.export_screenshot())


async def test_preview(request: pytest.FixtureRequest) -> None:
    async with console(states.incident(), (120, 40)) as screen:
        await screen.press("4", "j", "c", "enter")
        compare(request, "preview-120x40", screen.app.export_screenshot())


@pytest.mark.parametrize("size", ["80x24", "60x20"])
async def test_long_preview(request: pytest.FixtureRequest, size: str) -> None:
    async with console(states.incident(), SIZES[size]) as screen:
        screen.client.databases, screen.client.confirm = 16, "cache-1"
        await screen.press("4", "j", "j", "j", "c", "enter")
        compare(request, f"preview-{size}", screen.app.export_screenshot())


async def test_databases(request: pytest.FixtureRequest) -> None:
    async with console(with_tables(states.incident()), (120, 40)) as screen:
        await screen.press("5")
        compare(request, "databases-120x40", screen.app.export_screenshot())


@pytest.mark.parametrize("size", SIZES)
async def test_alerts(request: pytest.FixtureRequest, size: str) -> None:
    async with console(states.crowded(), SIZES[size]) as screen:
        await screen.press("8", "j")
        compare(request, f"alerts-{size}", screen.app.export_screenshot())


async def test_alerts_in_ascii(request: pytest.FixtureRequest) -> None:
    async with console(states.crowded(), (120, 40), Settings(ascii=True), {"NO_COLOR": "1"}) as screen:
        await screen.press("8")
        compare(request, "alerts-ascii-no-colour-120x40", screen.app.export_screenshot())


async def test_alert_details(request: pytest.FixtureRequest) -> None:
    async with console(states.crowded(), (120, 40)) as screen:
        screen.client.past = states.ended()
        await screen.press("8", "j", "j", "d")
        compare(request, "alert-details-120x40", screen.app.export_screenshot())


async def test_silence(request: pytest.FixtureRequest) -> None:
    async with console(states.crowded(), (80, 24)) as screen:
        await screen.press("8", "j", "j", "m")
        compare(request, "silence-80x24", screen.app.export_screenshot())


@pytest.mark.parametrize("size", ["120x40", "60x20"])
async def test_help(request: pytest.FixtureRequest, size: str) -> None:
    width, height = size.split("x")
    async with console(states.healthy(), (int(width), int(height))) as screen:
        await screen.press("question_mark")
        compare(request, f"help-{size}", screen.app.export_screenshot())


async def test_an_action_beside_the_alerts(request: pytest.FixtureRequest) -> None:
    state = acts.with_actions(states.incident())
    async with console(state, (80, 24)) as screen:
        await screen.press("escape")
        compare(request, "overview-acting-80x24", screen.app.export_screenshot())


async def test_host(request: pytest.FixtureRequest) -> None:
    async with console(states.healthy(), (120, 40)) as screen:
        await screen.press("2")
        compare(request, "host-120x40", screen.app.export_screenshot())


@pytest.mark.parametrize("size", ["120x40", "80x24"])
async def test_services(request: pytest.FixtureRequest, size: str) -> None:
    width, height = size.split("x")
    async with console(acts.with_services(states.incident()), (int(width), int(height))) as screen:
        await screen.press("6", "j")
        compare(request, f"services-{size}", screen.app.export_screenshot())


@pytest.mark.parametrize("size", ["120x40", "80x24", "60x20"])
async def test_actions(request: pytest.FixtureRequest, size: str) -> None:
    width, height = size.split("x")
    async with console(acts.with_actions(states.incident()), (int(width), int(height))) as screen:
        await screen.press("escape", "9", "j")
        compare(request, f"actions-{size}", screen.app.export_screenshot())
