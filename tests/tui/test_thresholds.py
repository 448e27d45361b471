"""F2: the thresholds of alerts, listed and changed."""

import msgspec

from perftui.client.state import State
from perftui.core.alert import RuleInfo
from perftui.core.errors import AgentUnavailable, RequestFailed
from tests.support import states
from tests.tui.console import Console, console

CPU = RuleInfo(
    name="cpu", metric="system.cpu.utilization", warning="70%", critical="90%", clear="65%", hold="30s",
    summary="CPU {value} above {level}", why="system.cpu.utilization", origin="the defaults",
)  # fmt: skip
HIT = RuleInfo(
    name="hit-rate", metric="redis.hit_ratio", direction="below", warning="80%", hold="5m", changed=True, enabled=False,
    why="redis.hit_ratio, avg over 5m", origin="perftui.toml",
)  # fmt: skip
ABSENT = RuleInfo(name="agent-gone", metric="agent.cpu.utilization", direction="absent", hold="1m")


def configured(state: State) -> State:
    """Return the state of an agent that has a file."""
    assert state.welcome is not None
    state.welcome = msgspec.structs.replace(state.welcome, config_path="/etc/perftui/perftui.toml")
    return state


async def _list(screen: Console) -> None:
    screen.client.rule_infos = (CPU, HIT, ABSENT)
    await screen.press("f2", *"thresh", "enter")
    await screen.settle()


async def _form(screen: Console, *letters: str) -> None:
    await _list(screen)
    await screen.press(*letters, "enter")


async def _erase(screen: Console, count: int = 5) -> None:
    await screen.press(*["backspace"] * count)


async def test_f2_offers_theme_and_thresholds_and_escape_goes_back() -> None:
    async with console(states.healthy()) as screen:
        await screen.press("f2")
        assert "─ Settings " in screen.text and "thresholds" in screen.text
        await screen.press("escape")
        assert not screen.app.dialogs


async def test_the_list_has_levels_and_marks_what_is_changed_or_off() -> None:
    async with console(states.healthy()) as screen:
        await _list(screen)
        marked = ("▶ cpu ", "  hit-rate ", "  agent-gone ")
        cpu, hit, gone = (next(line for line in screen.lines if mark in line) for mark in marked)
        assert "above ▲ 70 % ✖ 90 %" in cpu and "for 30s" in cpu and "changed" not in cpu
        assert "below ▲ 80 %" in hit and "off changed" in hit and "redis.hit_ratio" in hit
        assert "absent " in gone and "for 1m" in gone
        await screen.press(*"hit")
        assert "hit-rate" in screen.text and "agent-gone" not in screen.text


async def test_a_level_is_changed_and_only_that_is_sent() -> None:
    async with console(configured(states.incident())) as screen:
        await _form(screen, *"cpu")
        assert "web-3 64 %" in screen.text and "/etc/perftui/perftui.toml" in screen.text
        assert "system.cpu.utilization" in screen.text and "such as 80%" in screen.text
        await _erase(screen, 3)
        await screen.press("7", "5")
        screen.app.dialogs[-1].paste("%\n")
        await screen.press("enter")
        await screen.settle()
        assert screen.client.asked[-1] == ("set_rule", "cpu", "warning=75%")
        assert not screen.app.dialogs
        assert "cpu: warning 70 % → 75 %, written to perftui.toml" in screen.lines[-1]


async def test_several_texts_are_filled_in_and_a_rule_is_switched_off() -> None:
    async with console(configured(states.incident())) as screen:
        await _form(screen, *"cpu")
        await screen.press("down", "down", *"60", "shift+tab", *["backspace"] * 3, *"95", "tab", "tab", "tab")
        await _erase(screen)
        await screen.press(*"1m", "tab", "space", "enter")
        await screen.settle()
        assert screen.client.asked[-1] == ("set_rule", "cpu", "critical=95", "info=60", "for=1m", "enabled=false")
        assert "critical 90 % → 95, info none → 60, for 30s → 1m, enabled on → off" in screen.lines[-1]


async def test_what_the_agent_refuses_is_shown_and_what_was_typed_stays() -> None:
    async with console(states.incident()) as screen:
        await _form(screen, *"cpu")
        await _erase(screen)
        await screen.press(*"lots")
        screen.client.failure = RequestFailed('warning: "lots" is not an amount; write it like 80%')
        await screen.press("enter")
        await screen.settle()
        assert '"lots" is not an amount' in screen.text and "▶ warning     lots" in screen.text
        await _erase(screen)
        assert "is not an amount" not in screen.text
        await screen.press(*"72%", "enter")
        await screen.settle()
        assert screen.client.asked[-1] == ("set_rule", "cpu", "warning=72%") and not screen.app.dialogs


async def test_a_refusal_reaches_whoever_has_left_the_form() -> None:
    async with console(states.incident()) as screen:
        await _form(screen, *"cpu")
        form = screen.app.dialogs[-1]
        screen.client.failure = RequestFailed("the disk is full")
        screen.app.dialogs.clear()
        form.closed = True
        form.press("1", "1")
        form.press("enter", None)
        await screen.settle()
        assert "cpu was not changed: the disk is full" in screen.lines[-1]


async def test_nothing_changed_sends_nothing() -> None:
    async with console(states.incident()) as screen:
        await _form(screen, *"cpu")
        await screen.press("enter")
        await screen.settle()
        assert "nothing was changed" in screen.text and screen.client.asked == [("rules",)]


async def test_escape_goes_back_to_the_list_where_it_stood() -> None:
    async with console(states.incident()) as screen:
        await _form(screen, *"hit")
        await screen.press("1", "escape")
        await screen.settle()
        assert "─ Thresholds ─" in screen.text
        assert "▶ hit-rate " in screen.text
        await screen.press("escape")
        assert not screen.app.dialogs and ("set_rule" not in {name for name, *_ in screen.client.asked})


async def test_a_rule_without_levels_asks_for_none() -> None:
    async with console(states.incident()) as screen:
        await _form(screen, *"gone")
        assert "enabled" in screen.text and "warning     " not in screen.text and "clear" not in screen.text


async def test_the_worst_values_of_a_rule_that_fires_below_are_the_lowest() -> None:
    async with console(states.incident()) as screen:
        await _form(screen, *"hit")
        line = next(line for line in screen.lines if "│ now " in line)
        assert line.index("cache-2 71 %") < line.index("cache-3 93 %") and "cache-3 93 % stale" in line


async def test_the_command_opens_the_rule_of_the_selected_alert() -> None:
    async with console(configured(states.incident())) as screen:
        screen.client.rule_infos = (CPU, HIT)
        await screen.press("8", "j", "j", "j", "j")
        await screen.press("colon", *"threshold", "enter")
        await screen.settle()
        assert "─ Threshold: hit-rate ─" in screen.text and "71 % below 80 %" in screen.text
        now = next(line for line in screen.lines if "│ now " in line)
        assert "cache-2 71 %" in now and "cache-1" not in now
        await screen.press("escape")
        await screen.settle()
        assert not screen.app.dialogs


async def test_the_command_wants_an_alert_whose_rule_there_still_is() -> None:
    async with console(states.incident()) as screen:
        await screen.press("colon", *"threshold", "enter")
        await screen.settle()
        assert "select an alert first" in screen.lines[-1]
        screen.client.rule_infos = (CPU,)
        await screen.press("8", "j", "colon", *"threshold", "enter")
        await screen.settle()
        assert "the agent has no rule queue-no-workers any more" in screen.lines[-1]


async def test_an_agent_that_does_not_answer_is_told() -> None:
    async with console(states.incident()) as screen:
        screen.client.failure = AgentUnavailable("no agent is attached")
        await _list(screen)
        assert "no agent is attached" in screen.lines[-1] and not screen.app.dialogs


async def test_read_only_lists_and_changes_nothing() -> None:
    async with console(states.incident(), read_only=True) as screen:
        await _form(screen, *"cpu")
        assert not screen.app.dialogs and "read-only: nothing can be changed from here" in screen.lines[-1]
        await screen.press("8", "j", "colon", *"threshold", "enter")
        await screen.settle()
        assert not screen.app.dialogs and "read-only: nothing can be changed from here" in screen.lines[-1]


async def test_a_viewer_lists_and_changes_nothing() -> None:
    state = states.incident()
    assert state.welcome is not None
    state.welcome = msgspec.structs.replace(state.welcome, role="viewer")
    async with console(state) as screen:
        await _form(screen, *"cpu")
        assert not screen.app.dialogs and "a viewer may look at thresholds and not change them" in screen.lines[-1]


async def test_on_a_small_screen_the_line_that_is_typed_in_stays_in_sight() -> None:
    async with console(states.incident(), (60, 20)) as screen:
        await _form(screen, *"cpu")
        await screen.press("shift+tab")
        assert "▶ enabled     on" in screen.text and "space switch" in screen.text
        await screen.press("tab", *"x" * 80)
        assert "xxxxx" in screen.text and all(len(line) == 60 for line in screen.lines)
