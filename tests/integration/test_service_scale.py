"""`service.scale`, against a stand-in for systemctl and with commands: no systemd runs where these tests do."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perftui.actions.contract import Job, make_plan
from perftui.actions.params import Params
from perftui.actions.service.scale import ServiceScale
from perftui.config.duration import Duration
from perftui.config.remedies import ScaleGroup
from perftui.core.action import Line, Must, Outcome, Proof, Undo
from perftui.core.clock import SystemClock
from perftui.core.errors import PerftuiError, Refused, TargetChanged
from perftui.core.reading import Reading, Sample
from perftui.core.series import attributes
from tests.support.servers import eventually
from tests.support.service_scene import ended, scene, workers
from tests.support.stand_in_systemctl import StandIn, stand_in
from tests.unit.actions.stage import ADMIN

pytestmark = pytest.mark.integration


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    yield stand_in(tmp_path, monkeypatch)


async def test_workers_are_scaled_up_by_the_lowest_free_numbers_and_back(systemd: StandIn, tmp_path: Path) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage, 2)
    systemd.do("stop", "worker@1.service")
    plan = await stage.preview("service.scale", group="workers", count="3")
    assert plan.targets == ("worker@1.service", "worker@3.service")
    assert plan.lines[0] == Line("workers", "1 of at most 4 run", "3 run")
    assert "limits: 3 of at most 4 workers, at most 2 at a time" in plan.guards
    assert plan.command == "systemctl start worker@1.service worker@3.service"
    run = await stage.confirm(plan)
    assert ended(run) == (Outcome.SUCCEEDED, Proof.HELD), run
    assert (run.message, run.applied) == ("workers: 3 of 3 run", 2)
    back = await stage.runner.undo(run.plan.id)
    assert back.targets == ("worker@3.service", "worker@2.service"), "the highest numbers go first"
    run = await stage.confirm(back)
    assert run.outcome is Outcome.SUCCEEDED, run
    assert systemd.active("worker@1.service") == "active"


@pytest.mark.parametrize(
    ("count", "why"),
    [("5", "runs 0 to 4, not 5"), ("4", "at most 2 at a time, and 1 run; choose 3"), ("1", "1 of workers run already")],
)
async def test_bounds_and_steps_are_kept(systemd: StandIn, tmp_path: Path, count: str, why: str) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage)
    with pytest.raises(Refused, match=why):
        await stage.preview("service.scale", group="workers", count=count)


async def test_a_group_that_is_not_there_or_elsewhere_is_refused(systemd: StandIn, tmp_path: Path) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage)
    with pytest.raises(Refused, match="there is no group worker; did you mean"):
        await stage.preview("service.scale", group="worker", count="2")
    with pytest.raises(Refused, match="workers is scaled on services"):
        await stage.preview("service.scale", "host", group="workers", count="2")
    stage.group("others", ScaleGroup(unit="other@{n}.service"))
    with pytest.raises(Refused, match=r"there is no other@\{n\}\.service"):
        await stage.preview("service.scale", group="others", count="1")


async def test_what_crash_loops_is_not_scaled(systemd: StandIn, tmp_path: Path) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage, 2, each={"2": "crash-loops"})
    await asyncio.sleep(0.3)
    with pytest.raises(Refused, match=r"crash loop: worker@2\.service: it crashes again and again.*exit 137"):
        await stage.preview("service.scale", group="workers", count="2")


async def test_a_scale_that_never_gets_there_says_how_far_and_which_failed(systemd: StandIn, tmp_path: Path) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage, 1, each={"2": "fails", "3": "hangs"})
    run = await stage.do("service.scale", group="workers", count="3")
    assert (run.outcome, run.failed) == (Outcome.FAILED, 2), run
    assert "worker@2.service: it failed: exit 3" in run.message
    assert run.message.startswith("workers: 1 of 3 run; ")
    assert "did not get there within 3 s: worker@3.service is activating (start)" in run.message


async def test_a_scale_can_be_cancelled(systemd: StandIn, tmp_path: Path) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage, 1, each={"2": "hangs"})
    plan = await stage.preview("service.scale", group="workers", count="2")
    await stage.begin(plan)
    await eventually(lambda: asyncio.sleep(0, systemd.active("worker@2.service") == "activating"))
    stage.runner.cancel(plan.id, ADMIN)
    run = await stage.ended(plan)
    assert run.outcome is Outcome.CANCELLED
    assert run.undo is not None


async def test_workers_that_changed_since_the_preview_are_previewed_again(systemd: StandIn, tmp_path: Path) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage)
    plan = await stage.preview("service.scale", group="workers", count="2")
    systemd.do("start", "worker@2.service")
    with pytest.raises(TargetChanged):
        await stage.begin(plan)


async def test_a_group_and_each_of_its_units_exclude_each_other(systemd: StandIn, tmp_path: Path) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage, 1, each={"2": "hangs"})
    scaled = await stage.preview("service.scale", group="workers", count="2")
    assert scaled.locks == ("services/worker@1.service", *(f"services/worker@{n}.service" for n in (2, 3, 4)),
                            "services/workers")  # fmt: skip
    other = await stage.preview("service.restart", unit="worker@1")
    await stage.begin(scaled)
    with pytest.raises(Refused, match=r"service\.scale runs on services/workers"):
        await stage.begin(other)
    stage.runner.cancel(scaled.id, ADMIN)
    await stage.ended(scaled)


async def test_a_unit_is_locked_by_its_one_name_however_it_was_typed(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", running=True)
    stage = scene(tmp_path)
    plans = [await stage.preview("service.restart", unit=name) for name in ("web", "web.service")]
    plans.append(await stage.preview("service.limit", unit="web", cpu="50%"))
    assert {(plan.subject, plan.locks) for plan in plans} == {("web.service", ("services/web.service",))}


async def test_the_offer_counts_units_whose_template_has_no_suffix(systemd: StandIn, tmp_path: Path) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage, 2)
    stage.group("workers", ScaleGroup(unit="worker@{n}", max=4))
    await stage.poll()
    offers = stage.runner.offers(key="s", source="services", params={"group": "workers"})
    (offer,) = [each for each in offers if each.action == "service.scale"]
    assert (offer.note, offer.params["count"]) == ("2 of at most 4 run", "3")


async def test_old_figures_of_queues_prove_nothing(systemd: StandIn, tmp_path: Path) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage)
    where = attributes({"queue": "mail-out", "kind": "bullmq"})
    samples = (Sample("queue.depth", 900.0, where), Sample("queue.completed", 0.0, where))
    stage.readings = {"jobs": Reading(source="jobs", monotonic=0, wall=0, duration=0, samples=samples)}
    stage.stale = {"jobs"}
    plan = await stage.preview("service.scale", group="workers", count="2")
    assert {watch.must for watch in plan.watches} == {Must.KEEP}
    assert any("completed and failing jobs of mail-out until now" in text for text in plan.unknown)


async def test_queues_prove_a_scale(systemd: StandIn, tmp_path: Path) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage)
    where = attributes({"queue": "mail-out", "kind": "bullmq"})
    values = {"queue.depth": 900.0, "queue.completed": 0.0, "queue.failed": 0.0}
    samples = tuple(Sample(name, value, where) for name, value in values.items())
    stage.readings = {"jobs": Reading(source="jobs", monotonic=0, wall=0, duration=0, samples=samples)}
    plan = await stage.preview("service.scale", group="workers", count="2")
    assert {(watch.metric, watch.must, watch.bad) for watch in plan.watches} == {
        ("queue.depth", Must.IMPROVE, "up"),
        ("queue.completed", Must.IMPROVE, "down"),
        ("queue.failed", Must.KEEP, "up"),
    }
    (offer,) = stage.runner.offers(key="s", source="services", params={"group": "workers"})
    assert offer.serves == ("mail-out", "mail*")


async def test_a_command_scales_until_its_count_is_true(tmp_path: Path) -> None:
    stage = scene(tmp_path)
    file = tmp_path / "count"
    file.write_text("1\n")
    later = f"import sys, time, pathlib; time.sleep(0.7); pathlib.Path({str(file)!r}).write_text(sys.argv[1])"
    start = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {later!r}, sys.argv[1]])"
    command = (sys.executable, "-c", start, "{n}")
    stage.group("pool", ScaleGroup(command=command, count=("cat", str(file)), deadline=Duration(8.0)))
    run = await stage.do("service.scale", "host", group="pool", count="2")
    assert ended(run) == (Outcome.SUCCEEDED, Proof.HELD), run
    assert run.message == "pool: 2 of 2 run"
    assert run.undo == Undo(action="service.scale", params={"group": "pool", "count": "1"}, title="pool back to 1")


def pool(folder: Path, name: str = "scale.sh", **more: Any) -> ScaleGroup:
    """Return a group whose script writes the count, and with it what it is called by."""
    script = folder / name
    script.write_text(f'#!/bin/sh\necho "$1" > {folder}/count; echo {name} >> {folder}/said\n')
    script.chmod(0o700)
    if not (folder / "count").exists():
        (folder / "count").write_text("1")
    return ScaleGroup(command=(str(script), "{n}"), count=("cat", str(folder / "count")), **more)


async def test_a_group_that_was_changed_since_the_preview_is_previewed_again(tmp_path: Path) -> None:
    stage = scene(tmp_path)
    stage.group("pool", pool(tmp_path))
    for changed in (pool(tmp_path, "other.sh"), pool(tmp_path, max=3), pool(tmp_path, step=2)):
        stage.group("pool", pool(tmp_path))
        plan = await stage.preview("service.scale", "host", group="pool", count="2")
        stage.group("pool", changed)
        with pytest.raises(TargetChanged, match="definition was"):
            await stage.begin(plan)
    assert not (tmp_path / "said").exists()


async def test_a_program_that_was_replaced_since_the_preview_is_previewed_again(tmp_path: Path) -> None:
    stage = scene(tmp_path)
    stage.group("pool", pool(tmp_path))
    plan = await stage.preview("service.scale", "host", group="pool", count="2")
    (tmp_path / "scale.sh").write_text("#!/bin/sh\necho replaced\n")
    with pytest.raises(TargetChanged, match="file was"):
        await stage.begin(plan)
    (tmp_path / "scale.sh").unlink()
    with pytest.raises(Refused, match="there is no program"):
        await stage.preview("service.scale", "host", group="pool", count="2")


async def test_what_runs_is_the_command_of_the_preview(tmp_path: Path) -> None:
    stage = scene(tmp_path)
    stage.group("pool", pool(tmp_path))
    action, params = ServiceScale(stage, SystemClock(), verify_after=0.0), Params({"group": "pool", "count": "2"})
    found = await action.plan(stage.host, params)
    plan = make_plan(action.info, stage.host, found, params, stage.clock)
    stage.group("pool", pool(tmp_path, "other.sh"))
    job = Job(stage.host, plan, found.work, lambda *_: None, asyncio.Event())
    receipt = await action.apply(job)
    assert (receipt.message, (tmp_path / "said").read_text()) == ("pool: 2 of 2 run", "scale.sh\n")
    assert (await action.verify(job, receipt)).proof is Proof.HELD


async def test_a_template_that_was_changed_since_the_preview_is_previewed_again(
    systemd: StandIn, tmp_path: Path
) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage)
    systemd.add("other@.service")
    systemd.do("start", "other@1.service")
    plan = await stage.preview("service.scale", group="workers", count="2")
    stage.group("workers", ScaleGroup(unit="other@{n}.service", max=4))
    with pytest.raises(TargetChanged, match="definition was"):
        await stage.begin(plan)
    assert systemd.changes == []


async def test_counting_for_a_preview_is_running_a_program(systemd: StandIn, tmp_path: Path) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage)
    stage.group("pool", pool(tmp_path))
    action = ServiceScale(stage, SystemClock())
    assert [action.runs_programs(Params({"group": name})) for name in ("pool", "workers", "none")] == [
        True, False, False,
    ]  # fmt: skip


async def test_a_count_that_is_lost_in_the_middle_is_no_guess(tmp_path: Path) -> None:
    stage = scene(tmp_path)
    (tmp_path / "count").write_text("1")
    group = ScaleGroup(command=("rm", str(tmp_path / "count"), "{n}", "-f"), count=("cat", str(tmp_path / "count")))
    stage.group("pool", group)
    run = await stage.do("service.scale", "host", group="pool", count="2")
    assert run.outcome is Outcome.FAILED
    assert run.message.startswith("pool: how many run now is not known; ")
    assert run.undo is not None


async def test_a_command_that_never_gets_there_fails_or_counts_nonsense(tmp_path: Path) -> None:
    stage = scene(tmp_path)
    one, soon = ("echo", "1"), Duration(1.0)
    stage.group("stuck", ScaleGroup(command=("true", "{n}"), count=one, deadline=soon))
    run = await stage.do("service.scale", "host", group="stuck", count="2")
    assert run.outcome is Outcome.FAILED
    assert "it did not get there within 1 s: 1 of 2 run" in run.message
    command = ("sh", "-c", "echo no quota left; exit 4", "{n}")
    stage.group("broken", ScaleGroup(command=command, count=one, deadline=soon))
    run = await stage.do("service.scale", "host", group="broken", count="2")
    assert "exit 4: no quota left" in run.message
    stage.group("mute", ScaleGroup(command=("true", "{n}"), count=("echo", "many")))
    with pytest.raises(PerftuiError, match="`count` of mute printed no number"):
        await stage.preview("service.scale", "host", group="mute", count="2")
