"""Previews hold memory: of how many, how much, and for how long."""

import asyncio
import gc
import weakref
from pathlib import Path

import msgspec
import pytest

from perftui.actions.contract import PLAN_LIFE
from perftui.actions.frame import plans
from perftui.actions.frame.plans import MOST_WEIGHT, PlanStore
from perftui.core.action import Plan
from perftui.core.clock import SystemClock
from perftui.core.errors import Refused
from tests.support.servers import eventually
from tests.unit.actions.stage import ADMIN, Stage


class Work:
    """Something that can be seen to be gone."""


async def test_work_is_let_go_once_its_plan_is_too_old_though_nobody_asks_any_more(tmp_path: Path) -> None:
    store, clock, work = PlanStore(SystemClock()), SystemClock(), Work()
    plan = msgspec.structs.replace(await Stage(tmp_path).plan(), expires=clock.monotonic() + 0.05)
    alive = weakref.ref(work)
    store.add(plan, work, 1000)
    del work
    assert alive() is not None
    await eventually(lambda: asyncio.sleep(0, gc.collect() >= 0 and alive() is None))
    kept = store.get(plan.id)
    assert kept is not None and kept.weight == 0, "that it is its age can still be said"


async def test_work_stays_as_long_as_its_plan_can_be_applied(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    store, plan = PlanStore(stage.clock), await stage.plan()
    early = msgspec.structs.replace(plan, expires=stage.clock.monotonic() + 0.01)
    store.add(early, "work")
    store._sweep_at(early.expires)  # as when the loop's clock runs ahead of the agent's
    kept = store.get(plan.id)
    assert kept is not None and kept.work == "work"
    stage.clock.advance(0.01)
    await eventually(lambda: asyncio.sleep(0, store.get(plan.id) == (early, None, 0)))


async def several(stage: Stage, number: int) -> list[Plan]:
    return [await stage.plan() for _ in range(number)]


async def test_the_oldest_previews_that_hold_something_leave_first(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    (light,) = await several(stage, 1)
    stage.fake.finds = {"work": "much", "weight": MOST_WEIGHT // 2}
    heavy = await several(stage, 3)
    with pytest.raises(Refused, match="there is no such preview; preview it again"):
        await stage.runner.apply(heavy[0].id, "y", ADMIN)
    await stage.applied(light)
    stage.clock.advance(10)
    await stage.applied(heavy[1])


async def test_what_alone_is_too_much_is_refused_and_costs_no_other(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.finds = {"weight": MOST_WEIGHT}
    (first,) = await several(stage, 1)
    stage.fake.finds = {"weight": MOST_WEIGHT + 1}
    with pytest.raises(Refused, match=r"refused by limits: its targets take 256 MiB of memory, .*; narrow it"):
        await stage.plan()
    await stage.applied(first)


async def test_what_expired_weighs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "MOST_WEIGHT", 10)
    stage = Stage(tmp_path)
    stage.fake.finds = {"weight": 10}
    (old,) = await several(stage, 1)
    stage.clock.advance(PLAN_LIFE)
    await several(stage, 1)
    with pytest.raises(Refused, match="its preview is too old"):
        await stage.runner.apply(old.id, "y", ADMIN)
