"""Alerts through a real agent: what people decide on them, what outlives a kill, and rules that change meanwhile."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from perftui.client.agent_client import AgentClient
from perftui.core.alert import Alert, AlertState
from perftui.core.errors import Refused, RequestFailed
from perftui.core.matcher import literal
from tests.support.agents import QUIET, agent_pids, attached, end_agents, write_config
from tests.support.servers import eventually

pytestmark = pytest.mark.integration
ALWAYS = """
# of the night shift
[[rules]]
name = "memory"            # the host has little
above = { warning = 0, critical = "99%" }
clear = "off"
for = "0s"
keep_firing_for = "0s"
clear_for = "1s"
"""


@pytest.fixture
def config(tmp_path: Path) -> Iterator[str]:
    yield write_config(tmp_path, QUIET + ALWAYS)
    end_agents()


async def firing(client: AgentClient, rule: str = "memory", state: AlertState = AlertState.FIRING) -> Alert:
    """Wait until the rule fires; return its alert."""

    async def fires() -> bool:
        return any(alert.rule == rule and alert.state is state for alert in client.state.alerts.firing)

    await eventually(fires)
    return next(alert for alert in client.state.alerts.firing if alert.rule == rule)


async def quiet(client: AgentClient, rule: str = "memory") -> None:
    """Wait until the rule does not fire any more."""

    async def is_quiet() -> bool:
        return all(alert.rule != rule for alert in client.state.alerts.firing)

    await eventually(is_quiet, deadline=20)


async def test_an_ack_and_a_silence_are_shown_counted_and_survive_a_kill(config: str) -> None:
    async with attached(config) as client:
        alert = await firing(client)
        await client.ack(alert.key, "looking \x1b[31minto it")
        silence = await client.silence({"rule": literal("memory")}, 3600, "a new host is on its way")

        async def is_held_back() -> bool:
            return client.state.alerts.counts.silenced == 1

        await eventually(is_held_back)
        (pid,) = agent_pids()
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: _other_agent(client, pid), deadline=20)
        after = await firing(client)
        assert after.since == alert.since
        assert after.ack is not None
        assert after.ack.note == "looking ␛[31minto it"
        assert "a new host is on its way" in after.mutes[0].reason
        assert [each.id for each in client.state.alerts.silences] == [silence.id]


async def _other_agent(client: AgentClient, pid: int) -> bool:
    return client.state.welcome is not None and client.state.welcome.pid != pid


async def test_decisions_can_be_taken_back_once(config: str) -> None:
    async with attached(config) as client:
        alert = await firing(client)
        await client.ack(alert.key)
        await client.unack(alert.key)
        silence = await client.silence({"source": "system"}, 600)
        await client.unsilence(silence.id)

        async def calls_again() -> bool:
            (shown,) = [each for each in client.state.alerts.firing if each.key == alert.key]
            return shown.ack is None and not shown.mutes

        await eventually(calls_again)
        for again in (client.unack(alert.key), client.unsilence(silence.id)):
            with pytest.raises(RequestFailed):
                await again


@pytest.mark.parametrize(
    ("matchers", "seconds", "wrong"),
    [({}, 600, "needs a matcher"), ({"rule": "~("}, 600, "regular expression"), ({"rule": "cpu"}, 1, "from 1 minute")],
)
async def test_a_silence_that_makes_no_sense_is_refused(
    config: str, matchers: dict[str, str], seconds: float, wrong: str
) -> None:
    async with attached(config) as client:
        with pytest.raises(RequestFailed, match=wrong):
            await client.silence(matchers, seconds)


async def test_a_read_only_console_decides_nothing(config: str) -> None:
    async with attached(config, read_only=True) as client:
        alert = await firing(client)
        for wanted in (
            client.ack(alert.key),
            client.unack(alert.key),
            client.silence({"rule": "memory"}, 600),
            client.unsilence("x"),
            client.set_rule("memory", {"warning": "90%"}),
        ):
            with pytest.raises(Refused, match="read-only"):
                await wanted
        assert client.state.alerts.silences == ()
        assert [rule.warning for rule in await client.rules() if rule.name == "memory"] == ["0"]


async def test_a_threshold_is_checked_applied_and_written_with_the_comments_kept(config: str) -> None:
    async with attached(config) as client:
        await firing(client)
        before = Path(config).read_text()
        with pytest.raises(RequestFailed, match="critical"):
            await client.set_rule("memory", {"warning": "99.5%"})
        assert Path(config).read_text() == before
        info = await client.set_rule("memory", {"warning": "98%"})
        assert (info.warning, info.changed) == ("98%", True)
        await quiet(client)
        written = Path(config).read_text()
        assert "# of the night shift" in written
        assert "# the host has little" in written
        assert '"98%"' in written


async def test_the_past_of_an_alert_can_be_asked_for(config: str) -> None:
    async with attached(config) as client:
        alert = await firing(client)
        assert await client.ended(alert) == ()
        await client.set_rule("memory", {"warning": "98%"})
        await quiet(client)
        (ended,) = await client.ended(alert)
        assert ended.state is AlertState.RESOLVED
        assert (ended.since, ended.resolved_at is None) == (alert.since, False)


async def test_broken_rules_leave_the_old_ones_running_and_say_what_is_wrong(config: str) -> None:
    async with attached(config) as client:
        await firing(client)
        Path(config).write_text(
            QUIET + ALWAYS + '[[rules]]\nname = "x"\nmetric = "system.cpu.utilisation"\nabove = 1\n'
        )
        with pytest.raises(RequestFailed, match=r'did you mean "system\.cpu\.utilization"'):
            await client.reload()

        async def is_told() -> bool:
            return any("system.cpu.utilisation" in note for note in client.state.notes)

        await eventually(is_told)
        await firing(client)
        Path(config).write_text(QUIET + ALWAYS)
        await client.reload()

        async def is_forgotten() -> bool:
            return not any("utilisation" in note for note in client.state.notes)

        await eventually(is_forgotten)


async def test_without_a_place_for_its_state_it_says_so_and_alerts_all_the_same(config: str) -> None:
    state = Path(os.environ["XDG_STATE_HOME"]) / "perftui"
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text("a file stands in the way")
    async with attached(config) as client:
        alert = await firing(client)
        await client.ack(alert.key)

        async def is_told() -> bool:
            return any("do not outlive this agent" in note for note in client.state.notes)

        await eventually(is_told)
