"""An action goes on when the console is gone; whoever comes next sees it run, and how it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from perftui.client.agent_client import AgentClient
from perftui.core.action import Outcome, Plan, Run
from tests.support.agents import QUIET, attached, end_agents, write_config
from tests.support.servers import eventually

pytestmark = pytest.mark.integration


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Return the file that lets the action end."""
    return tmp_path / "gate"


@pytest.fixture
def config(tmp_path: Path, gate: Path) -> Iterator[str]:
    runbook = f'[runbooks.long]\ntitle = "Wait"\nshell = "while [ ! -e {gate} ]; do sleep 0.05; done; echo through"\n'
    yield write_config(tmp_path, QUIET + runbook)
    end_agents()


async def started(client: AgentClient) -> Plan:
    async def offered() -> bool:
        return any(info.id == "runbook.long" for info in client.state.actions)

    await eventually(offered)
    plan = await client.plan("runbook.long", "system", {})
    run = await client.apply(plan, plan.confirm, "ticket 7")
    assert run.outcome is Outcome.RUNNING
    return plan


def seen(client: AgentClient, plan: Plan) -> Run | None:
    return next((run for run in client.state.runs if run.plan.id == plan.id), None)


async def until(client: AgentClient, plan: Plan, outcome: Outcome) -> Run:
    async def there() -> bool:
        run = seen(client, plan)
        return run is not None and run.outcome is outcome

    await eventually(there)
    run = seen(client, plan)
    assert run is not None
    return run


async def test_a_hang_up_does_not_stop_it_and_the_next_console_sees_it_first(config: str, gate: Path) -> None:
    async with attached(config) as first:
        plan = await started(first)
    async with attached(config) as second:
        run = await until(second, plan, Outcome.RUNNING)
        assert run.reason == "ticket 7"
        gate.touch()
        run = await until(second, plan, Outcome.SUCCEEDED)
        assert any("through" in line.before + line.after for line in run.lines)

        async def recorded() -> bool:
            return any(row.plan == plan.id and row.outcome == "succeeded" for row in second.state.audit)

        await eventually(recorded)


async def test_two_consoles_see_one_run_and_either_may_cancel_it(config: str) -> None:
    async with attached(config) as first, attached(config) as second:
        plan = await started(first)
        await until(second, plan, Outcome.RUNNING)
        await second.cancel(plan.id)
        await until(first, plan, Outcome.CANCELLED)
