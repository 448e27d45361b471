"""The guard: each check refuses by name, and nothing happens before all agree."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from perftui.actions.contract import PLAN_LIFE, Actor
from perftui.actions.frame.guard import Attempt, Guard
from perftui.actions.frame.recent import Recent
from perftui.actions.params import Params
from perftui.config.kinds import RedisOptions
from perftui.config.remedies import Freeze
from perftui.config.settings import Settings, SourceSettings
from perftui.core.action import Line, Outcome, Risk, Run, Watch
from perftui.core.errors import ActionError, Refused, TargetChanged, Uncertain
from perftui.core.reading import Reading
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
    assert "perftui.toml makes this agent read-only" in str(await refusal(config))
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
    "change", [{"targets": ("db0", "db1")}, {"params": {"queue": "another"}}, {"action": "cleanup.more"}]
)
async def test_a_plan_that_is_not_the_previewed_one_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    guard = Guard(stage, stage.clock, Recent(stage.clock))
    attempt = Attempt(
        action=stage.fake,
        plan=msgspec.structs.replace(plan, **change),
        target=stage.source,
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


async def test_a_subject_excludes_itself_and_the_whole_target_and_nothing_else(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.rule(max_running=10)
    plans = [await stage.plan(**({"queue": queue} if queue else {})) for queue in ("mail", "mail", "", "other")]
    stage.fake.step.clear()
    await stage.runner.apply(plans[0].id, "y", ADMIN)
    for other in plans[1:3]:
        with pytest.raises(Refused, match=r"refused by lock: cleanup\.fake runs on cache-1/mail"):
            await stage.runner.apply(other.id, "y", ADMIN)
    assert "lock: cleanup.fake runs on cache-1/mail" in (await stage.plan()).guards
    await stage.runner.apply(plans[3].id, "y", ADMIN)
    stage.fake.step.set()
    for plan in (plans[0], plans[3]):
        await stage.ended(plan)
    assert stage.fake.started == 2


async def test_what_is_one_thing_under_two_names_is_locked_and_rests_as_one(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.finds = {"subject": "nginx.service"}
    first, other = await stage.plan(queue="nginx"), await stage.plan(queue="nginx.service")
    assert (first.subject, first.locks) == ("nginx.service", ("cache-1/nginx.service",))
    stage.fake.step.clear()
    await stage.runner.apply(first.id, "y", ADMIN)
    with pytest.raises(Refused, match=r"refused by lock: cleanup\.fake runs on cache-1/nginx\.service"):
        await stage.runner.apply(other.id, "y", ADMIN)
    stage.fake.step.set()
    await stage.ended(first)
    with pytest.raises(Refused, match="refused by cooldown"):
        await stage.runner.apply(other.id, "y", ADMIN)


async def test_what_else_an_action_works_on_is_locked_too(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.finds = {"locks": ("mail@1.service", "mail@2.service")}
    group = await stage.plan(queue="mail")
    assert group.locks == ("cache-1/mail", "cache-1/mail@1.service", "cache-1/mail@2.service")
    stage.fake.finds = {}
    one, another = await stage.plan(queue="mail@1.service"), await stage.plan(queue="mail@3.service")
    stage.fake.step.clear()
    await stage.runner.apply(group.id, "y", ADMIN)
    with pytest.raises(Refused, match="refused by lock"):
        await stage.runner.apply(one.id, "y", ADMIN)
    await stage.runner.apply(another.id, "y", ADMIN)
    stage.fake.step.set()
    for plan in (group, another):
        await stage.ended(plan)


async def test_a_touched_source_is_locked_read_only_and_confirmed_as_the_target_is(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.finds = {"touches": ("host",)}
    plan = await stage.plan()
    assert plan.locks == ("cache-1", "host")
    stage.host = msgspec.structs.replace(stage.host, production=True)
    with pytest.raises(Refused, match="type cache-1"):
        await stage.runner.apply(plan.id, "y", ADMIN)
    stage.host = msgspec.structs.replace(stage.host, read_only=True)
    with pytest.raises(Refused, match=r"\[sources\.host\] says read_only = true"):
        await stage.runner.apply(plan.id, "cache-1", ADMIN)
    assert stage.fake.started == 0


async def test_what_becomes_read_only_while_the_target_is_looked_at_is_not_touched(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    look = stage.fake.identity

    async def slow(target: SourceSettings, params: Params) -> dict[str, str]:
        stage.settings = msgspec.structs.replace(stage.settings, read_only=True)
        return await look(target, params)

    stage.fake.identity = slow  # type: ignore[method-assign]
    with pytest.raises(Refused, match="refused by read-only"):
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert stage.fake.started == 0


@pytest.mark.parametrize("source", ["source", "host"])
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"read_only": True}, "says read_only = true"),
        ({"production": True}, "type cache-1"),
        ({"options": RedisOptions(url="redis://elsewhere")}, "its settings have just changed; preview it again"),
    ],
)
async def test_a_source_that_changes_while_the_target_is_looked_at_is_asked_again(
    tmp_path: Path, source: str, change: dict[str, object], error: str
) -> None:
    stage = Stage(tmp_path)
    stage.fake.finds = {"touches": ("host",)}
    plan = await stage.plan()
    look = stage.fake.identity

    async def slow(target: SourceSettings, params: Params) -> dict[str, str]:
        setattr(stage, source, msgspec.structs.replace(getattr(stage, source), **change))
        return await look(target, params)

    stage.fake.identity = slow  # type: ignore[method-assign]
    with pytest.raises((Refused, TargetChanged), match=error):
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert (stage.fake.started, stage.events()) == (0, [])


async def test_a_part_whose_source_became_production_wants_more_than_the_y_of_its_whole(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    guard = Guard(stage, stage.clock, Recent(stage.clock))
    part = Attempt(
        action=stage.fake, plan=await stage.plan(), target=stage.source, actor=ADMIN, confirmation="y", reason="why"
    )
    assert await guard.admit_part(part) == ()
    stage.source = msgspec.structs.replace(stage.source, production=True)
    with pytest.raises(Refused, match="refused by confirmation: cache-1 wants its name typed by now"):
        await guard.admit_part(part)
    assert await guard.admit_part(msgspec.structs.replace(part, confirmation="host")) == ()


@pytest.mark.parametrize("where", ["flag", "file", "source", "console"])
@pytest.mark.parametrize("programs", [True, False])
async def test_a_preview_runs_no_program_where_nothing_may_be_changed(
    tmp_path: Path, where: str, programs: bool
) -> None:
    stage = Stage(tmp_path, read_only=where == "flag")
    stage.settings = Settings(read_only=where == "file")
    stage.source = msgspec.structs.replace(stage.source, read_only=where == "source")
    stage.fake.programs = programs

    async def preview() -> object:
        return await stage.runner.plan("cleanup.fake", "cache-1", {}, read_only=where == "console")

    if programs:
        with pytest.raises(Refused, match="refused by read-only: its preview runs a program, and "):
            await preview()
    else:
        await preview()
    assert stage.fake.planned == int(not programs)


@pytest.mark.parametrize(
    ("finds", "rules", "says", "remedy"),
    [
        ({"count": 2_000_001}, {}, "2,000,001 targets, and at most 2,000,000 are allowed", "max_targets"),
        ({"share": 0.6}, {}, "60 % of all there is, and at most 50 % are allowed", "max_share"),
        ({"count": 3}, {"max_targets": 2}, "3 targets, and at most 2 are allowed", "max_targets"),
    ],
)
async def test_too_much_at_once_is_refused_and_foretold(
    tmp_path: Path, finds: dict[str, object], rules: dict[str, object], says: str, remedy: str
) -> None:
    stage = Stage(tmp_path)
    stage.rule(**rules)
    stage.fake.finds = finds
    plan = await stage.plan()
    assert f"limits: {says}" in plan.guards
    with pytest.raises(Refused) as caught:
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert (caught.value.check, caught.value.reason) == ("limits", says)
    assert remedy in caught.value.remedy
    assert stage.events() == []


async def test_so_many_run_at_once_and_no_more(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.step.clear()
    plans = [await stage.plan(queue=str(number)) for number in range(5)]
    for plan in plans[:4]:
        await stage.runner.apply(plan.id, "y", ADMIN)
    with pytest.raises(Refused, match="refused by limits: 4 actions run already; wait for one to end"):
        await stage.runner.apply(plans[4].id, "y", ADMIN)
    stage.fake.step.set()
    await stage.ended(plans[3])


async def test_so_many_an_hour_on_one_target(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.rule(per_hour=2)
    for queue in ("a", "b"):
        await stage.applied(await stage.plan(queue=queue))
    third = await stage.plan(queue="c")
    assert "limits: 2 actions ran on cache-1 within the hour, and at most 2 are allowed" in third.guards
    with pytest.raises(Refused, match="refused by limits: 2 actions ran on cache-1 within the hour"):
        await stage.runner.apply(third.id, "y", ADMIN)
    stage.clock.advance(3600)
    assert (await stage.applied(await stage.plan(queue="c"))).outcome is Outcome.SUCCEEDED


async def test_what_never_began_to_change_anything_leaves_no_cooldown(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.error = ActionError("no connection")
    await stage.run()
    stage.fake.error = Uncertain("it broke off after the request was sent")
    assert "cooldown: none" in (await stage.plan()).guards
    await stage.run()
    assert "cooldown: 10 s left" in (await stage.plan()).guards


async def test_a_freeze_window_holds_for_its_sources_and_is_foretold(tmp_path: Path) -> None:
    stage = Stage(tmp_path)  # Tue 2023-11-14 22:13:20 UTC
    window = Freeze(start="tue 16:00", until="thu 08:00", sources=("cache-*",), reason="release week")
    stage.rule(freeze=(window,))
    plan = await stage.plan()
    assert "frozen until thu 08:00: release week" in plan.guards
    with pytest.raises(Refused) as caught:
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert caught.value.check == "freeze"
    assert caught.value.reason == "no action runs on cache-1 until thu 08:00 UTC: release week"
    stage.rule(freeze=(msgspec.structs.replace(window, sources=("db-*",)),))
    assert (await stage.applied(plan)).outcome is Outcome.SUCCEEDED


async def test_a_reason_is_wanted_where_the_file_says_so(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.rule(require_reason=(Risk.LOW,))
    plan = await stage.plan()
    assert plan.needs_reason
    for nothing in ("", "   "):
        with pytest.raises(Refused, match=r"refused by reason: \[actions\] require_reason wants one for low risk"):
            await stage.runner.apply(plan.id, "y", ADMIN, reason=nothing)
    run = await stage.applied(plan, reason=" ticket 7\x1b ")
    assert run.reason == "ticket 7␛"
    assert next(stage.log.records())["reason"] == "ticket 7␛"


async def test_a_preview_shows_what_the_guard_will_look_at(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.finds = {"count": 3, "share": 0.02}
    plan = await stage.plan()
    assert plan.guards == ("limits: 3 of at most 2,000,000 targets, 2 % of at most 50 %", "cooldown: none")
    assert not plan.needs_reason
    locked = Stage(tmp_path, read_only=True)
    assert (await locked.plan()).guards[0] == "read-only: the agent was started with --read-only"


async def test_old_readings_are_warned_of_before_and_at_the_start(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.finds = {"watches": (Watch(label="depth", source="host", metric="system.cpu.utilization"),)}
    assert (await stage.plan()).warnings == ()
    stage.stale = {"host"}
    stage.readings = {"host": Reading(source="host", monotonic=965.0, wall=0.0, duration=0.1)}
    plan = await stage.plan()
    assert plan.warnings == ("host was last read 35 s ago: what is shown of it is old",)
    run = await stage.applied(plan)
    assert run.lines[0] == Line("warning", after="host was last read 35 s ago: what is shown of it is old")


async def test_a_thousand_plans_of_one_action_run_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.step.clear()
    done, refused = 0, 0
    for _ in range(20):  # no more than 64 previews are kept
        plans = [await stage.plan() for _ in range(50)]
        answers = await asyncio.gather(
            *(stage.runner.apply(plan.id, "y", ADMIN) for plan in plans), return_exceptions=True
        )
        done += sum(isinstance(each, Run) for each in answers)
        refused += sum(isinstance(each, Refused) and each.check == "lock" for each in answers)
    stage.fake.step.set()
    await stage.ended(stage.runner.runs[0].plan)
    assert (done, refused, stage.fake.started) == (1, 999, 1)


async def test_a_thousand_at_once_run_it_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    runs = await asyncio.gather(*(stage.runner.apply(plan.id, "y", ADMIN) for _ in range(1000)))
    await stage.ended(plan)
    assert {run.plan.id for run in runs} == {plan.id}
    assert stage.fake.started == 1
    assert stage.events() == ["intent", "outcome", "proof"]
