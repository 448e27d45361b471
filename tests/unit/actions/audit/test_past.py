"""What survives a restart: runs, cooldowns, how often within the hour; and what other agents wrote meanwhile."""

from pathlib import Path

import pytest

from perftui.actions.audit.log import Record
from perftui.core.action import Line, Outcome, Proof
from perftui.core.errors import Refused
from tests.unit.actions.stage import ADMIN, FakeAction, Stage

NOW = 1_700_000_000.0


async def restarted(folder: Path, later: float = 0.0) -> Stage:
    stage = Stage(folder, wall=NOW + later)
    await stage.runner.start()
    return stage


async def test_runs_are_shown_again_as_they_ended(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    await stage.applied(await stage.plan(queue="mail"), reason="ticket 7")
    again = await restarted(tmp_path, 60)
    (run,) = again.runner.runs
    assert (run.outcome, run.proof, run.message) == (Outcome.SUCCEEDED, Proof.RECOVERED, "all done")
    assert (run.plan.title, run.plan.target, run.plan.subject) == ("fake", "cache-1", "mail")
    assert (run.who, run.reason, run.started, run.ended) == ("ada", "ticket 7", NOW, NOW)
    assert not again.runner.busy
    assert len(again.published) == 1


async def test_a_cooldown_goes_on_after_a_restart(tmp_path: Path) -> None:
    await Stage(tmp_path).run()
    again = await restarted(tmp_path, 4)
    with pytest.raises(Refused, match=r"refused by cooldown: .* try again in 6 s"):
        await again.run()
    again.clock.advance(6)
    assert (await again.run()).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("jump", [-86_400.0, 3.0, 86_400.0])
async def test_a_clock_that_jumped_makes_no_cooldown_longer(tmp_path: Path, jump: float) -> None:
    await Stage(tmp_path).run()
    again = await restarted(tmp_path, jump)
    again.clock.advance(10)
    assert (await again.run()).outcome is Outcome.SUCCEEDED


async def test_a_record_makes_no_cooldown_longer_than_the_actions_own(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    await stage.run()
    outcome = next(record for record in stage.log.records() if record["event"] == "outcome")
    stage.log.append({**outcome, "cooldown": 1e8})
    again = await restarted(tmp_path)
    again.clock.advance(10)
    assert (await again.run()).outcome is Outcome.SUCCEEDED


async def test_an_interrupted_run_leaves_its_cooldown(tmp_path: Path) -> None:
    intent: Record = {"event": "intent", "plan": "p1", "action": "cleanup.fake", "target": "cache-1", "cooldown": 10.0}
    Stage(tmp_path).log.append(intent | {"agent": "boot/999999999/1"})
    again = await restarted(tmp_path)
    assert "cooldown: 10 s left" in (await again.plan()).guards


async def test_what_ran_within_the_hour_is_counted_after_a_restart(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for queue in ("a", "b"):
        await stage.applied(await stage.plan(queue=queue))
    again = await restarted(tmp_path, 3000)
    again.rule(per_hour=2)
    with pytest.raises(Refused, match="2 actions ran on cache-1 within the hour"):
        await again.run()
    again.clock.advance(600)
    assert (await again.run()).outcome is Outcome.SUCCEEDED


async def test_agents_that_share_the_log_share_the_cooldown(tmp_path: Path) -> None:
    one, other = Stage(tmp_path), Stage(tmp_path)
    plan = await other.plan()
    await one.run()
    with pytest.raises(Refused, match="refused by cooldown"):
        await other.runner.apply(plan.id, "y", ADMIN)


async def test_audit_rows_are_the_newest_first_and_bounded(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.ends = {"message": "half", "failed": 1}
    await stage.applied(await stage.plan(queue="a"), reason="why")
    stage.clock.advance(5)
    await stage.applied(await stage.plan(queue="b"))
    newest, oldest = await stage.runner.audit(10)
    assert [row.subject for row in (newest, oldest)] == ["b", "a"]
    assert (oldest.at, oldest.done, oldest.outcome, oldest.proof) == (NOW, NOW, "partial", "recovered")
    assert (oldest.who, oldest.reason, oldest.key, oldest.title) == ("ada", "why", "c", "fake")
    assert oldest.lines == (Line("done", "0", "1"), Line("later", "1", "0"))
    assert await stage.runner.audit(1) == (newest,)
    assert len(await stage.runner.audit(-5)) == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"event": "outcome", "plan": "x", "outcome": ["odd"], "lines": "no", "undo": [1], "cooldown": "long"},
        {"event": "outcome", "plan": "x", "outcome": "succeeded", "undo": {"action": 5}, "at": "yesterday"},
        {"event": "proof", "plan": {"a": 1}, "lines": [1, {"label": 7}], "proof": None},
        {"event": "intent", "plan": "x", "who": "me", "passed": 5, "count": "many", "agent": "\x1b"},
        {"event": "something else"},
        {},
    ],
)
async def test_an_odd_record_is_no_reason_to_show_nothing(tmp_path: Path, odd: Record) -> None:
    stage = Stage(tmp_path)
    await stage.run()
    stage.log.append(odd)
    again = await restarted(tmp_path, 60)
    assert any(row.outcome == "succeeded" and row.who == "ada" for row in await again.runner.audit(10))
    assert (await again.run()).outcome is Outcome.SUCCEEDED


async def test_a_log_that_was_moved_away_is_begun_again(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for _ in range(3):
        await stage.run()
        stage.clock.advance(10)
    stage.log.path.unlink()
    await stage.run()
    assert [row.outcome for row in await stage.runner.audit(1)] == ["succeeded"]


async def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for _ in range(3):
        await stage.run()
        stage.clock.advance(10)
    last = list(stage.log.records())[-1]
    records, place = stage.log.since(0, 2000)
    assert 0 < len(records) < 9
    assert records[-1] == last
    assert stage.log.since(place) == ([], place)
    await stage.run()
    assert [record["event"] for record in stage.log.since(place)[0]] == ["intent", "outcome", "proof"]


async def test_a_plan_of_many_long_targets_is_recorded_and_the_next_one_too(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.ends = {"lines": tuple(Line("/" + "x" * 900, "a" * 900, "b") for _ in range(100))}
    await stage.run()
    stage.clock.advance(10)
    await stage.run()
    assert stage.log.verify() == 6


async def test_an_open_run_of_another_agent_is_in_the_rows_and_no_run_here(tmp_path: Path) -> None:
    one, other = Stage(tmp_path), Stage(tmp_path)
    plan = await one.plan()
    one.fake.step.clear()
    await one.runner.apply(plan.id, "y", ADMIN)
    await other.runner.start()
    assert other.runner.runs == ()
    assert [row.outcome for row in await other.runner.audit(5)] == ["open"]
    one.fake.step.set()
    await one.ended(plan)


async def test_few_runs_are_published_and_those_that_ended_without_their_many_targets(tmp_path: Path) -> None:
    stage = Stage(tmp_path, FakeAction())
    fake = stage.runner._actions["cleanup.fake"]
    assert isinstance(fake, FakeAction)
    fake.finds = {"targets": tuple(str(number) for number in range(300))}
    for number in range(25):
        await stage.applied(await stage.plan(queue=str(number)))
    assert len(stage.published[-1]) == 20
    assert len(stage.published[-1][0].plan.targets) == 20
    assert len(stage.runner.runs[0].plan.targets) == 200
    assert stage.runner.runs[0].plan.count == 300
