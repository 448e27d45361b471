"""Several actions as one: who is left out, who fails alone, what is counted."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perftui.actions.audit.journal import Journal
from perftui.actions.audit.log import AuditLog, Record
from perftui.actions.bundle.bundle import Bundle
from perftui.actions.bundle.parts import Part
from perftui.actions.contract import Action, Findings, Job, Receipt, Verdict
from perftui.actions.frame.runner import ActionRunner
from perftui.actions.params import Params
from perftui.actions.proof.verdicts import combined
from perftui.config.kinds import RedisOptions
from perftui.config.remedies import ActionRules, Freeze
from perftui.config.settings import Settings, SourceSettings
from perftui.core.action import ActionInfo, AuditRow, Line, Must, Outcome, Param, Plan, Proof, Risk, Run, Undo, Watch
from perftui.core.alert import Alert, Level
from perftui.core.clock import ManualClock
from perftui.core.errors import Refused, Unreachable
from perftui.core.reading import Reading
from perftui.core.series import SeriesId
from tests.support.servers import eventually
from tests.unit.actions.stage import ADMIN

Source = SourceSettings


class Ground:
    """Four caches and this host."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.clock = ManualClock()
        names = ("cache-1", "cache-2", "cache-3", "cache-4")
        self.sources: dict[str, Source] = {
            "system": Source(name="system", kind="system", options=RedisOptions()),
            **{name: Source(name=name, kind="redis", options=RedisOptions()) for name in names},
        }

    readings: Mapping[str, Reading] = {}

    def is_fresh(self, source: str) -> bool:
        return True

    def points(self, series: SeriesId) -> Iterable[tuple[float, float | None]]:
        return ()

    def alert(self, key: str) -> Alert | None:
        return None

    def alerts(self) -> Sequence[Alert]:
        return ()

    def levels(self) -> Sequence[Level]:
        return ()

    def poke(self, name: str) -> bool:
        return True


class Free(Action):
    """Frees something on a cache; what goes wrong is set by the name of the cache."""

    info = ActionInfo(id="cleanup.free", title="Free", key="c", risk=Risk.LOW, reversible=False, kinds=("redis",))

    clock: ManualClock

    def __init__(self, ground: Ground, clock: ManualClock) -> None:
        super().__init__(ground, clock)
        self.run_ids: dict[str, str] = {}
        self.planning: dict[str, Exception] = {}
        self.applying: dict[str, Exception | Receipt | Callable[[Job], Receipt]] = {}
        self.proofs: dict[str, Proof | Exception] = {}
        self.looking: dict[str, Exception] = {}
        self.done: list[str] = []
        self.more: dict[str, Any] = {}

    async def identity(self, target: Source, params: Params) -> dict[str, str]:
        if target.name in self.looking:
            raise self.looking[target.name]
        return {"run_id": self.run_ids.get(target.name, "first")}

    async def plan(self, target: Source, params: Params) -> Findings:
        if target.name in self.planning:
            raise self.planning[target.name]
        watch = Watch(label="memory", source="system", metric="system.memory.utilization")
        return Findings(
            title=f"free {target.name}",
            command=f"free {target.name}",
            identity=await self.identity(target, params),
            work={"only for": target.name},
            **{
                "targets": ("a", "b"),
                "lines": tuple(Line(f"line {number}", "1", "0") for number in range(5)),
                "watches": (watch,),
                "estimate": 2.0,
                **self.more,
            },
        )

    async def apply(self, job: Job) -> Receipt:
        name = job.target.name
        assert job.work == {"only for": name}
        self.done.append(name)
        self.clock.advance(1.0)
        job.report(0.5, "half")
        answer = self.applying.get(name, Receipt(message="2 freed", applied=2))
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Receipt) else answer(job)

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        proof = self.proofs.get(job.target.name, Proof.RECOVERED)
        if isinstance(proof, Exception):
            raise proof
        return Verdict(proof=proof)


class All(Bundle):
    info = ActionInfo(id="cleanup.all", title="All", key="c", risk=Risk.LOW, reversible=False, kinds=("system",))
    skipped: Sequence[Part] = ()

    def parts(self, target: Source, params: Params) -> Sequence[Part]:
        caches = [Part(action="cleanup.free", target=name) for name in self.ground.sources if name != "system"]
        return (*caches, *self.skipped)


class Scene:
    """The bundle and its part, their ground, and the runner around them."""

    def __init__(self, folder: Path) -> None:
        self.ground = Ground()
        clock = self.ground.clock
        self.free = Free(self.ground, clock)
        self.bundle = All(self.ground, clock, lambda: self.actions)
        self.actions: dict[str, Action] = {each.info.id: each for each in (self.free, self.bundle)}
        self.published: list[Run] = []
        self.log = AuditLog(folder)
        journal = Journal(self.log, clock, folder / "no-system-log")
        self.runner = ActionRunner(self.actions, self.ground, clock, journal, lambda runs: self.published.extend(runs))

    @property
    def system(self) -> Source:
        return self.ground.sources["system"]

    def change(self, name: str, **changes: Any) -> None:
        self.ground.sources[name] = msgspec.structs.replace(self.ground.sources[name], **changes)

    def rule(self, **rules: Any) -> None:
        self.ground.settings = Settings(actions=ActionRules(**rules))

    async def find(self) -> Findings:
        return await self.bundle.plan(self.system, Params({}))

    async def plan(self) -> Plan:
        return await self.runner.plan("cleanup.all", "system", {})

    async def run(self, plan: Plan | None = None, confirmation: str = "y", **more: Any) -> Run:
        plan = plan or await self.plan()
        await self.runner.apply(plan.id, confirmation, ADMIN, **more)
        await eventually(lambda: asyncio.sleep(0, not self.runner.busy), every=0.001)
        return next(run for run in self.runner.runs if run.plan.id == plan.id)

    async def rows(self) -> dict[str, AuditRow]:
        """Return the parts in the audit log, by their targets."""
        return {row.target: row for row in await self.runner.audit(100) if row.part_of}

    def intents(self) -> dict[str, Record]:
        """Return the intents of the parts, by their targets."""
        return {str(each["target"]): each for each in self.log.records() if each.get("part_of")}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_its_preview_holds_those_of_its_parts(scene: Scene) -> None:
    found = await scene.find()
    names = ("cache-1", "cache-2", "cache-3", "cache-4")
    assert found.targets == tuple(f"cleanup.free on {name}: {each}" for name in names for each in "ab")
    assert (found.count, found.touches) == (8, names)
    assert [line.label for line in found.lines[:5]] == [
        "1. cleanup.free on cache-1", "   line 0", "   line 1", "   line 2", "   … and 2 more"
    ]  # fmt: skip
    assert (found.lines[1].before, found.lines[1].after) == ("1", "0")
    assert len(found.watches) == 1, "each series is watched once"
    assert found.estimate == 8.0
    assert "cannot be taken back" in found.warnings[-1]
    assert scene.free.done == []


async def test_its_targets_are_counted_over_all_parts_and_named_as_far_as_200_go(scene: Scene) -> None:
    targets = tuple(f"key {number}" for number in range(150))
    scene.free.more = {"targets": targets, "count": 3000, "pin": "of all"}
    plan = await scene.plan()
    assert plan.count == 12_000
    assert plan.targets == (
        *(f"cleanup.free on cache-1: {each}" for each in targets),
        *(f"cleanup.free on cache-2: {each}" for each in targets[:50]),
    )
    scene.free.more["pin"] = "of others"
    assert (await scene.plan()).pin != plan.pin


async def test_the_risk_is_the_highest_and_production_is_asked_for_by_name(scene: Scene) -> None:
    scene.free.more = {"risk": Risk.HIGH, "share": 0.2}
    found = await scene.find()
    assert (found.risk, found.share) == (Risk.HIGH, 0.2)
    scene.free.more = {}
    scene.change("cache-2", production=True)
    assert (await scene.plan()).confirm == "system"


async def test_parts_that_cannot_be_planned_are_left_out_with_the_reason(scene: Scene) -> None:
    scene.change("cache-1", read_only=True)
    scene.free.planning["cache-2"] = Refused("target", "it is a replica", "do it on its primary")
    scene.free.planning["cache-3"] = ZeroDivisionError("a defect")
    scene.bundle.skipped = (
        Part(action="cleanup.gone", target="cache-4"),
        Part(action="cleanup.free", target="nowhere"),
        Part(action="cleanup.free", target="system"),
        Part(action="cleanup.free", target="cache-4", params={"wrong": "1"}),
        Part(action="cleanup.free", target="cache-4", skip="not today"),
    )
    plan = await scene.plan()
    assert plan.targets == ("cleanup.free on cache-4: a", "cleanup.free on cache-4: b")
    out = [line.after for line in plan.lines if line.after.startswith("left out: ")]
    for words, line in zip(
        (
            "read_only = true", "it is a replica", "a defect of perftui: ZeroDivisionError", "no action cleanup.gone",
            "no source nowhere", "system is system", "has no parameter wrong", "not today",
        ),
        out,
        strict=True,
    ):  # fmt: skip
        assert words in line
    run = await scene.run(plan)
    assert scene.free.done == ["cache-4"]
    assert run.message == "1 applied, 1 successful, 0 failed"


async def test_with_no_part_left_it_is_refused(scene: Scene) -> None:
    for name in scene.ground.sources:
        scene.free.planning[name] = Unreachable("nothing answers")
    with pytest.raises(Refused, match=r"nothing to do \(cleanup\.free on cache-1: nothing answers"):
        await scene.plan()


def frozen(*sources: str) -> Freeze:
    return Freeze(start="2020-01-01 00:00", until="2099-01-01 00:00", sources=sources, reason="migration")


async def test_a_part_that_is_frozen_or_beyond_a_limit_is_left_out_of_the_preview(scene: Scene) -> None:
    scene.rule(freeze=(frozen("cache-2"),))
    plan = await scene.plan()
    assert plan.touches == ("cache-1", "cache-3", "cache-4")
    (line,) = [line for line in plan.lines if line.after.startswith("left out")]
    assert line.label == "cleanup.free on cache-2"
    assert "migration" in line.after
    assert "by itself it runs with break-glass" in line.after


@pytest.mark.parametrize("rules", [{"freeze": (frozen("*"),)}, {"max_targets": 1}, {"max_targets": 7}])
async def test_what_holds_all_of_it_back_is_refused_by_the_guard_and_broken_with_the_glass(
    scene: Scene, rules: dict[str, Any]
) -> None:
    scene.rule(**rules)
    plan = await scene.plan()
    with pytest.raises(Refused, match=r"migration|8 targets, and at most \d are allowed"):
        await scene.run(plan)
    assert scene.free.done == []
    run = await scene.run(plan, "system", reason="the shop is down", break_glass=True)
    assert scene.free.done == ["cache-1", "cache-2", "cache-3", "cache-4"]
    assert run.outcome is Outcome.SUCCEEDED
    wanted = () if rules == {"max_targets": 7} else run.passed  # each part alone is within that limit
    assert {row.passed for row in (await scene.rows()).values()} == {wanted}


async def test_a_part_that_has_just_run_is_left_alone(scene: Scene) -> None:
    first = await scene.runner.plan("cleanup.free", "cache-2", {})
    await scene.run(first)
    plan = await scene.plan()
    assert any("part cleanup.free on cache-2: cooldown" in line for line in plan.guards)
    run = await scene.run(plan)
    assert scene.free.done == ["cache-2", "cache-1", "cache-3", "cache-4"]
    assert "cleanup.free has just run on cache-2" in run.lines[1].after
    assert "left" in run.lines[1].after


async def test_a_part_counts_and_cools_down_like_any_other_run(scene: Scene) -> None:
    scene.rule(per_hour=2)
    await scene.run()
    alone = await scene.runner.plan("cleanup.free", "cache-4", {})
    with pytest.raises(Refused, match="just run on cache-4"):
        await scene.run(alone)
    scene.ground.clock.advance(60.0)
    await scene.run(await scene.runner.plan("cleanup.free", "cache-4", {}))
    scene.ground.clock.advance(60.0)
    run = await scene.run()
    assert scene.free.done == ["cache-1", "cache-2", "cache-3", "cache-4", "cache-4", "cache-1", "cache-2", "cache-3"]
    assert "2 actions ran on cache-4 within the hour" in run.lines[3].after


async def test_the_glass_that_was_broken_for_the_whole_is_broken_for_what_stops_a_part(scene: Scene) -> None:
    await scene.run(await scene.runner.plan("cleanup.free", "cache-2", {}))
    await scene.run(confirmation="system", reason="again", break_glass=True)
    assert scene.free.done == ["cache-2", "cache-1", "cache-2", "cache-3", "cache-4"]
    rows = await scene.rows()
    assert {name: row.passed for name, row in rows.items() if row.passed} == {"cache-2": ("cooldown",)}
    assert {row.reason for row in rows.values()} == {"again"}


async def test_each_part_is_a_run_of_its_own_in_the_audit_log(scene: Scene) -> None:
    scene.free.proofs["cache-2"] = Proof.UNCHANGED
    scene.free.applying["cache-3"] = Unreachable("cache-3: nothing answers")
    scene.free.applying["cache-4"] = ZeroDivisionError("a defect")
    run = await scene.run(reason="why not")
    events = [(record["event"], record["target"]) for record in scene.log.records()]
    assert events == [
        ("intent", "system"),
        *(("intent", "cache-1"), ("outcome", "cache-1"), ("proof", "cache-1")),
        *(("intent", "cache-2"), ("outcome", "cache-2"), ("proof", "cache-2")),
        *(("intent", "cache-3"), ("outcome", "cache-3")),
        *(("intent", "cache-4"), ("outcome", "cache-4")),
        *(("outcome", "system"), ("proof", "system")),
    ]
    intent = scene.intents()["cache-1"]
    assert (intent["part_of"], intent["reason"], intent["who"]["login"]) == (run.plan.id, "why not", "ada")
    assert (intent["targets"], intent["count"], intent["command"]) == (["a", "b"], 2, "free cache-1")
    rows = await scene.rows()
    assert {row.part_of for row in rows.values()} == {run.plan.id}
    assert [(row.outcome, row.proof) for row in reversed(rows.values())] == [
        ("succeeded", "recovered"), ("succeeded", "unchanged"), ("failed", ""), ("failed", ""),
    ]  # fmt: skip
    assert "a defect of perftui: ZeroDivisionError" in rows["cache-4"].message


async def test_a_part_whose_intent_cannot_be_recorded_is_not_begun(scene: Scene) -> None:
    def break_log(job: Job) -> Receipt:
        scene.log.path.rename(scene.log.path.with_name("away"))
        scene.log.path.mkdir()
        return Receipt(message="2 freed", applied=2)

    scene.free.applying["cache-2"] = break_log
    run = await scene.run()
    assert scene.free.done == ["cache-1", "cache-2"]
    assert "not recorded" in run.lines[1].after
    for line in run.lines[2:4]:
        assert line.after.startswith("left: refused by audit")


@pytest.mark.parametrize(
    ("parts", "proof"),
    [
        ({"cache-1": Proof.UNKNOWN}, Proof.UNKNOWN),
        ({"cache-1": Proof.UNKNOWN, "cache-2": Proof.UNCHANGED}, Proof.UNCHANGED),
        ({"cache-1": Proof.HELD, "cache-2": Proof.UNCHANGED}, Proof.RECOVERED),
        (dict.fromkeys(("cache-1", "cache-2", "cache-3", "cache-4"), Proof.HELD), Proof.HELD),
        ({"cache-1": Proof.UNKNOWN, "cache-2": Proof.WORSE}, Proof.WORSE),
    ],
)
async def test_what_its_parts_come_to(scene: Scene, parts: dict[str, Proof | Exception], proof: Proof) -> None:
    scene.free.proofs = parts
    assert (await scene.run()).proof is proof


async def test_where_a_part_is_unknown_no_reading_makes_it_recovered(scene: Scene) -> None:
    watch = Watch(label="memory", source="system", metric="system.memory.utilization", must=Must.IMPROVE)
    scene.free.more = {"watches": (watch,)}
    scene.free.proofs = {"cache-1": Proof.UNKNOWN}
    receipt = Receipt(message="", facts={"unknown": 1.0, "recovered": 3.0})
    verdict = await scene.bundle.verify(None, receipt)  # type: ignore[arg-type]
    assert combined(await scene.plan(), verdict, Verdict(proof=Proof.RECOVERED)).proof is Proof.UNKNOWN


async def test_parts_with_nothing_to_do_make_no_bundle(scene: Scene) -> None:
    scene.free.more = {"targets": ()}
    with pytest.raises(Refused, match="there is nothing to do"):
        await scene.plan()


async def test_one_failing_part_stops_no_other_and_the_counts_tell(scene: Scene) -> None:
    scene.free.applying["cache-1"] = Unreachable("cache-1: nothing answers")
    scene.free.applying["cache-2"] = ZeroDivisionError("a defect")
    scene.free.applying["cache-3"] = Receipt(message="1 freed", applied=1, failed=1, problem="the connection broke")
    run = await scene.run()
    assert scene.free.done == ["cache-1", "cache-2", "cache-3", "cache-4"]
    assert run.message == "4 applied, 1 successful, 3 failed"
    assert (run.applied, run.failed, run.left, run.outcome) == (1, 3, 0, Outcome.PARTIAL)
    marks = [line.label[0] for line in run.lines]
    assert marks == ["✖", "✖", "✖", "●"]
    assert "1 freed; the connection broke; recovered" in run.lines[2].after
    assert run.lines[3].after == "successful: 2 freed; recovered"
    assert run.undo is None
    assert run.proof is Proof.RECOVERED


async def test_a_defect_in_the_proof_of_a_part_is_told_and_recorded(scene: Scene) -> None:
    scene.free.proofs["cache-2"] = KeyError("gone")
    run = await scene.run()
    assert run.lines[1].after == "successful: 2 freed; not proved: a defect of perftui: KeyError: 'gone'; unknown"
    assert (await scene.rows())["cache-2"].proof == "unknown"


async def test_a_target_that_changed_since_the_preview_is_left_alone(scene: Scene) -> None:
    plan = await scene.plan()
    scene.free.run_ids["cache-2"] = "restarted"
    scene.free.looking["cache-3"] = Unreachable("cache-3: nothing answers")

    def forget(job: Job) -> Receipt:
        del scene.ground.sources["cache-4"]
        return Receipt(message="2 freed", applied=2)

    scene.free.applying["cache-1"] = forget
    run = await scene.run(plan)
    assert scene.free.done == ["cache-1"]
    assert run.message == "2 applied, 1 successful, 1 failed, 2 left out"
    assert "run_id was first and is restarted now" in run.lines[1].after
    assert "no source cache-4" in run.lines[3].after


@pytest.mark.parametrize("how", ["the source", "the file", "a freeze"])
async def test_what_may_not_be_changed_any_more_in_the_middle_is_left_alone(scene: Scene, how: str) -> None:
    def reload(job: Job) -> Receipt:
        if how == "the source":
            scene.change("cache-2", read_only=True)
        elif how == "the file":
            scene.ground.settings = Settings(read_only=True)
        else:
            scene.rule(freeze=(frozen("cache-2"),))
        return Receipt(message="2 freed", applied=2)

    scene.free.applying["cache-1"] = reload
    await scene.run()
    assert scene.free.done == (["cache-1"] if how == "the file" else ["cache-1", "cache-3", "cache-4"])


async def test_what_made_it_worse_is_no_success_and_is_the_verdict(scene: Scene) -> None:
    scene.free.proofs["cache-2"] = Proof.WORSE
    run = await scene.run()
    assert run.message == "4 applied, 3 successful, 1 failed"
    assert run.proof is Proof.WORSE
    assert run.proof_lines[0].after == "3 recovered, 1 worse"


async def test_cancelled_it_ends_between_two_parts_and_within_one(scene: Scene) -> None:
    def cancel(job: Job) -> Receipt:
        scene.runner.cancel(job.plan.part_of, ADMIN)
        assert job.cancelled.is_set()
        return Receipt(message="1 freed", applied=1, complete=False)

    scene.free.applying["cache-2"] = cancel
    run = await scene.run()
    assert scene.free.done == ["cache-1", "cache-2"]
    assert run.outcome is Outcome.CANCELLED
    assert run.message.startswith("1 applied, 1 successful, 0 failed, 3 left out; cancelled before the end")
    assert "1 freed" in run.lines[1].after
    assert run.proof_lines[0].after == "1 recovered, 1 unknown"
    rows = await scene.rows()
    assert {name: (row.outcome, row.proof) for name, row in rows.items()} == {
        "cache-1": ("succeeded", "recovered"), "cache-2": ("cancelled", "unknown"),
    }  # fmt: skip


async def test_the_progress_is_the_share_of_all(scene: Scene) -> None:
    run = await scene.run()
    told = {each.message: each.fraction for each in scene.published if each.outcome is Outcome.RUNNING and each.message}
    assert list(told.values()) == [0.125, 0.375, 0.625, 0.875]
    assert list(told)[1] == "2 of 4, cleanup.free on cache-2: half"
    assert run.fraction == 0.875


class Tune(Action):
    """Sets the size of a cache; can be taken back."""

    info = ActionInfo(
        id="cache.size",
        title="Size",
        key="c",
        risk=Risk.LOW,
        reversible=True,
        kinds=("redis",),
        params=(Param(name="to", help="how much", default="2G"),),
    )
    sizes: Mapping[str, str]

    async def identity(self, target: Source, params: Params) -> dict[str, str]:
        return {"run_id": "first"}

    async def plan(self, target: Source, params: Params) -> Findings:
        return Findings(title="size", command="", identity={"run_id": "first"}, targets=("size",), lines=())

    async def apply(self, job: Job) -> Receipt:
        undo = Undo(action="cache.size", params={"to": self.sizes[job.target.name]}, title="set back size")
        self.sizes = {**self.sizes, job.target.name: job.params["to"]}
        return Receipt(message="set", applied=1, undo=undo)

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        return Verdict(proof=Proof.RECOVERED)


async def test_a_part_is_taken_back_by_itself_through_its_own_record(scene: Scene) -> None:
    tune = Tune(scene.ground, scene.ground.clock)
    tune.sizes = {"cache-3": "1G"}
    scene.actions["cache.size"] = tune
    scene.bundle.skipped = (Part(action="cache.size", target="cache-3"),)
    run = await scene.run()
    assert tune.sizes == {"cache-3": "2G"}
    part = next(row for row in await scene.runner.audit(100) if row.action == "cache.size")
    assert run.lines[-1] == Line(
        "   to take cache.size on cache-3 back", after=f"perftui undo {part.plan} (set back size)"
    )
    shown = scene.runner.runs[0]
    assert (shown.plan.id, shown.undo, shown.proof) == (part.plan, part.undo, Proof.RECOVERED), "where u finds it"
    undo = await scene.runner.undo(part.plan)
    assert (undo.action, undo.target, undo.params, undo.undoes) == ("cache.size", "cache-3", {"to": "1G"}, part.plan)
    await scene.run(undo)
    assert tune.sizes == {"cache-3": "1G"}
    assert next(run for run in scene.runner.runs if run.plan.id == part.plan).undone
    with pytest.raises(Refused, match="taken back already"):
        await scene.runner.undo(part.plan)


async def test_a_bundle_may_be_a_part_and_its_parts_are_its_own(scene: Scene) -> None:
    class Outer(All):
        info = msgspec.structs.replace(All.info, id="optimise.all")

        def parts(self, target: Source, params: Params) -> Sequence[Part]:
            return (Part(action="cleanup.all", target="system"),)

    scene.actions["optimise.all"] = Outer(scene.ground, scene.ground.clock, lambda: scene.actions)
    plan = await scene.runner.plan("optimise.all", "system", {})
    assert plan.count == 8
    assert plan.targets[0] == "cleanup.all on system: cleanup.free on cache-1: a"
    run = await scene.run(plan)
    assert run.message == "1 applied, 1 successful, 0 failed"
    rows = await scene.rows()
    assert rows["system"].part_of == plan.id
    assert {row.part_of for name, row in rows.items() if name != "system"} == {rows["system"].plan}


async def test_another_preview_of_other_parts_has_another_digest(scene: Scene) -> None:
    first = await scene.plan()
    assert (await scene.plan()).digest == first.digest
    scene.free.run_ids["cache-2"] = "restarted"
    assert (await scene.plan()).digest != first.digest


async def test_who_ends_the_agent_ends_it_at_once_and_what_it_was_at_is_on_record(scene: Scene) -> None:
    began = asyncio.Event()

    async def endless(job: Job) -> Receipt:
        began.set()
        await asyncio.Event().wait()
        return Receipt(message="")

    scene.free.apply = endless  # type: ignore[method-assign]
    plan = await scene.plan()
    await scene.runner.apply(plan.id, "y", ADMIN)
    await began.wait()
    task = scene.runner._working[plan.id].task
    assert task is not None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    outcomes = [(each["target"], each["outcome"]) for each in scene.log.records() if each["event"] == "outcome"]
    assert outcomes == [("cache-1", "failed"), ("system", "failed")]


async def test_after_a_restart_the_whole_is_among_the_runs_and_of_its_parts_what_can_be_taken_back(
    scene: Scene, tmp_path: Path
) -> None:
    undo = Undo(action="cleanup.free", params={}, title="put it back")
    scene.free.applying["cache-2"] = Receipt(message="2 freed", applied=2, undo=undo)
    run = await scene.run()
    again = Scene(tmp_path)
    await again.runner.start()
    assert [(each.plan.action, each.plan.target, each.plan.part_of) for each in again.runner.runs] == [
        ("cleanup.free", "cache-2", run.plan.id), ("cleanup.all", "system", ""),
    ]  # fmt: skip
    assert len(await again.runner.audit(100)) == 5
