"""Every action, asked for by everybody in every wrong way: no server is told to change anything, as itself counts."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perftui.actions.audit.journal import Journal
from perftui.actions.audit.log import AuditLog
from perftui.actions.contract import PLAN_LIFE, Actor
from perftui.actions.frame.runner import ActionRunner
from perftui.actions.lease.kinds import lease_on
from perftui.actions.table import ActionTable
from perftui.core.action import Plan
from perftui.core.errors import Refused
from tests.support.servers import eventually
from tests.support.world import WORK, World, world
from tests.unit.actions.stage import ADMIN

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]
VIEWER = msgspec.structs.replace(ADMIN, role="viewer")
LOOKING = msgspec.structs.replace(ADMIN, read_only=True)
GLASS: dict[str, Any] = {"break_glass": True, "reason": "outage"}


@pytest.fixture
async def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with world(tmp_path, monkeypatch) as everything:
        yield everything


def runner(made: World, folder: Path, *, read_only: bool = False) -> ActionRunner:
    journal = Journal(AuditLog(folder), made.clock, folder / "no-system-log")
    table = ActionTable(made.ground, made.clock)
    return ActionRunner(table, made.ground, made.clock, journal, lambda _: None, read_only=read_only, lease=lease_on)


async def previewed(runner: ActionRunner, made: World, action: str) -> Plan:
    target, given = WORK[action]
    return await runner.plan(action, target, given(made))


async def refused(runner: ActionRunner, plan: Plan, confirmation: str, actor: Actor, check: str, **glass: Any) -> None:
    with pytest.raises(Refused) as caught:
        await runner.apply(plan.id, confirmation, actor, **glass)
    assert caught.value.check == check, plan.action


async def refused_either_way(runner: ActionRunner, plan: Plan, actor: Actor, check: str) -> None:
    """Prove that it is refused though it is rightly confirmed, and behind broken glass as well."""
    await refused(runner, plan, plan.confirm, actor, check)
    await refused(runner, plan, plan.target, actor, check, **GLASS)


async def test_nothing_is_written_by_a_preview_nor_by_whom_or_how_it_must_not(made: World, tmp_path: Path) -> None:
    free, locked = runner(made, tmp_path / "audit"), runner(made, tmp_path / "locked", read_only=True)
    assert set(WORK) == set(ActionTable(made.ground, made.clock)), "each action has its place in the world"
    before = made.told()
    for action in WORK:
        plan = await previewed(free, made, action)
        assert made.told() == before, f"{action} writes when it is only previewed"
        await refused_either_way(free, plan, VIEWER, "role")
        await refused_either_way(free, plan, LOOKING, "read-only")
        for wrong in ("", "Y", "yes", f"{plan.confirm}{plan.confirm}", "anything"):
            await refused(free, plan, wrong, ADMIN, "confirmation")
        for wrong in ("", "y", "anything", f"{plan.target}{plan.target}"):
            await refused(free, plan, wrong, ADMIN, "confirmation", **GLASS)
        for nothing in ("", " "):
            await refused(free, plan, plan.target, ADMIN, "reason", break_glass=True, reason=nothing)
        await refused_either_way(locked, await previewed(locked, made, action), ADMIN, "read-only")
        with all_read_only(made):
            await refused_either_way(free, plan, ADMIN, "read-only")
        with two_minutes_later(made):
            await refused_either_way(free, plan, ADMIN, "plan")
        assert made.told() == before, f"{action} wrote though it was refused"
    assert list(AuditLog(tmp_path / "audit").records()) == [], "what is refused leaves no intent"


async def test_what_is_counted_is_what_an_action_does(made: World, tmp_path: Path) -> None:
    """The same counts move once the very same actions are confirmed: else the test above would prove nothing."""
    free = runner(made, tmp_path / "audit")
    moves = {
        "cache.invalidate": "redis",
        "cleanup.connections": "sql",
        "cleanup.app": "http",
        "service.restart": "systemctl",
        "process.renice": "process",
        "cleanup.files": "files",
    }
    for action, counted in moves.items():
        before = made.told()[counted]
        plan = await previewed(free, made, action)
        await free.apply(plan.id, plan.confirm, ADMIN)

        async def moved(before: object = before, counted: str = counted) -> bool:
            return made.told()[counted] != before

        await eventually(moved)
    await free.close()


@contextmanager
def all_read_only(made: World) -> Iterator[None]:
    """Mark every source as read-only for a while."""
    sources = dict(made.ground.sources)
    made.ground.sources = {name: msgspec.structs.replace(each, read_only=True) for name, each in sources.items()}
    yield
    made.ground.sources = sources


@contextmanager
def two_minutes_later(made: World) -> Iterator[None]:
    """Let a preview be too old for a while."""
    made.clock.ahead = PLAN_LIFE + 1
    yield
    made.clock.ahead = 0.0
