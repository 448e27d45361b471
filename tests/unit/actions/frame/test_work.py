"""One run's life: what it counts, what goes on beside its proof, and how verdicts become one."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perftui.actions.contract import Findings, Job, Receipt, Verdict
from perftui.actions.params import Params
from perftui.actions.proof.verdicts import combined
from perftui.config.settings import SourceSettings
from perftui.core.action import Line, Must, Outcome, Plan, Proof, Watch
from perftui.core.alert import Alert
from perftui.core.errors import ActionError, Refused
from tests.support.servers import eventually
from tests.unit.actions.stage import ADMIN, Stage

DEPTH = Watch(label="depth", source="cache-1", metric="queue.waiting", must=Must.IMPROVE)
ALERT = Alert(rule="depth", source="cache-1", metric="queue.waiting", attributes=(("queue", "mail"),), level=100.0)


class Watching:
    """Follows nothing until `ends` is set; then its verdict is `proof`."""

    def __init__(self, proof: Proof = Proof.RECOVERED) -> None:
        self.ends = asyncio.Event()
        self.proof = proof
        self.error: Exception | None = None
        self.seen: list[Any] = []

    def before(self, plan: Plan) -> Any:
        return f"before {plan.id}"

    async def watch(self, plan: Plan, before: Any, report: Callable[[tuple[Line, ...]], None]) -> Verdict:
        self.seen.append(before)
        report((Line("depth", "12", "9"),))
        await self.ends.wait()
        if self.error is not None:
            raise self.error
        return Verdict(proof=self.proof, lines=(Line("depth", "12", "0"),))


@pytest.mark.parametrize(
    ("ends", "outcome", "says"),
    [
        ({"applied": 3, "left": 2}, Outcome.SUCCEEDED, "all done"),
        ({"applied": 3, "failed": 1}, Outcome.PARTIAL, "all done"),
        ({"applied": 3, "problem": "the connection was lost"}, Outcome.PARTIAL, "all done; the connection was lost"),
        ({"applied": 0, "failed": 4}, Outcome.FAILED, "all done"),
        ({"applied": 0, "problem": "lost", "message": ""}, Outcome.FAILED, "lost"),
        ({"applied": 2, "complete": False}, Outcome.CANCELLED, "all done"),
    ],
)
async def test_how_it_ended_and_its_counts_are_told_and_recorded(
    tmp_path: Path, ends: dict[str, Any], outcome: Outcome, says: str
) -> None:
    stage = Stage(tmp_path)
    stage.fake.ends = ends
    run = await stage.run()
    assert (run.outcome, run.message) == (outcome, says)
    counts = {name: ends.get(name, 0) for name in ("applied", "left", "failed")}
    assert {name: getattr(run, name) for name in counts} == counts
    record = next(each for each in stage.log.records() if each["event"] == "outcome")
    assert {name: record[name] for name in counts} == counts
    assert record["outcome"] == outcome


async def test_lock_and_busy_while_its_proof_is_watched(tmp_path: Path) -> None:
    watching = Watching()
    stage = Stage(tmp_path, watcher=watching)
    stage.fake.finds = {"watches": (DEPTH,)}
    plan = await stage.plan()
    await stage.runner.apply(plan.id, "y", ADMIN)
    await eventually(
        lambda: asyncio.sleep(
            0, stage.runner.runs[0].proof_lines == (Line("later", "1", "0"), Line("depth", "12", "9"))
        ),
        every=0.001,
    )
    assert stage.runner.busy
    assert stage.runner.runs[0].outcome is Outcome.SUCCEEDED
    assert (stage.runner.runs[0].proof, stage.runner.runs[0].ended) == (Proof.PENDING, None)
    stage.clock.advance(10)
    second = await stage.plan()
    assert second.warnings == (
        "the proof of cleanup.fake on cache-1 is still watched: what this one does will show in it",
    )
    await stage.runner.apply(second.id, "y", ADMIN)
    watching.ends.set()
    for each in (plan, second):
        run = await stage.ended(each)
        assert (run.proof, run.proof_lines) == (
            Proof.RECOVERED,
            (Line("later", "1", "0"), Line("depth", "12", "0")),
        )
    assert watching.seen == [f"before {plan.id}", f"before {second.id}"]


async def test_closing_ends_the_watch_at_once_and_says_that_nothing_is_proved(tmp_path: Path) -> None:
    stage = Stage(tmp_path, watcher=Watching())
    stage.fake.finds = {"watches": (DEPTH,)}
    plan = await stage.plan()
    await stage.runner.apply(plan.id, "y", ADMIN)
    await eventually(lambda: asyncio.sleep(0, stage.runner._working[plan.id].proving), every=0.001)
    async with asyncio.timeout(2):
        await stage.runner.close()
    run = stage.runner.runs[0]
    assert (run.outcome, run.proof) == (Outcome.SUCCEEDED, Proof.UNKNOWN)
    assert run.message == "all done; not proved: the agent ended"
    assert stage.events() == ["intent", "outcome", "proof"]
    with pytest.raises(Refused, match="this agent ends"):
        await stage.runner.apply((await stage.plan()).id, "y", ADMIN)


async def test_a_watch_or_a_reading_that_fails_leaves_the_other(tmp_path: Path) -> None:
    watching = Watching()
    watching.error = ActionError("no readings came")
    watching.ends.set()
    stage = Stage(tmp_path, watcher=watching)
    stage.fake.finds = {"watches": (DEPTH,)}
    run = await stage.run()
    assert (run.proof, run.message) == (Proof.UNKNOWN, "all done; not proved: no readings came")


async def test_a_defect_in_the_second_reading_ends_as_unknown_told_and_recorded(tmp_path: Path) -> None:
    stage = Stage(tmp_path)

    async def broken(job: Job, receipt: Receipt) -> Verdict:
        raise KeyError("evicted")

    stage.fake.verify = broken  # type: ignore[method-assign]
    run = await stage.run()
    assert (run.outcome, run.proof) == (Outcome.SUCCEEDED, Proof.UNKNOWN)
    assert run.message == "all done; not proved: a defect of perftui: KeyError: 'evicted'"
    last = list(stage.log.records())[-1]
    assert (last["event"], last["proof"], last["message"]) == ("proof", "unknown", run.message)


@pytest.mark.parametrize("where", ["before", "after"])
async def test_a_defect_in_the_watch_keeps_nobody_from_acting_and_ends_as_unknown(tmp_path: Path, where: str) -> None:
    watching = Watching()
    watching.ends.set()
    if where == "after":
        watching.error = ZeroDivisionError("no readings")
    else:
        watching.before = lambda plan: 1 / 0  # type: ignore[method-assign]
    stage = Stage(tmp_path, watcher=watching)
    stage.fake.finds = {"watches": (DEPTH,)}
    run = await stage.run()
    assert stage.fake.done == [0]
    assert (run.outcome, run.proof) == (Outcome.SUCCEEDED, Proof.UNKNOWN)
    assert "not proved: a defect of perftui: ZeroDivisionError" in run.message
    assert stage.events() == ["intent", "outcome", "proof"]


async def test_a_defect_in_the_steps_is_on_record(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.error = KeyError("cursor")
    run = await stage.run()
    assert (run.outcome, run.proof) == (Outcome.FAILED, Proof.UNKNOWN)
    assert run.message == "it broke off: a defect of perftui: KeyError: 'cursor'"
    assert list(stage.log.records())[-1]["message"] == run.message


@pytest.mark.parametrize(
    ("own", "watched", "must", "proof"),
    [
        (Proof.RECOVERED, Proof.WORSE, Must.KEEP, Proof.WORSE),
        (Proof.WORSE, Proof.RECOVERED, Must.IMPROVE, Proof.WORSE),
        (Proof.RECOVERED, Proof.UNCHANGED, Must.IMPROVE, Proof.UNCHANGED),
        (Proof.RECOVERED, Proof.HELD, Must.KEEP, Proof.RECOVERED),
        (Proof.HELD, Proof.HELD, Must.KEEP, Proof.HELD),
        (Proof.HELD, Proof.UNKNOWN, Must.KEEP, Proof.UNKNOWN),
        (Proof.UNCHANGED, Proof.HELD, Must.KEEP, Proof.UNCHANGED),
        (Proof.UNKNOWN, Proof.HELD, Must.KEEP, Proof.UNKNOWN),
        (Proof.HELD, Proof.RECOVERED, Must.IMPROVE, Proof.RECOVERED),
        (Proof.HELD, Proof.UNCHANGED, Must.IMPROVE, Proof.UNCHANGED),
        (Proof.HELD, Proof.UNKNOWN, Must.IMPROVE, Proof.UNKNOWN),
        (Proof.UNCHANGED, Proof.RECOVERED, Must.IMPROVE, Proof.RECOVERED),
        (Proof.UNKNOWN, Proof.RECOVERED, Must.IMPROVE, Proof.RECOVERED),
        (Proof.UNCHANGED, Proof.UNKNOWN, Must.IMPROVE, Proof.UNCHANGED),
        (Proof.RECOVERED, Proof.UNKNOWN, Must.IMPROVE, Proof.UNKNOWN),
        (Proof.RECOVERED, Proof.UNKNOWN, Must.KEEP, Proof.RECOVERED),
        (Proof.UNKNOWN, Proof.UNKNOWN, Must.KEEP, Proof.UNKNOWN),
        (Proof.UNKNOWN, None, Must.IMPROVE, Proof.UNKNOWN),
        (Proof.RECOVERED, None, Must.IMPROVE, Proof.RECOVERED),
    ],
)
async def test_verdicts_become_one(tmp_path: Path, own: Proof, watched: Proof | None, must: Must, proof: Proof) -> None:
    stage = Stage(tmp_path)
    stage.fake.finds = {"watches": (msgspec.structs.replace(DEPTH, must=must),)}
    seen = Verdict(proof=watched) if watched is not None else None
    assert combined(await stage.plan(), Verdict(proof=own), seen).proof is proof


async def test_a_plan_against_an_alert_watches_what_fires(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.firing = [msgspec.structs.replace(ALERT, clear=80.0)]
    plan = await stage.runner.plan("cleanup.fake", "cache-1", {}, ALERT.key)
    (watch,) = plan.watches
    assert (watch.goal, watch.bad, watch.must, watch.attributes) == (80.0, "up", Must.IMPROVE, ALERT.attributes)
    assert plan.alert == ALERT.key
    run = await stage.applied(plan)
    assert run.plan.alert == ALERT.key
    assert next(stage.log.records())["alert"] == ALERT.key


async def test_a_level_of_something_else_than_the_series_is_no_goal(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.firing = [msgspec.structs.replace(ALERT, direction="below")]
    (watch,) = (await stage.runner.plan("cleanup.fake", "cache-1", {}, ALERT.key)).watches
    assert (watch.goal, watch.bad) == (None, "down")


@pytest.mark.parametrize(
    ("must", "own", "goal"),
    [(Must.IMPROVE, None, 70.0), (Must.IMPROVE, 50.0, 50.0), (Must.KEEP, None, None)],
)
async def test_what_must_improve_has_to_end_the_alerts_that_fire_for_it(
    tmp_path: Path, must: Must, own: float | None, goal: float | None
) -> None:
    stage = Stage(tmp_path)
    stage.firing = [msgspec.structs.replace(ALERT, rule=f"to-{clear}", clear=clear) for clear in (80.0, 70.0, None)]
    watch = msgspec.structs.replace(DEPTH, attributes=ALERT.attributes, must=must, goal=own)
    stage.fake.finds = {"watches": (watch, DEPTH)}
    assert [each.goal for each in (await stage.plan()).watches] == [goal, None]


async def test_what_was_only_kept_must_improve_against_its_alert(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.firing = [msgspec.structs.replace(ALERT, clear=80.0)]
    own = msgspec.structs.replace(DEPTH, attributes=ALERT.attributes, must=Must.KEEP)
    stage.fake.finds = {"watches": (own,)}
    (watch,) = (await stage.runner.plan("cleanup.fake", "cache-1", {}, ALERT.key)).watches
    assert (watch.must, watch.goal) == (Must.IMPROVE, 80.0)


async def test_what_would_do_nothing_says_so_and_cannot_be_applied(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.finds = {"targets": ()}
    plan = await stage.plan()
    assert plan.lines[0].label == "nothing to do"
    with pytest.raises(Refused, match="there is nothing to do"):
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert (stage.fake.started, stage.events()) == (0, [])


async def test_what_is_watched_already_is_watched_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.firing = [ALERT]
    own = msgspec.structs.replace(DEPTH, attributes=ALERT.attributes)
    stage.fake.finds = {"watches": (own,)}
    assert (await stage.runner.plan("cleanup.fake", "cache-1", {}, ALERT.key)).watches == (own,)
    assert (await stage.runner.plan("cleanup.fake", "cache-1", {}, "gone/x/")).watches == (own,)


async def test_previews_under_way_are_bounded(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    waits = asyncio.Event()
    find = stage.fake.plan

    async def slow(target: SourceSettings, params: Params) -> Findings:
        await waits.wait()
        return await find(target, params)

    stage.fake.plan = slow  # type: ignore[method-assign]
    planning = [asyncio.create_task(stage.plan()) for _ in range(8)]
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="8 previews are being made already"):
        await stage.plan()
    waits.set()
    await asyncio.gather(*planning)
    assert (await stage.plan()).title == "fake"
