"""Several actions as one: who is left out, who fails alone, what is counted."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from perftui.actions.bundle.bundle import Bundle
from perftui.actions.bundle.parts import Part
from perftui.actions.contract import Action, Findings, Job, Receipt, Verdict, make_plan
from perftui.actions.params import Params
from perftui.config.kinds import RedisOptions
from perftui.config.remedies import ActionRules, Freeze
from perftui.config.settings import Settings, SourceSettings
from perftui.core.action import ActionInfo, Line, Proof, Risk, Undo, Watch
from perftui.core.alert import Alert
from perftui.core.clock import ManualClock
from perftui.core.errors import Refused, Unreachable
from perftui.core.reading import Reading
from perftui.core.series import SeriesId

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

    def poke(self, name: str) -> bool:
        return True


class Free(Action):
    """Frees something on a cache; what goes wrong is set by the name of the cache."""

    info = ActionInfo(id="cleanup.free", title="Free", key="c", risk=Risk.LOW, reversible=False, kinds=("redis",))

    def __init__(self, ground: Ground, clock: ManualClock) -> None:
        super().__init__(ground, clock)
        self.run_ids: dict[str, str] = {}
        self.planning: dict[str, Exception] = {}
        self.applying: dict[str, Exception | Receipt | Callable[[Job], Receipt]] = {}
        self.proofs: dict[str, Proof] = {}
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
        job.report(0.5, "half")
        answer = self.applying.get(name, Receipt(message="2 freed", applied=2))
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Receipt) else answer(job)

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        return Verdict(proof=self.proofs.get(job.target.name, Proof.RECOVERED))


class All(Bundle):
    info = ActionInfo(id="cleanup.all", title="All", key="c", risk=Risk.LOW, reversible=False, kinds=("system",))
    skipped: Sequence[Part] = ()

    def parts(self, target: Source, params: Params) -> Sequence[Part]:
        caches = [Part(action="cleanup.free", target=name) for name in self.ground.sources if name != "system"]
        return (*caches, *self.skipped)


class Scene:
    """The bundle and its ground; `run` does what the runner would."""

    def __init__(self) -> None:
        self.ground = Ground()
        self.free = Free(self.ground, self.ground.clock)
        self.bundle = All(self.ground, self.ground.clock, lambda: {"cleanup.free": self.free})
        self.reports: list[tuple[float | None, str]] = []
        self.cancelled = asyncio.Event()

    @property
    def system(self) -> Source:
        return self.ground.sources["system"]

    async def plan(self) -> Findings:
        return await self.bundle.plan(self.system, Params({}))

    def job(self, found: Findings) -> Job:
        others = [self.ground.sources[name] for name in found.touches]
        plan = make_plan(self.bundle.info, self.system, found, Params({}), self.ground.clock, others=others)
        return Job(
            self.system, plan, found.work, lambda share, words: self.reports.append((share, words)), self.cancelled
        )

    async def run(self, found: Findings | None = None) -> tuple[Receipt, Verdict]:
        job = self.job(found or await self.plan())
        receipt = await self.bundle.apply(job)
        return receipt, await self.bundle.verify(job, receipt)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_its_preview_holds_those_of_its_parts(scene: Scene) -> None:
    found = await scene.plan()
    assert found.targets == tuple(f"cleanup.free on cache-{number}: 2 things" for number in (1, 2, 3, 4))
    assert found.touches == ("cache-1", "cache-2", "cache-3", "cache-4")
    assert [line.label for line in found.lines[:5]] == [
        "1. cleanup.free on cache-1", "   line 0", "   line 1", "   line 2", "   … and 2 more"
    ]  # fmt: skip
    assert (found.lines[1].before, found.lines[1].after) == ("1", "0")
    assert len(found.watches) == 1, "each series is watched once"
    assert found.estimate == 8.0
    assert "cannot be taken back" in found.warnings[-1]
    assert scene.free.done == []


async def test_the_risk_is_the_highest_and_production_is_asked_for_by_name(scene: Scene) -> None:
    scene.free.more = {"risk": Risk.HIGH, "share": 0.2}
    found = await scene.plan()
    assert (found.risk, found.share) == (Risk.HIGH, 0.2)
    scene.free.more = {}
    cache = scene.ground.sources["cache-2"]
    scene.ground.sources["cache-2"] = msgspec.structs.replace(cache, production=True)
    assert scene.job(await scene.plan()).plan.confirm == "system"


async def test_parts_that_cannot_be_planned_are_left_out_with_the_reason(scene: Scene) -> None:
    cache = scene.ground.sources["cache-1"]
    scene.ground.sources["cache-1"] = msgspec.structs.replace(cache, read_only=True)
    scene.free.planning["cache-2"] = Refused("target", "it is a replica", "do it on its primary")
    scene.free.planning["cache-3"] = ZeroDivisionError("a defect")
    scene.bundle.skipped = (
        Part(action="cleanup.gone", target="cache-4"),
        Part(action="cleanup.free", target="nowhere"),
        Part(action="cleanup.free", target="system"),
        Part(action="cleanup.free", target="cache-4", params={"wrong": "1"}),
        Part(action="cleanup.free", target="cache-4", skip="not today"),
    )
    found = await scene.plan()
    assert found.targets == ("cleanup.free on cache-4: 2 things",)
    out = [line.after for line in found.lines if line.after.startswith("left out: ")]
    for words, line in zip(
        (
            "read_only = true", "it is a replica", "a defect of perftui: ZeroDivisionError", "no action cleanup.gone",
            "no source nowhere", "system is system", "has no parameter wrong", "not today",
        ),
        out,
        strict=True,
    ):  # fmt: skip
        assert words in line
    receipt, _ = await scene.run(found)
    assert scene.free.done == ["cache-4"]
    assert receipt.message == "1 applied, 1 successful, 0 failed"


async def test_with_no_part_left_it_is_refused(scene: Scene) -> None:
    for name in scene.ground.sources:
        scene.free.planning[name] = Unreachable("nothing answers")
    with pytest.raises(Refused, match=r"nothing to do \(cleanup\.free on cache-1: nothing answers"):
        await scene.plan()


async def test_limits_and_freezes_leave_out_a_part_and_not_the_whole(scene: Scene) -> None:
    freeze = Freeze(start="2020-01-01 00:00", until="2030-01-01 00:00", sources=("cache-2",), reason="migration")
    scene.ground.settings = Settings(actions=ActionRules(freeze=(freeze,)))
    found = await scene.plan()
    assert len(found.targets) == 3
    assert any("migration" in line.after for line in found.lines)
    scene.ground.settings = Settings(actions=ActionRules(max_targets=1))
    with pytest.raises(Refused, match="2 targets, and at most 1 are allowed"):
        await scene.plan()


async def test_one_failing_part_stops_no_other_and_the_counts_tell(scene: Scene) -> None:
    scene.free.applying["cache-1"] = Unreachable("cache-1: nothing answers")
    scene.free.applying["cache-2"] = ZeroDivisionError("a defect")
    scene.free.applying["cache-3"] = Receipt(message="1 freed", applied=1, failed=1, problem="the connection broke")
    receipt, verdict = await scene.run()
    assert scene.free.done == ["cache-1", "cache-2", "cache-3", "cache-4"]
    assert receipt.message == "4 applied, 1 successful, 3 failed"
    assert (receipt.applied, receipt.failed, receipt.left, receipt.complete) == (1, 3, 0, True)
    marks = [line.label[0] for line in receipt.lines]
    assert marks == ["✖", "✖", "✖", "●"]
    assert "1 freed; the connection broke; recovered" in receipt.lines[2].after
    assert receipt.lines[3].after == "successful: 2 freed; recovered"
    assert receipt.undo is None
    assert verdict.proof is Proof.RECOVERED


async def test_a_target_that_changed_since_the_preview_is_left_alone(scene: Scene) -> None:
    found = await scene.plan()
    scene.free.run_ids["cache-2"] = "restarted"
    scene.free.looking["cache-3"] = Unreachable("cache-3: nothing answers")
    job = scene.job(found)
    del scene.ground.sources["cache-4"]
    receipt = await scene.bundle.apply(job)
    assert scene.free.done == ["cache-1"]
    assert receipt.message == "2 applied, 1 successful, 1 failed, 2 left out"
    assert "not what was previewed" in receipt.lines[1].after
    assert "no source cache-4" in receipt.lines[3].after


async def test_what_became_read_only_meanwhile_is_left_alone(scene: Scene) -> None:
    found = await scene.plan()
    cache = scene.ground.sources["cache-1"]
    scene.ground.sources["cache-1"] = msgspec.structs.replace(cache, read_only=True)
    await scene.run(found)
    assert "cache-1" not in scene.free.done


async def test_what_made_it_worse_is_no_success_and_is_the_verdict(scene: Scene) -> None:
    scene.free.proofs["cache-2"] = Proof.WORSE
    receipt, verdict = await scene.run()
    assert receipt.message == "4 applied, 3 successful, 1 failed"
    assert verdict.proof is Proof.WORSE
    assert verdict.lines[0].after == "3 recovered, 1 worse"


async def test_cancelled_it_ends_between_two_parts_and_within_one(scene: Scene) -> None:
    def cancel(job: Job) -> Receipt:
        scene.cancelled.set()
        assert job.cancelled.is_set()
        return Receipt(message="1 freed", applied=1, complete=False)

    scene.free.applying["cache-2"] = cancel
    receipt, verdict = await scene.run()
    assert scene.free.done == ["cache-1", "cache-2"]
    assert not receipt.complete
    assert receipt.message == "1 applied, 1 successful, 0 failed, 3 left out; cancelled before the end"
    assert "1 freed" in receipt.lines[1].after
    assert verdict.proof is Proof.RECOVERED


async def test_the_progress_is_the_share_of_all(scene: Scene) -> None:
    await scene.run()
    assert [share for share, _ in scene.reports] == [0.125, 0.375, 0.625, 0.875]
    assert scene.reports[1][1] == "2 of 4, cleanup.free on cache-2: half"


async def test_a_part_that_could_be_taken_back_says_how(scene: Scene) -> None:
    undo = Undo(action="cache.tune", params={"maxmemory": "1G"})
    scene.free.applying["cache-3"] = Receipt(message="tuned", undo=undo)
    receipt, _ = await scene.run()
    assert receipt.lines[-1].after == "cache.tune cache-3 maxmemory=1G"


async def test_another_preview_of_other_parts_has_another_digest(scene: Scene) -> None:
    first = scene.job(await scene.plan()).plan
    assert scene.job(await scene.plan()).plan.digest == first.digest
    scene.free.run_ids["cache-2"] = "restarted"
    assert scene.job(await scene.plan()).plan.digest != first.digest


async def test_who_ends_the_agent_ends_it_at_once(scene: Scene) -> None:
    began = asyncio.Event()

    async def endless(job: Job) -> Receipt:
        began.set()
        await asyncio.Event().wait()
        return Receipt(message="")

    scene.free.apply = endless  # type: ignore[method-assign]
    task = asyncio.create_task(scene.run())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
