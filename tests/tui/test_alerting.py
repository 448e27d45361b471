"""Keys on alerts: acknowledge, silence, filter, unfold, details; and what calls for attention."""

import pytest
from msgspec.structs import replace

from perftui.config.settings import Settings
from perftui.core.errors import RequestFailed
from perftui.core.matcher import matches
from perftui.tui.attention import SETTLED
from tests.support import states
from tests.tui.console import Console, console

WEBHOOK = "queue-no-workers/cache-1/kind=bullmq,queue=webhook"


async def test_a_note_is_typed_and_pasted_and_sent_with_the_acknowledgement() -> None:
    async with console(states.incident()) as screen:
        await screen.press("8", "j", "a", "m", "e", "space")
        screen.app.dialogs[-1].paste("q\x1b[31m\n")
        await screen.press("enter")
        assert screen.client.asked == [("ack", WEBHOOK, "me q␛[31m")]
        assert not screen.app.dialogs and "acknowledged" in screen.lines[-1]


async def test_escape_acknowledges_nothing() -> None:
    async with console(states.incident()) as screen:
        await screen.press("8", "j", "a", "escape")
        assert screen.client.asked == [] and not screen.app.dialogs


async def test_an_acknowledgement_can_be_taken_back() -> None:
    async with console(states.crowded()) as screen:
        await screen.press("8", "j", "j", "j", "a")
        assert "by ana at 02:04:52 UTC: backup running" in screen.text
        await screen.press("y")
        assert screen.client.asked == [("unack", "lock-wait/orders-db/")]


async def test_a_fold_is_acknowledged_as_a_whole() -> None:
    async with console(states.crowded()) as screen:
        await screen.press("8", "j", "a", "enter")
        assert len(screen.client.asked) == 16 and {request[0] for request in screen.client.asked} == {"ack"}


@pytest.mark.parametrize("key", ["a", "m"])
async def test_without_an_alert_the_keys_say_what_to_do(key: str) -> None:
    async with console(states.incident()) as screen:
        await screen.press("4", "j", key)
        assert "select an alert first" in screen.lines[-1] and not screen.app.dialogs


@pytest.mark.parametrize("key", ["a", "m"])
async def test_read_only_sends_nothing(key: str) -> None:
    async with console(states.crowded(), read_only=True) as screen:
        await screen.press("8", "j", key)
        assert "read-only" in screen.lines[-1] and not screen.app.dialogs
        await screen.press("G", "enter")
        assert "read-only" in screen.lines[-1] and not screen.app.dialogs
        assert [request for request in screen.client.asked if request[0] != "ended"] == []


async def test_what_is_over_or_not_yet_there_is_not_acknowledged() -> None:
    async with console(states.crowded()) as screen:
        await screen.press("8", "slash", *"cpu", "enter", "a")
        assert "it does not fire yet" in screen.lines[-1]
        await screen.press("j", "a")
        assert "it is over" in screen.lines[-1] and screen.client.asked == []


async def test_a_refusal_is_told_in_the_key_bar() -> None:
    async with console(states.incident()) as screen:
        screen.client.failure = RequestFailed("that alert does not fire any more")
        await screen.press("8", "j", "a", "enter")
        assert "that alert does not fire any more" in screen.lines[-1]


async def test_a_silence_is_exactly_as_wide_as_was_chosen() -> None:
    async with console(states.crowded()) as screen:
        await screen.press("8", "j", "j", "m")
        assert "this alert: queue-no-workers webhook" in screen.text and "18 fire now" in screen.text
        await screen.press("enter")
        matchers, seconds, comment = screen.client.silenced[0]
        assert [alert.key for alert in screen.client.state.alerts.firing if matches(matchers, alert.labels)] == [
            WEBHOOK
        ]
        assert (seconds, comment) == (3600.0, "") and "silenced until 03:14:52 UTC" in screen.lines[-1]


async def test_width_length_and_comment_of_a_silence() -> None:
    async with console(states.crowded()) as screen:
        await screen.press("8", "j", "j", "m", "j", "j", "tab", *"90m", "tab", *"resize", "enter")
        assert screen.client.silenced == [({"source": "cache-1"}, 5400.0, "resize")]
        await screen.press("m", "down", "down", "down", "tab", "right", "enter")
        assert screen.client.silenced[1] == ({"rule": "queue-no-workers"}, 14400.0, "")


async def test_a_length_that_is_none_keeps_the_dialog_open() -> None:
    async with console(states.incident()) as screen:
        await screen.press("8", "j", "m", "tab", *"soon", "enter")
        assert '"soon" is not a duration' in screen.text and screen.client.silenced == []
        for typed in ("0s", "59s", "31d"):
            await screen.press("ctrl+u", *typed, "enter")
            assert "from 1 minute to 30 days" in screen.text and screen.app.dialogs
        assert screen.client.silenced == []


async def test_a_silence_that_the_agent_refuses_keeps_the_dialog_open_with_the_reason() -> None:
    async with console(states.incident()) as screen:
        screen.client.failure = RequestFailed("there are too many silences")
        await screen.press("8", "j", "m", "tab", "tab", *"why", "enter")
        assert screen.app.dialogs and "there are too many silences" in screen.text and "why" in screen.text
        await screen.press("enter")
        assert not screen.app.dialogs and screen.client.silenced[0][2] == "why"


async def test_the_details_take_care_of_their_alert_and_the_key_bar_offers_nothing_below_them() -> None:
    async with console(states.incident()) as screen:
        await screen.press("8", "j", "d")
        assert screen.lines[-1].strip() == "" and "a ack   m silence" in screen.text
        await screen.press("a", "enter")
        assert screen.client.asked[-1] == ("ack", WEBHOOK, "") and len(screen.app.dialogs) == 1
        await screen.press("m", "enter")
        assert screen.client.silenced[0][0]["source"] == "cache-1" and len(screen.app.dialogs) == 1


async def test_names_with_pattern_characters_are_silenced_literally() -> None:
    state = states.incident()
    odd = replace(state.alerts.firing[-1], source="!web-*", rule="~memory")
    other = replace(odd, source="web-12", rule="memory")
    state.alerts = states.view((odd, other))
    async with console(state) as screen:
        await screen.press("8", "slash", *"!web", "enter", "j", "m", "enter")
        matchers = screen.client.silenced[0][0]
        assert matches(matchers, odd.labels) and not matches(matchers, other.labels)


async def test_a_silence_is_ended_from_its_row() -> None:
    async with console(states.crowded()) as screen:
        await screen.press("8", "G", "up", "enter")
        assert "End this silence?" in screen.text and "resize under way" in screen.text
        await screen.press("y")
        assert screen.client.asked == [("unsilence", "s1")] and "the silence has ended" in screen.lines[-1]


async def test_enter_unfolds_and_folds() -> None:
    async with console(states.crowded()) as screen:
        await screen.press("8", "j", "enter")
        assert "shard-7: no worker" in screen.text
        assert screen.lines[4].index("images: no worker") > 0
        await screen.press("enter")
        assert "shard-7: no worker" not in screen.text and "×16" in screen.text


async def test_the_filter_keys_show_in_the_title_and_escape_takes_them_back() -> None:
    async with console(states.crowded()) as screen:
        await screen.press("8", "v", "e")
        assert "only critical unacked" in screen.lines[1]
        assert "metadata lock" not in screen.text and "webhook" in screen.text
        await screen.press("escape")
        assert "only" not in screen.lines[1] and screen.app.view.screen == "alerts"


async def test_no_filter_hides_an_alert_on_the_overview() -> None:
    async with console(states.crowded()) as screen:
        await screen.press("8", "v", "v", "1")
        assert "only" not in screen.text and "webhook: no worker" in screen.text
        await screen.press("v")
        assert "go there first" in screen.lines[-1]


async def test_details_tell_why_what_holds_it_back_and_how_it_ended_before() -> None:
    async with console(states.crowded(), (120, 60)) as screen:
        screen.client.past = states.ended()
        await screen.press("8", "j", "j", "j", "d")
        assert screen.client.asked == [("ended", "lock-wait/orders-db/")]
        for words in (
            "why         mysql.metadata_locks.waiting above 1 for 10 s",
            "acked       by ana at 02:04:52 UTC",
            "note        backup running",
            "runbook     https://wiki.example.com/locks",
            "before  2 times",
            "11-21 01:24:52  critical  for 4m",
            "lost from sight: hit ratio 50 %",
        ):
            assert words in screen.text, words


async def test_details_chart_the_time_of_the_alert() -> None:
    async with console(states.incident(), (120, 50)) as screen:
        await screen.press("8", "j", "j", "j", "d")
        axis = next(index for index, line in enumerate(screen.lines) if "02:06" in line and "now" in line)
        assert "▲ fires 02:11:40" in screen.lines[axis + 1]
        assert any("┈┈┈" in line for line in screen.lines[axis - 8 : axis])


async def test_details_say_that_the_past_could_not_be_asked() -> None:
    async with console(states.incident()) as screen:
        screen.client.failure = RequestFailed("the agent is too old for that")
        await screen.press("8", "j", "d")
        assert "before  the agent is too old for that" in screen.text


def _fire(screen: Console, count: int) -> None:
    screen.client.state.alerts = states.view(states.storm(count))
    screen.app._changed()


async def test_a_new_critical_alert_is_shown_at_the_top_right_until_a_key_that_still_does_its_work() -> None:
    async with console(states.healthy()) as screen:
        screen.clock.advance(SETTLED)
        screen.app.refresh_state()
        _fire(screen, 4)
        assert screen.lines[1].endswith("┐") and "✖ critical" in screen.lines[1] and "and 3 more" in screen.lines[4]
        await screen.press("8")
        assert "✖ critical" not in screen.lines[1] and screen.app.view.screen == "alerts"


@pytest.mark.parametrize("bell", [True, False])
async def test_the_bell_rings_once_however_many_fire_unless_it_is_off(
    bell: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console(states.healthy(), settings=Settings(bell=bell)) as screen:
        screen.clock.advance(SETTLED)
        screen.app.refresh_state()
        written: list[str] = []
        assert screen.app._driver is not None
        monkeypatch.setattr(screen.app._driver, "write", written.append)
        for count in (4, 8, 16):
            _fire(screen, count)
        assert written.count("\a") == bell
