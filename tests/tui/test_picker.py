"""What is on offer: asked of the agent, ordered, chosen; and why there is nothing."""

import asyncio

import pytest
from msgspec.structs import replace

from perftui.core.action import Offer, Param
from perftui.core.errors import RequestFailed
from perftui.core.wire import METHOD_NOT_FOUND
from perftui.tui.dialogs.alert_details import AlertDetails
from tests.support import remedies, states
from tests.tui.console import Console, console


def _asked(screen: Console) -> list[tuple[str, ...]]:
    return [request for request in screen.client.asked if request[0] == "offers"]


async def test_it_opens_at_once_and_the_agent_answers_later() -> None:
    async with console(states.incident()) as screen:
        screen.client.slow = asyncio.Event()
        await screen.press("4", "j", "j", "c")
        assert "asking the agent what can be done" in screen.text
        await screen.press("enter")
        assert screen.app.dialogs and not any(request[0] == "plan" for request in screen.client.asked)
        screen.client.slow.set()
        await screen.settle()
        assert "Free expired keys" in screen.text and "undo no" in screen.text


async def test_the_row_comes_first_and_the_rest_below() -> None:
    async with console(states.incident()) as screen:
        await screen.press("3", "j", "c")
        assert ("offers", "c", "cache-1", "", "queue=webhook") in _asked(screen)
        assert "Clean up: cache-1 webhook" in screen.text
        lines = [line for line in screen.lines if "Free expired keys" in line]
        assert "cache-1" in lines[0] and len(lines) == 4, "what the row offers is not offered again"
        assert screen.text.index("on cache-1 webhook") < screen.text.index("elsewhere")
        assert screen.text.count("production") == 1


async def test_what_serves_the_row_from_elsewhere_comes_first() -> None:
    async with console(remedies.state()) as screen:
        workers = replace(remedies.START, title="start the workers", serves=("webhook",))
        screen.client.offered = (remedies.START, workers, remedies.ANY)
        await screen.press("3", "j", "s")
        titles = ("on cache-1 webhook", "start the workers", "restart any unit", "elsewhere", "restart worker-webhook")
        places = [screen.text.index(title) for title in titles]
        assert places == sorted(places)


@pytest.mark.parametrize(
    ("key", "picker"), [("c", "c"), ("w", "w"), ("s", "s"), ("f9", "f9"), ("f7", "f7"), ("f8", "f7")]
)
async def test_each_key_asks_for_its_own_picker(key: str, picker: str) -> None:
    async with console(states.healthy()) as screen:
        await screen.press("2", "j", key)
        assert _asked(screen)[0][1] == picker


@pytest.mark.parametrize(
    ("command", "picker"), [("warm", "w"), ("renice-up", "f7"), ("renice-down", "f7"), ("signal", "f9")]
)
async def test_each_has_a_command(command: str, picker: str) -> None:
    async with console(states.healthy()) as screen:
        await screen.press("2", "j", "colon", *("minus" if letter == "-" else letter for letter in command), "enter")
        await screen.settle()
        assert _asked(screen)[0][1] == picker


@pytest.mark.parametrize(("key", "nice"), [("f7", "4"), ("f8", "6")])
async def test_a_process_is_known_by_its_pid_and_its_next_priority(key: str, nice: str) -> None:
    state = states.healthy()
    table = state.tables["web-3", "processes"]
    at = table.columns.index("nice")
    rows = tuple((*row[:at], 5, *row[at + 1 :]) for row in table.rows)
    state.tables["web-3", "processes"] = replace(table, rows=rows)
    async with console(state) as screen:
        screen.client.offered = (Offer(action="process.renice", target="web-3", title="renice worker"),)
        await screen.press("2", "j", key)
        assert _asked(screen)[0] == ("offers", "f7", "web-3", "", "pid=1000", f"nice={nice}")
        assert "elsewhere" not in screen.text and "Renice: web-3 1000 worker" in screen.text


@pytest.mark.parametrize("key", ["f7", "f8", "f9"])
@pytest.mark.parametrize("keys", [("2",), ("3", "j")])
async def test_without_a_process_nothing_is_offered_for_one(key: str, keys: tuple[str, ...]) -> None:
    async with console(states.healthy()) as screen:
        await screen.press(*keys, key)
        assert "choose a process first" in screen.lines[-1]
        assert not screen.app.dialogs and not _asked(screen)


async def test_f9_on_the_host_offers_those_that_hold_deleted_files() -> None:
    async with console(states.healthy()) as screen:
        await screen.press("j", "f9")
        assert _asked(screen)[0][:3] == ("offers", "f9", "web-3")


async def test_a_signal_names_the_process_that_gets_it() -> None:
    params = Param(name="pid", help="which", required=True, is_subject=True)
    info = replace(remedies.RESTART, id="process.signal", key="f9", params=(params,))
    state = states.healthy()
    state.actions = (*state.actions, info)
    async with console(state) as screen:
        screen.client.offered = (
            Offer(action=info.id, target="web-3", title="TERM process 1000", params={"pid": "1000"}),
        )
        await screen.press("2", "j", "f9")
        assert any("TERM process 1000" in line and "web-3/worker 1000" in line for line in screen.lines)


async def test_a_filter_selects_its_first_row() -> None:
    async with console(states.healthy()) as screen:
        await screen.press("2", "slash", *"1007", "enter", "f9")
        assert "pid=1007" in _asked(screen)[0]


async def test_without_the_priority_the_form_asks_for_it() -> None:
    state = states.healthy()
    table = state.tables["web-3", "processes"]
    at = table.columns.index("nice")
    rows = tuple((*row[:at], *row[at + 1 :]) for row in table.rows)
    columns = (*table.columns[:at], *table.columns[at + 1 :])
    state.tables["web-3", "processes"] = replace(table, columns=columns, rows=rows)
    async with console(state) as screen:
        await screen.press("2", "j", "f7")
        assert _asked(screen)[0] == ("offers", "f7", "web-3", "", "pid=1000")


async def test_what_is_blocked_says_why_and_is_not_chosen() -> None:
    async with console(remedies.state()) as screen:
        screen.client.offered = (remedies.BLOCKED, remedies.START)
        await screen.press("s")
        assert "not now: it crash-loops: 5 restarts within 2 minutes" in screen.text
        assert next(line for line in screen.lines if "restart worker-webhook" in line).count("▶") == 1
        await screen.press("up", "enter")
        assert not any(request[0] == "plan" for request in screen.client.asked)


async def test_typing_narrows_it_and_the_order_stays() -> None:
    async with console(remedies.state()) as screen:
        screen.client.offered = (remedies.START, remedies.ANY)
        await screen.press("s", *"any", "enter")
        await screen.settle()
        assert "Restart a unit" in screen.text and "on cache-1" in screen.text


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        (("4", "j", "j", "w"), "no [warm.NAME] recipe for cache-2: perftui.toml needs one"),
        (("3", "j", "s"), "no [scale.NAME] group lists the queue webhook; add one to perftui.toml"),
        (("7", "s"), "no unit, program or [scale.NAME] group for any source that is watched here"),
    ],
)
async def test_nothing_on_offer_says_why_and_what_to_write(keys: tuple[str, ...], why: str) -> None:
    async with console(states.incident()) as screen:
        await screen.press(*keys)
        assert why in screen.text
        await screen.press("enter")
        assert not screen.app.dialogs


async def test_nothing_on_the_row_says_why_before_what_is_offered_elsewhere() -> None:
    async with console(remedies.state()) as screen:
        screen.client.offered = (remedies.START,)
        await screen.press("4", "j", "j", "w")
        assert "no [warm.NAME] recipe for cache-2: perftui.toml needs one. Elsewhere:" in screen.text


async def test_an_old_agent_is_told_apart_from_an_empty_one() -> None:
    async with console(states.incident()) as screen:
        screen.client.failure = RequestFailed("there is no method offers", METHOD_NOT_FOUND)
        await screen.press("c")
        assert "The agent (perftui 0.1.0, pid 4711) is too old for this" in screen.text


@pytest.mark.parametrize("key", ["c", "w", "s", "u", "f7", "f8", "f9"])
async def test_read_only_binds_none_of_them(key: str) -> None:
    async with console(states.incident(), read_only=True) as screen:
        await screen.press("4", "j", key)
        assert "read-only: nothing can be changed from here" in screen.lines[-1]
        assert not screen.app.dialogs and screen.client.asked == []
        await screen.press("escape")
        assert "cleanup" not in screen.lines[-1] and "optimise" not in screen.lines[-1]


async def test_enter_on_an_alert_without_remedies_offers_what_there_is_all_the_same() -> None:
    async with console(remedies.state()) as screen:
        screen.client.offered = (remedies.ANY,)
        await screen.press("8", "j", "enter")
        await screen.settle()
        assert "Remedies for cache-1" in screen.text and "restart any unit" in screen.text


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (1, "no [scale.NAME] group lists the queue webhook; add one to perftui.toml"),
        (3, "the rule memory names no remedies"),
        (5, "it is over: there is nothing left to remedy"),
    ],
)
async def test_enter_on_an_alert_that_nothing_remedies_says_why_and_d_shows_its_details(row: int, why: str) -> None:
    async with console(states.incident()) as screen:
        screen.client.offered = ()
        await screen.press("8", *["j"] * row, "enter")
        await screen.settle()
        assert "Remedies for" in screen.text and why in screen.text and "d details" in screen.text
        await screen.press("d")
        assert isinstance(screen.app.dialogs[-1], AlertDetails) and len(screen.app.dialogs) == 1


async def test_an_agent_that_does_not_answer_leaves_the_way_to_the_details() -> None:
    async with console(states.incident()) as screen:
        screen.client.failure = RequestFailed("the agent did not answer within 5 s")
        await screen.press("8", "j", "enter")
        await screen.settle()
        assert "the agent did not answer within 5 s" in screen.text
        await screen.press("d")
        assert isinstance(screen.app.dialogs[-1], AlertDetails)


async def test_against_an_alert_the_plan_knows_which() -> None:
    async with console(states.incident()) as screen:
        await screen.press("8", "j", "j", "j", "j", "enter")
        await screen.settle()
        await screen.press("enter")
        await screen.settle()
        assert screen.client.against == ["hit-rate/cache-2/"]


async def test_read_only_enter_on_an_alert_says_so_and_leads_to_its_details() -> None:
    async with console(states.incident(), read_only=True) as screen:
        await screen.press("8", "j", "j", "j", "j", "enter")
        assert "read-only: nothing can be changed from here" in screen.text and not _asked(screen)
        await screen.press("d")
        assert "hit-rate on cache-2" in screen.text


async def test_an_alert_names_its_first_remedy_where_there_is_room() -> None:
    for width, words in ((200, "enter: free the memory of expired keys"), (120, "enter: remedies"), (80, "")):
        async with console(states.incident(), (width, 40)) as screen:
            await screen.press("8")
            tagged = [line for line in screen.lines if "enter: " in line]
            assert [words in line for line in tagged] == [True] * bool(words)


async def test_a_remedy_elsewhere_is_against_the_alert_too() -> None:
    async with console(remedies.state()) as screen:
        screen.client.offered, screen.client.planned = (remedies.START,), remedies.PLAN
        await screen.press("8", "j", "j", "j", "j", "enter")
        await screen.settle()
        await screen.press("enter")
        await screen.settle()
        assert screen.client.against == ["hit-rate/cache-2/"], "its own figure proves it, wherever it is done"
