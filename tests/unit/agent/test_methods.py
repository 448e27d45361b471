"""Who may change what: roles, consoles that only look, and agents that are read-only."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from perftui.actions.frame.runner import ActionRunner
from perftui.agent.connection import Connection
from perftui.agent.methods import Methods
from perftui.agent.peer import ADMIN, VIEWER, Peer
from perftui.config.settings import Settings
from perftui.core.alert import RuleInfo
from perftui.core.clock import ManualClock
from perftui.core.errors import Refused, RequestFailed
from perftui.engine.engine import Engine
from tests.unit.actions.stage import Stage

WRITING: dict[str, dict[str, object]] = {
    "ack": {"key": "k"},
    "unack": {"key": "k"},
    "silence": {"matchers": {}, "seconds": 600},
    "unsilence": {"id": "x"},
    "set_rule": {"name": "memory", "changes": {"warning": "98%"}},
}
"""Each method that writes; the parameters make no sense, so that what is let through fails and changes nothing."""
DECISIONS = ("ack", "unack", "silence", "unsilence")


async def asked(
    method: str, *, role: str = ADMIN, console: bool = False, flag: bool = False, file: bool = False
) -> None:
    """Ask with this role, of a console, an agent or a file that is read-only."""

    async def no_rule(_name: str, _changes: dict[str, str]) -> RuleInfo:
        raise RequestFailed("no such rule")

    async def no_reload() -> None:
        pytest.fail("nobody asked for that")

    clock = ManualClock()
    engine = Engine(Settings(read_only=file), clock, read_only=flag)
    methods = Methods(engine, cast("ActionRunner", None), clock, no_reload, no_rule, private=False)
    peer = Peer(pid=1, uid=1000, login="ana", role=role)
    connection = cast("Connection", SimpleNamespace(peer=peer, read_only=console, is_console=True))
    await methods.handle(connection, method, msgspec.Raw(msgspec.json.encode(WRITING[method])))


@pytest.mark.parametrize("method", WRITING)
async def test_an_admin_may_write(method: str) -> None:
    with pytest.raises(RequestFailed):
        await asked(method)


@pytest.mark.parametrize("method", WRITING)
async def test_a_viewer_writes_nothing(method: str) -> None:
    with pytest.raises(Refused, match=f"{method} is for admins and you are viewer"):
        await asked(method, role=VIEWER)


@pytest.mark.parametrize("method", WRITING)
async def test_a_console_that_only_looks_writes_nothing(method: str) -> None:
    with pytest.raises(Refused, match=f"this console came with --read-only, and {method} writes"):
        await asked(method, console=True)


@pytest.mark.parametrize(
    ("flag", "file", "why"),
    [
        (True, False, "the agent was started with --read-only"),
        (False, True, "perftui.toml makes this agent read-only"),
        (True, True, "perftui.toml makes this agent read-only"),
    ],
)
async def test_an_agent_that_is_read_only_takes_decisions_and_no_rules(flag: bool, file: bool, why: str) -> None:
    for method in DECISIONS:
        with pytest.raises(RequestFailed):
            await asked(method, flag=flag, file=file)
    with pytest.raises(Refused, match=why):
        await asked("set_rule", flag=flag, file=file)


class Asking:
    """Asks the methods of actions over a runner, as one role."""

    def __init__(self, stage: Stage, role: str = ADMIN, *, console: bool = False) -> None:
        async def never(*_words: object) -> Any:
            pytest.fail("nobody asked for that")

        self._methods = Methods(Engine(Settings(), stage.clock), stage.runner, stage.clock, never, never, private=False)
        peer = Peer(pid=1, uid=1000, login="ana", role=role, claimed={"SUDO_USER": "eve"})
        self._connection = cast("Connection", SimpleNamespace(peer=peer, read_only=console, is_console=True))

    async def __call__(self, method: str, **params: object) -> Any:
        return await self._methods.handle(self._connection, method, msgspec.Raw(msgspec.json.encode(params)))


async def test_an_action_goes_from_its_offer_to_its_record(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    ask = Asking(stage)
    (offer,) = await ask("offers", key="c")
    plan = await ask("plan", action=offer.action, target=offer.target, params={"queue": "mail"})
    stage.rule(max_targets=1)
    with pytest.raises(Refused, match="refused by confirmation"):
        await ask("apply", plan=plan.id, confirmation="y", reason="outage", break_glass=True)
    await ask("apply", plan=plan.id, confirmation="cache-1", reason="outage", break_glass=True)
    await stage.ended(plan)
    (row,) = await ask("audit", number=5)
    assert (row.plan, row.subject, row.who, row.reason) == (plan.id, "mail", "ana (claims eve)", "outage")


async def test_a_viewer_previews_nothing_and_may_do_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    ask = Asking(stage, VIEWER)
    run = await stage.run()
    for method, given in (
        ("offers", {"key": "c"}),
        ("plan", {"action": "cleanup.fake", "target": "cache-1"}),
        ("undo", {"plan": run.plan.id}),
    ):
        with pytest.raises(Refused, match=f"refused by role: {method} is for admins and you are viewer"):
            await ask(method, **given)
    assert stage.fake.planned == 1
    stage.clock.advance(10)
    await may_only_look(stage, ask, "role")


async def test_an_admin_who_only_looks_may_preview_and_nothing_more(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    ask = Asking(stage, console=True)
    await ask("plan", action="cleanup.fake", target="cache-1")
    stage.fake.programs = True
    with pytest.raises(Refused, match="its preview runs a program, and you attached with --read-only"):
        await ask("plan", action="cleanup.fake", target="cache-1")
    await may_only_look(stage, ask, "read-only")


async def may_only_look(stage: Stage, ask: Asking, check: str) -> None:
    """Prove that he can neither apply what somebody previewed, nor cancel what somebody runs."""
    before, plan = stage.fake.started, await stage.plan()
    with pytest.raises(Refused) as caught:
        await ask("apply", plan=plan.id, confirmation="y")
    assert (caught.value.check, stage.fake.started) == (check, before)
    stage.fake.step.clear()
    await Asking(stage)("apply", plan=plan.id, confirmation="y")
    with pytest.raises(Refused, match="only who may act may cancel"):
        await ask("cancel", plan=plan.id)
    stage.fake.step.set()
    await stage.ended(plan)


async def test_what_cannot_be_taken_back_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is nothing to take back"):
        await Asking(Stage(tmp_path))("undo", plan="none")
