"""The guard: each check refuses by name, and nothing happens before all agree."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from perftui.actions.contract import PLAN_LIFE, Actor
from perftui.actions.guard import Attempt, Guard
from perftui.config.settings import Settings
from perftui.core.action import Risk
from perftui.core.errors import Refused, TargetChanged
from tests.unit.actions.stage import ADMIN, FakeAction, Stage


async def refusal(stage: Stage, confirmation: str = "y", actor: Actor = ADMIN) -> Refused:
    plan = await stage.plan()
    with pytest.raises(Refused) as caught:
        await stage.runner.apply(plan.id, confirmation, actor)
    assert stage.fake.started == 0
    assert stage.events() == []
    assert not stage.runner.busy
    return caught.value


async def test_read_only_is_refused_at_each_level_and_says_which(tmp_path: Path) -> None:
    flag = Stage(tmp_path, read_only=True)
    assert "the agent was started with --read-only" in str(await refusal(flag))
    config = Stage(tmp_path)
    config.settings = Settings(read_only=True)
    assert "perftui.toml says read_only = true" in str(await refusal(config))
    source = Stage(tmp_path)
    source.source = msgspec.structs.replace(source.source, read_only=True)
    assert "[sources.cache-1] says read_only = true" in str(await refusal(source))
    error = await refusal(Stage(tmp_path), actor=msgspec.structs.replace(ADMIN, read_only=True))
    assert (error.check, error.remedy) == ("read-only", "attach without it")


async def test_a_viewer_cannot_act(tmp_path: Path) -> None:
    assert (await refusal(Stage(tmp_path), actor=Actor(uid=1000, role="viewer"))).check == "role"


async def test_an_old_preview_is_refused(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    stage.clock.advance(PLAN_LIFE)
    with pytest.raises(Refused, match="preview is too old"):
        await stage.runner.apply(plan.id, "y", ADMIN)


async def test_another_server_at_the_address_is_not_touched(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    stage.fake.server["run_id"] = "second"
    with pytest.raises(TargetChanged, match="run_id was first and is second now"):
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert stage.fake.started == 0


async def test_a_server_of_which_more_is_known_than_was_previewed_is_not_touched(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    stage.fake.server["cluster"] = "yes"
    with pytest.raises(TargetChanged, match="cluster was nothing and is yes now"):
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert stage.fake.started == 0


@pytest.mark.parametrize(
    "change", [{"targets": ("db0", "db1")}, {"params": {"reason": "another"}}, {"action": "cleanup.more"}]
)
async def test_a_plan_that_is_not_the_previewed_one_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    guard = Guard(stage.clock)
    attempt = Attempt(
        action=stage.fake,
        plan=msgspec.structs.replace(plan, **change),
        target=stage.source,
        settings=stage.settings,
        actor=ADMIN,
        confirmation="y",
    )
    with pytest.raises(TargetChanged, match="it is not what was previewed"):
        await guard.admit(attempt)
    await guard.admit(msgspec.structs.replace(attempt, plan=plan))


@pytest.mark.parametrize(
    ("risk", "production", "wanted"),
    [
        (Risk.LOW, False, "y"),
        (Risk.MEDIUM, False, "y"),
        (Risk.HIGH, False, "cache-1"),
        (Risk.LOW, True, "cache-1"),
        (Risk.HIGH, True, "cache-1"),
    ],
)
async def test_confirmation_grows_with_the_risk(tmp_path: Path, risk: Risk, production: bool, wanted: str) -> None:
    stage = Stage(tmp_path, FakeAction(risk))
    stage.source = msgspec.structs.replace(stage.source, production=production)
    plan = await stage.plan()
    assert plan.confirm == wanted
    for wrong in ("", "Y", "yes", "cache-2", "y" if wanted != "y" else "cache-1"):
        with pytest.raises(Refused, match=f"type {wanted}"):
            await stage.runner.apply(plan.id, wrong, ADMIN)
    await stage.runner.apply(plan.id, wanted, ADMIN)
    await stage.ended(plan)


async def test_production_set_after_the_preview_counts(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    stage.source = msgspec.structs.replace(stage.source, production=True)
    with pytest.raises(Refused, match="type cache-1"):
        await stage.runner.apply(plan.id, "y", ADMIN)


async def test_one_action_at_a_time_on_a_target(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    first, second = await stage.plan(), await stage.plan()
    stage.fake.step.clear()
    await stage.runner.apply(first.id, "y", ADMIN)
    with pytest.raises(Refused, match=r"refused by lock: cleanup\.fake runs on cache-1"):
        await stage.runner.apply(second.id, "y", ADMIN)
    stage.fake.step.set()
    await stage.ended(first)


async def test_a_target_is_left_alone_for_a_while(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    await stage.run()
    plan = await stage.plan()
    with pytest.raises(Refused, match="try again in 10 s"):
        await stage.runner.apply(plan.id, "y", ADMIN)
    stage.clock.advance(10)
    await stage.runner.apply(plan.id, "y", ADMIN)
    await stage.ended(plan)
    assert stage.fake.started == 2


async def test_a_thousand_at_once_run_it_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    runs = await asyncio.gather(*(stage.runner.apply(plan.id, "y", ADMIN) for _ in range(1000)))
    await stage.ended(plan)
    assert {run.plan.id for run in runs} == {plan.id}
    assert stage.fake.started == 1
    assert stage.events() == ["intent", "outcome", "proof"]
