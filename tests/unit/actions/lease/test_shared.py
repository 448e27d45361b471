"""Leases: one a source for the whole agent, taken before anything is written, given back at the end of apply."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from perftui.actions.lease.shared import Lease
from perftui.config.settings import SourceSettings
from perftui.core.action import Line, Outcome
from perftui.core.clock import Clock
from perftui.core.errors import Refused, Unreachable
from tests.support.servers import eventually
from tests.unit.actions.stage import ADMIN, Stage


class Server:
    """Leases of a server: records who takes and gives, in order."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.leases: dict[str, Lease] = {}
        self.error: Exception | None = None
        self.note = ""
        self.breaks = asyncio.Event()

    @asynccontextmanager
    async def take(self, source: SourceSettings, holder: str, _clock: Clock) -> AsyncIterator[Lease]:
        assert "pid" in holder
        if self.error is not None and source.name == "cache-1":
            raise self.error
        self.log.append(f"take {source.name}")
        lease = self.leases[source.name] = Lease(note=self.note)
        try:
            yield lease
        finally:
            self.log.append(f"give {source.name}")


async def test_target_and_touched_sources_are_held_until_apply_ended(tmp_path: Path) -> None:
    server = Server()
    stage = Stage(tmp_path, lease=server.take)
    stage.fake.finds = {"touches": ("host",)}
    plan = await stage.plan()
    assert server.log == []
    stage.fake.step.clear()
    await stage.runner.apply(plan.id, "y", ADMIN)
    assert server.log == ["take cache-1", "take host"]
    stage.fake.step.set()
    await stage.ended(plan)
    assert sorted(server.log[2:]) == ["give cache-1", "give host"]


async def test_two_subjects_of_one_source_share_a_lease(tmp_path: Path) -> None:
    server = Server()
    stage = Stage(tmp_path, lease=server.take)
    plans = [await stage.plan(queue=queue) for queue in ("a", "b")]
    stage.fake.step.clear()
    for plan in plans:
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert server.log == ["take cache-1"]
    stage.fake.step.set()
    for plan in plans:
        await stage.ended(plan)
    assert server.log == ["take cache-1", "give cache-1"]
    await stage.applied(await stage.plan(queue="c"))
    assert server.log[2:] == ["take cache-1", "give cache-1"]


@pytest.mark.parametrize("error", [Refused("lock", "perftui on web-2 holds cache-1", "wait"), Unreachable("gone")])
async def test_who_comes_second_does_nothing_and_holds_nothing(tmp_path: Path, error: Exception) -> None:
    server = Server()
    stage = Stage(tmp_path, lease=server.take)
    stage.fake.finds = {"touches": ("host",)}
    plan = await stage.plan()
    server.error = error
    with pytest.raises(type(error), match=str(error)):
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert (stage.fake.started, stage.events(), stage.runner.busy) == (0, [], False)
    assert [each for each in server.log if each.startswith("take")] == []
    server.error = None
    assert (await stage.applied(plan)).outcome is Outcome.SUCCEEDED


async def test_a_lease_that_cannot_be_recorded_with_is_given_back(tmp_path: Path) -> None:
    server = Server()
    stage = Stage(tmp_path, lease=server.take)
    stage.log.path.mkdir()
    plan = await stage.plan()
    with pytest.raises(Refused, match="refused by audit"):
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert server.log == ["take cache-1", "give cache-1"]


async def test_why_no_lease_could_be_held_is_told(tmp_path: Path) -> None:
    server = Server()
    server.note = "no lease: a replica"
    run = await Stage(tmp_path, lease=server.take).run()
    assert run.lines[0] == Line("warning", after="no lease: a replica")


async def test_a_lost_lease_stops_the_run_between_two_steps(tmp_path: Path) -> None:
    server = Server()
    stage = Stage(tmp_path, lease=server.take)
    stage.fake.steps = 3
    stage.fake.step.clear()
    plan = await stage.plan()
    await stage.runner.apply(plan.id, "y", ADMIN)
    work = stage.runner._working[plan.id]
    await asyncio.sleep(0)
    server.leases["cache-1"].lost.set()
    await eventually(lambda: asyncio.sleep(0, work.cancelled.is_set()), every=0.001)
    stage.fake.step.set()
    run = await stage.ended(plan)
    assert (run.outcome, stage.fake.done) == (Outcome.CANCELLED, [])
    assert "stopped: the lease on cache-1 was lost" in run.message


async def test_a_lease_that_breaks_is_lost(tmp_path: Path) -> None:
    breaks = asyncio.Event()

    @asynccontextmanager
    async def take(_source: SourceSettings, _holder: str, _clock: Clock) -> AsyncIterator[Lease]:
        async with asyncio.TaskGroup() as group:

            async def renew() -> None:
                await breaks.wait()
                raise Unreachable("gone")

            group.create_task(renew())
            yield Lease()

    stage = Stage(tmp_path, lease=take)
    stage.fake.step.clear()
    plan = await stage.plan()
    await stage.runner.apply(plan.id, "y", ADMIN)
    breaks.set()
    work = stage.runner._working[plan.id]
    await eventually(lambda: asyncio.sleep(0, work.cancelled.is_set()), every=0.001)
    stage.fake.step.set()
    assert (await stage.ended(plan)).outcome is Outcome.CANCELLED


async def test_a_lease_that_never_comes_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perftui.actions.lease.shared.TAKE_DEADLINE", 0.02)

    @asynccontextmanager
    async def take(_source: SourceSettings, _holder: str, _clock: Clock) -> AsyncIterator[Lease]:
        await asyncio.Event().wait()
        yield Lease()

    stage = Stage(tmp_path, lease=take)
    plan = await stage.plan()
    with pytest.raises(Exception, match="cache-1 gave no lease within"):
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert (stage.fake.started, stage.events()) == (0, [])
