import msgspec

from perftui.client.state import Link
from perftui.config.settings import Settings
from perftui.core.alert import Alert, AlertState
from perftui.core.errors import RequestFailed
from perftui.core.status import SourceState
from perftui.core.wire import AlertsView
from tests.support import states
from tests.tui.console import console


async def test_tab_goes_round_the_panes_and_the_key_bar_follows() -> None:
    async with console(states.incident()) as screen:
        assert "┌─ System" in screen.text and screen.lines[-1].startswith("c cleanup")
        await screen.press("shift+tab")
        assert screen.app.view.focus == "alerts"
        assert screen.lines[-1].startswith("a ack")
        await screen.press("tab", "tab", "tab")
        assert screen.app.view.focus == "queues"


async def test_selecting_a_row_changes_the_history() -> None:
    async with console(states.incident()) as screen:
        assert "queue.depth · cache-1 webhook" in screen.text
        await screen.press("j", "j")
        assert "system.memory.utilization · web-3" in screen.text
        await screen.press("escape")
        assert "queue.depth · cache-1 webhook" in screen.text


async def test_the_series_of_the_row_is_watched() -> None:
    async with console(states.incident()) as screen:
        await screen.press("j")
        assert "system.cpu.utilization" in screen.client.watched


async def test_filter_shows_matching_rows_and_escape_takes_it_back() -> None:
    async with console(states.incident()) as screen:
        await screen.press("3", "slash", *"webh")
        assert "webhook" in screen.text and "analytics" not in screen.text.split("Alerts")[0]
        await screen.press("enter")
        assert "Queues /webh" in screen.text
        await screen.press("escape")
        assert "analytics" in screen.text.split("Alerts")[0]


async def test_q_typed_into_the_filter_is_text() -> None:
    async with console(states.incident()) as screen:
        await screen.press("slash", "q")
        assert screen.app.is_running and screen.app.view.filters["system"] == "q"


async def test_maximise_and_back() -> None:
    async with console(states.incident()) as screen:
        await screen.press("tab", "tab", "f")
        assert "┌─ Queues" in screen.text and "┌─ System" not in screen.text
        await screen.press("escape")
        assert "┌─ System" in screen.text


async def test_screens_by_number() -> None:
    async with console(states.healthy()) as screen:
        await screen.press("2")
        assert "┌─ Processes" in screen.text and "/usr/sbin/worker" in screen.text
        assert screen.client.tables == frozenset({"table/web-3/processes"})
        await screen.press("8")
        assert "┌─ Alerts" in screen.text and "┌─ Processes" not in screen.text
        assert screen.client.tables == frozenset()
        await screen.press("1")
        assert "┌─ History" in screen.text


async def test_sorting_processes() -> None:
    async with console(states.healthy()) as screen:
        await screen.press("2", "T")
        assert "by time" in screen.text
        first = next(line for line in screen.lines if "/usr/sbin/worker" in line)
        assert "--number 0" in first
        await screen.press("I")
        first = next(line for line in screen.lines if "/usr/sbin/worker" in line)
        assert "--number 39" in first
        await screen.press("f6")
        assert "by age" in screen.text


async def test_pause_freezes_the_picture_while_the_polling_goes_on() -> None:
    state = states.healthy()
    async with console(state) as screen:
        assert "23 %" in screen.text
        await screen.press("p")
        states.add(state, "web-3", "system", states.system(cpu=0.77))
        state.wall += 12
        screen.app.refresh_state()
        assert "23 %" in screen.text and "77 %" not in screen.text
        assert "PAUSED 12 s" in screen.lines[0]
        await screen.press("p")
        assert "77 %" in screen.text and "PAUSED" not in screen.text


async def test_the_order_holds_still_after_a_key_and_the_selection_follows_its_row() -> None:
    state = states.healthy()
    async with console(state) as screen:
        await screen.press("3", "j", "j")
        assert screen.app.view.selected["queues"] == "cache-1/thumbnails"
        state.alerts = states.incident().alerts
        states.add(
            state, "cache-1", "redis",
            states.redis() + states.queue("emails", 1, 1, 0, 1, 1, 1) + states.queue("thumbnails", 1, 1, 0, 1, 1, 1)
            + states.queue("webhook", 9, 0, 0, 1, 0, 0),
        )  # fmt: skip
        screen.app.refresh_state()
        order = screen.app.view.orders["queues"]
        assert order == ["cache-1/emails", "cache-1/thumbnails", "cache-1/webhook"]
        screen.clock.advance(6)
        screen.app.refresh_state()
        assert screen.app.view.orders["queues"][0] == "cache-1/webhook"
        assert screen.app.view.selected["queues"] == "cache-1/thumbnails"


async def test_help_shows_every_binding_and_escape_never_quits() -> None:
    async with console(states.healthy(), (160, 90)) as screen:
        await screen.press("h")
        for binding in screen.app.keymap.bindings:
            assert binding.help[:30] in screen.text
        await screen.press("escape", "escape", "escape")
        assert screen.app.is_running and "─ Help ─" not in screen.text


async def test_the_palette_runs_what_was_typed() -> None:
    async with console(states.healthy()) as screen:
        await screen.press("colon", *"maxim")
        assert "this pane alone" in screen.text
        await screen.press("enter")
        await screen.settle()
        assert screen.app.view.maximised


async def test_themes_switch_live_and_a_bad_one_leaves_the_old() -> None:
    async with console(states.healthy()) as screen:
        await screen.press("f2", "enter", *"light", "enter")
        assert screen.app.palette.theme.name == "light"
        screen.app.use_theme("nothing")
        assert screen.app.palette.theme.name == "light"
        assert 'there is no theme "nothing"' in screen.lines[-1]


async def test_remapped_keys_work_and_show() -> None:
    async with console(states.healthy(), settings=Settings(keys={"maximise": "x"})) as screen:
        await screen.press("x")
        assert screen.app.view.maximised and "x maximise" in screen.lines[-1]
        await screen.press("f")
        assert screen.app.view.maximised


async def test_details_say_everything_about_a_source() -> None:
    async with console(states.incident()) as screen:
        await screen.press("4", "j", "d")
        assert "redis.memory.used" in screen.text and "connection refused" in screen.text


async def test_requests_say_what_went_wrong() -> None:
    async with console(states.healthy()) as screen:
        screen.client.failure = RequestFailed("line 3: unknown key")
        await screen.press("ctrl+r")
        await screen.settle()
        assert "line 3: unknown key" in screen.lines[-1]
        await screen.press("4", "j", "r")
        await screen.settle()
        assert ("poll", "cache-1") in screen.client.asked


async def test_quit_says_goodbye() -> None:
    async with console(states.healthy()) as screen:
        await screen.press("q")
        assert ("bye",) in screen.client.asked
    assert screen.app.return_code == 0


async def test_resizing_draws_for_the_new_size() -> None:
    async with console(states.incident()) as screen:
        await screen.pilot.resize_terminal(60, 20)
        await screen.settle()
        assert len(screen.lines) == 20 and "3 queues" in screen.lines[1]
        await screen.pilot.resize_terminal(30, 5)
        await screen.settle()
        assert "1 critical" in screen.lines[0] and "┌" not in screen.text


async def test_tabs_of_a_small_screen_follow_the_number_keys() -> None:
    async with console(states.incident(), (80, 24)) as screen:
        await screen.press("4")
        assert "┌─ Caches" in screen.text and "┌─ Alerts" in screen.text
        await screen.press("tab")
        assert "┌─ Databases" in screen.text


async def test_a_source_that_recovers_is_shown_at_once() -> None:
    state = states.incident()
    async with console(state) as screen:
        assert "connection refused" in screen.text
        states.add(state, "cache-3", "redis", states.redis(0.93), status=SourceState.OK)
        screen.app.refresh_state()
        assert "connection refused" not in screen.text


async def test_a_theme_that_cannot_be_used_is_said_and_does_not_keep_the_console_from_starting() -> None:
    async with console(states.healthy(), settings=Settings(theme="no-such")) as screen:
        assert 'there is no theme "no-such"' in screen.text and screen.app.palette.theme.name == "dark"


async def test_the_series_of_the_worst_alert_is_watched_as_soon_as_it_is_charted() -> None:
    state = states.healthy()
    async with console(state) as screen:
        assert "mysql.metadata_locks.waiting" not in screen.client.watched
        alert = Alert(rule="r", source="orders-db", metric="mysql.metadata_locks.waiting", state=AlertState.FIRING)
        state.alerts = AlertsView(firing=(alert,))
        screen.app.refresh_state()
        assert "mysql.metadata_locks.waiting · orders-db" in screen.text
        assert "mysql.metadata_locks.waiting" in screen.client.watched


async def test_without_its_agent_figures_are_stale_after_two_intervals() -> None:
    state = states.healthy()
    async with console(state) as screen:
        state.now += 2.5
        screen.app.refresh_state()
        assert "stale" not in screen.text
        state.link, state.link_note = Link.LOST, "the agent is gone"
        screen.app.refresh_state()
        assert "stale, figures 3 s ago" in screen.text and "● live" not in screen.lines[0]


async def test_what_begins_to_fire_is_drawn_at_once_and_its_new_figures_with_the_next_second() -> None:
    state = states.healthy()
    async with console(state) as screen:
        state.alerts = states.incident().alerts
        screen.app._changed()
        assert "4 firing" in screen.text
        moment = screen.app._moment
        firing = tuple(msgspec.structs.replace(alert, value=1.0) for alert in state.alerts.firing)
        state.alerts = msgspec.structs.replace(state.alerts, firing=firing)
        screen.app._changed()
        assert screen.app._moment == moment
