"""Many at once: the same plan runs once, however often it is started, and two agents never share a target."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest

from perftui.actions.audit.log import AuditLog
from perftui.client import launch
from perftui.client.agent_client import AgentClient
from perftui.config.paths import private_socket, state_dir
from perftui.core.action import Plan, Run
from perftui.core.errors import Refused
from tests.support.agents import agent_pids, attached, end_agents, write_config
from tests.support.redis_server import RedisServer, redis_server
from tests.support.servers import eventually, wait_until

pytestmark = pytest.mark.integration
ROUNDS, BATCH = 5, 200
"""Each of three clients starts a plan 200 times at once, in 5 rounds: 1,000 times each."""
MOST_ROUNDS = 20
"""In so many rounds two agents must have met in 5."""
_FILL = "for i=1,ARGV[1] do redis.call('SET', 'k'..i, 'x', 'EX', 1000) end"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as running:
        yield running
    end_agents()


def fill(server: RedisServer, keys: int) -> None:
    with server.wire() as wire:
        wire("EVAL", _FILL, 0, keys)


def config(folder: Path, server: RedisServer, names: int = ROUNDS) -> str:
    """Name one server many times: of one name an action must first cool down."""
    sources = "".join(f'[sources.cache-{number}]\nkind = "redis"\nurl = "{server.url}"\n' for number in range(names))
    return write_config(folder, "discover = false\n" + sources)


async def all_starts(clients: list[AgentClient], plan: Plan) -> list[Run]:
    """Return what each of very many starts of one plan was answered."""
    return await asyncio.gather(*(client.apply(plan, "y") for _ in range(BATCH) for client in clients))


async def until_ended(client: AgentClient, plan: Plan) -> Run:
    async def ended() -> bool:
        return any(run.plan.id == plan.id and run.ended is not None for run in client.state.runs)

    await eventually(ended, deadline=60)
    return next(run for run in client.state.runs if run.plan.id == plan.id)


def intents(folder: Path | None = None) -> list[str]:
    log = AuditLog(folder or state_dir())
    log.verify()
    return [str(record["plan"]) for record in log.records() if record["event"] == "intent"]


async def test_two_consoles_and_a_script_start_the_same_1000_times_and_it_runs_once_each_time(
    server: RedisServer, tmp_path: Path
) -> None:
    fill(server, 5000)
    path, plans = config(tmp_path, server), []
    async with attached(path) as first, attached(path) as second, attached(path) as script:
        clients = [first, second, script]
        for number in range(ROUNDS):
            plan = await clients[number % 3].plan("cleanup.expired", f"cache-{number}", {})
            plans.append(plan.id)
            answers = await all_starts(clients, plan)
            assert len(answers) == 3 * BATCH
            assert {(run.plan.id, run.started) for run in answers} == {(plan.id, answers[0].started)}
            await until_ended(first, plan)
            late = await asyncio.gather(*(client.apply(plan, "y") for client in clients))
            # Out of the audit log it comes back with its start to the millisecond.
            began = {round(run.started, 3) for run in (*late, answers[0])}
            assert len(began) == 1, "nor does it run again once it has ended"
        assert len(agent_pids()) == 1
    assert intents() == plans, "one intent for each"


async def test_two_agents_race_for_one_server_and_one_at_a_time_works_on_it(
    server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(server, 40_000)
    refused = rounds = 0
    async with AsyncExitStack() as stack:
        agents, states = [], []
        for name in ("one", "two"):
            (home := tmp_path / name).mkdir(mode=0o700)
            (runtime := home / "run").mkdir(mode=0o700)
            monkeypatch.setenv("PERFTUI_RUNTIME_DIR", str(runtime))
            monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
            states.append(state_dir())
            launch.start_agent(config(home, server, MOST_ROUNDS))
            socket = private_socket()
            wait_until(partial(_answers, socket))
            stack.callback(end_agents_of, str(runtime), monkeypatch)
            agents.append(await stack.enter_async_context(attached(str(home / "perftui.toml"), socket=socket)))
        while refused < ROUNDS:
            assert rounds < MOST_ROUNDS, "they hardly met"
            plans = [await agent.plan("cleanup.expired", f"cache-{rounds}", {}) for agent in agents]
            rounds += 1
            answers = await asyncio.gather(
                *(agent.apply(plan, "y") for agent, plan in zip(agents, plans, strict=True)), return_exceptions=True
            )
            spans = []
            for agent, plan, answer in zip(agents, plans, answers, strict=True):
                if isinstance(answer, Refused):
                    assert "lock" in str(answer)
                    assert "perftui on" in str(answer), "it names who holds it"
                    refused += 1
                else:
                    assert isinstance(answer, Run), answer
                    run = await until_ended(agent, plan)
                    assert run.done is not None
                    spans.append((run.started, run.done))
            assert spans, "one of them gets through"
            assert all(one[1] <= other[0] for one, other in zip(sorted(spans), sorted(spans)[1:], strict=False))
    assert sum(len(intents(state)) for state in states) == 2 * rounds - refused, "who was refused has announced nothing"


def _answers(socket: str) -> bool:
    link = launch.connect(socket)
    if link is not None:
        link.close()
    return link is not None


def end_agents_of(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """End the agents of one runtime folder."""
    monkeypatch.setenv("PERFTUI_RUNTIME_DIR", runtime)
    end_agents()
