"""Taking a run back: a plan of its own, once, after a restart too."""

from pathlib import Path

import pytest

from perftui.config.remedies import Freeze
from perftui.core.action import Outcome, Undo
from perftui.core.errors import Refused
from tests.unit.actions.stage import ADMIN, FakeAction, Stage

BACK = Undo(action="cleanup.fake", params={"queue": "back"}, title="put it back")


def undoable(folder: Path, later: float = 0.0) -> Stage:
    stage = Stage(folder, wall=1_700_000_000.0 + later)
    stage.fake.ends = {"undo": BACK}
    return stage


async def test_an_undo_is_planned_confirmed_and_marks_the_run(tmp_path: Path) -> None:
    stage = undoable(tmp_path)
    run = await stage.run()
    assert run.undo == BACK
    plan = await stage.runner.undo(run.plan.id)
    assert (plan.undoes, plan.target, plan.params) == (run.plan.id, "cache-1", {"queue": "back"})
    assert stage.fake.started == 1
    with pytest.raises(Refused, match="refused by confirmation"):
        await stage.runner.apply(plan.id, "", ADMIN)
    assert (await stage.applied(plan)).outcome is Outcome.SUCCEEDED
    assert [each.undone for each in stage.runner.runs] == [False, True]
    assert [row.undone for row in await stage.runner.audit(5)] == [False, True]
    with pytest.raises(Refused, match="refused by undo: it was taken back already"):
        await stage.runner.undo(run.plan.id)


async def test_the_preview_of_an_undo_runs_no_program_for_who_only_looks(tmp_path: Path) -> None:
    stage = undoable(tmp_path)
    run = await stage.run()
    stage.fake.programs = True
    with pytest.raises(Refused, match="refused by read-only: its preview runs a program"):
        await stage.runner.undo(run.plan.id, read_only=True)
    assert (await stage.runner.undo(run.plan.id)).undoes == run.plan.id


async def test_of_two_previews_of_an_undo_one_can_be_applied(tmp_path: Path) -> None:
    stage = undoable(tmp_path)
    run = await stage.run()
    first, second = [await stage.runner.undo(run.plan.id) for _ in range(2)]
    await stage.applied(first)
    with pytest.raises(Refused, match="refused by undo"):
        await stage.runner.apply(second.id, "y", ADMIN)
    assert stage.fake.started == 2
    assert not stage.runner._guard._held


async def test_an_undo_waits_for_no_freeze_window_and_the_log_says_so(tmp_path: Path) -> None:
    stage = undoable(tmp_path)
    run = await stage.run()
    window = Freeze(start="2020-01-01 00:00", until="2099-01-01 00:00", reason="migration")
    stage.rule(freeze=(window,))
    plan = await stage.runner.undo(run.plan.id)
    words = next(each for each in plan.guards if each.startswith("freeze window: passed, since this takes back"))
    assert (await stage.applied(plan)).passed == (), "no glass was broken"
    (outcome,) = [each for each in stage.log.records() if each["event"] == "outcome" and each["plan"] == plan.id]
    assert {"label": "warning", "before": "", "after": words} in outcome["lines"]


async def test_an_undo_waits_for_no_cooldown(tmp_path: Path) -> None:
    stage = undoable(tmp_path)
    stage.fake.ends = {"undo": Undo(action="cleanup.fake", params={})}
    run = await stage.run()
    with pytest.raises(Refused, match="cooldown"):
        await stage.run()
    plan = await stage.runner.undo(run.plan.id)
    assert "cooldown: none" in plan.guards
    assert (await stage.applied(plan)).outcome is Outcome.SUCCEEDED


async def test_a_run_of_before_the_restart_can_be_taken_back_once(tmp_path: Path) -> None:
    run = await undoable(tmp_path).run()
    again = undoable(tmp_path, 60)
    await again.runner.start()
    await again.applied(await again.runner.undo(run.plan.id))
    assert [each.undone for each in again.runner.runs] == [False, True]
    third = undoable(tmp_path, 120)
    await third.runner.start()
    assert [each.undone for each in third.runner.runs] == [False, True]
    with pytest.raises(Refused, match="taken back already"):
        await third.runner.undo(run.plan.id)


async def test_a_run_that_only_the_log_still_knows_can_be_taken_back(tmp_path: Path) -> None:
    run = await undoable(tmp_path).run()
    again = undoable(tmp_path, 60)
    assert again.runner.runs == ()
    assert (await again.runner.undo(run.plan.id)).undoes == run.plan.id


async def test_an_undo_that_did_not_go_through_can_be_tried_again(tmp_path: Path) -> None:
    stage = undoable(tmp_path)
    run = await stage.run()
    stage.fake.ends = {"failed": 1, "applied": 0}
    await stage.applied(await stage.runner.undo(run.plan.id))
    assert not stage.runner.runs[1].undone
    stage.fake.ends = {}
    await stage.applied(await stage.runner.undo(run.plan.id))
    assert stage.runner.runs[2].undone


@pytest.mark.parametrize("plan", ["nothing", ""])
async def test_what_cannot_be_taken_back_is_said(tmp_path: Path, plan: str) -> None:
    with pytest.raises(Refused, match="there is nothing to take back"):
        await Stage(tmp_path).runner.undo(plan)
    stage = Stage(tmp_path, FakeAction())
    run = await stage.run()
    with pytest.raises(Refused, match="there is nothing to take back"):
        await stage.runner.undo(run.plan.id)
