"""Actions on units, against a stand-in for systemctl: no systemd runs where these tests do."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from perftui.actions.contract import Job, make_plan
from perftui.actions.params import Params
from perftui.actions.service import evidence as evidence_module
from perftui.actions.service.scale import ServiceScale
from perftui.config.duration import Duration
from perftui.config.kinds import SystemdOptions
from perftui.config.remedies import ScaleGroup
from perftui.core.action import Line, Must, Outcome, Plan, Proof, Risk, Run, Undo
from perftui.core.clock import SystemClock
from perftui.core.errors import PerftuiError, Refused, TargetChanged
from perftui.core.known_secrets import remember
from perftui.core.reading import Reading, Sample
from perftui.core.series import attributes
from tests.support.servers import eventually
from tests.support.stand_in_systemctl import StandIn, stand_in
from tests.unit.actions.service.scene import Scene
from tests.unit.actions.stage import ADMIN

pytestmark = pytest.mark.integration


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    yield stand_in(tmp_path, monkeypatch)


def scene(folder: Path, deadline: float = 10.0) -> Scene:
    return Scene(folder / "audit", "systemd", SystemdOptions(), deadline=deadline)


def texts(plan: Plan, label: str) -> list[str]:
    return [line.before for line in plan.lines if line.label == label]


def ended(run: Run) -> tuple[Outcome, Proof]:
    return run.outcome, run.proof


# ── Start and stop


async def test_a_preview_shows_why_it_ended_and_changes_nothing(
    systemd: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemd.add("mail.service", "oom", running=True)
    systemd.log("mail.service", "2026-11-21T02:11:57+0000 web-3 mail[7]: out of \x1b[31mmemory")
    plan = await scene(tmp_path).preview("service.start", unit="mail")
    assert plan.title == "start mail.service"
    assert plan.command == "systemctl start mail.service"
    assert plan.targets == ("mail.service",)
    assert plan.lines[0].before.startswith("failed since ")
    assert plan.lines[0].after == "active"
    assert texts(plan, "ended") == ["killed: out of memory, killed by SIGKILL, often out of memory"]
    assert texts(plan, "out of memory") == ["the kernel killed it, or a process of it"]
    assert texts(plan, "log") == ["2026-11-21T02:11:57+0000 web-3 mail[7]: out of ␛[31mmemory"]
    assert systemd.changes == []


async def test_no_known_secret_of_its_journal_is_in_a_preview(systemd: StandIn, tmp_path: Path) -> None:
    remember("hunter22-of-the-journal")
    systemd.add("web.service", running=True)
    systemd.log("web.service", "2026-11-21T02:11:57+0000 web-3 web[7]: connecting as app:hunter22-of-the-journal@db")
    plan = await scene(tmp_path).preview("service.restart", unit="web")
    assert texts(plan, "log") == ["2026-11-21T02:11:57+0000 web-3 web[7]: connecting as app:***@db"]


async def test_processes_that_the_kernel_killed_are_counted(
    systemd: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence_module, "CGROUPS", tmp_path)
    group = tmp_path / "system.slice/web.service"
    group.mkdir(parents=True)
    (group / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 4\noom_kill 2\n")
    systemd.add("web.service", running=True)
    plan = await scene(tmp_path).preview("service.restart", unit="web.service")
    assert texts(plan, "out of memory") == ["the kernel killed 2 of its processes since it started"]


async def test_what_failed_is_started_proved_and_stopped_again_by_undo(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", "fails", running=True)
    systemd.change("web.service", behaviour="runs", do="")
    stage = scene(tmp_path)
    run = await stage.do("service.start", unit="web.service")
    assert ended(run) == (Outcome.SUCCEEDED, Proof.RECOVERED), run
    assert (run.message, run.applied) == ("web.service started", 1)
    assert systemd.changes == ["start --no-block web.service"]
    assert run.undo == Undo(action="service.stop", params={"unit": "web.service"}, title="stop web.service")
    plan = await stage.runner.undo(run.plan.id)
    assert (plan.risk, plan.confirm) == (Risk.HIGH, "services")
    back = await stage.confirm(plan)
    assert ended(back) == (Outcome.SUCCEEDED, Proof.HELD), back
    assert systemd.active("web.service") == "inactive"
    assert stage.log.verify() > 0


async def test_a_start_that_fails_says_why(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", "fails")
    run = await scene(tmp_path).do("service.start", unit="web.service")
    assert (run.outcome, run.failed) == (Outcome.FAILED, 1)
    assert "it failed: exit 3" in run.message


async def test_what_takes_its_time_is_waited_for(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", "slow", takes=1.0)
    stage = scene(tmp_path)
    run = await stage.do("service.start", unit="web.service")
    assert ended(run) == (Outcome.SUCCEEDED, Proof.HELD), run
    said = {each.message for runs in stage.published for each in runs}
    assert any(message.startswith("web.service is activating (start), ") for message in said), said


async def test_what_never_gets_there_has_a_clear_end(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", "hangs")
    run = await scene(tmp_path, deadline=0.8).do("service.start", unit="web.service")
    assert run.outcome is Outcome.FAILED
    assert run.message.startswith("web.service did not get there within 800 ms; it is activating (start)")
    assert run.undo is not None, "what is still being started can be stopped"


async def test_a_wait_can_be_cancelled(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", "hangs")
    stage = scene(tmp_path)
    plan = await stage.preview("service.start", unit="web.service")
    await stage.begin(plan)
    await eventually(lambda: asyncio.sleep(0, systemd.active("web.service") == "activating"))
    stage.runner.cancel(plan.id, ADMIN)
    run = await stage.ended(plan)
    assert run.outcome is Outcome.CANCELLED
    assert "no longer waited for: it is activating (start)" in run.message
    assert run.undo is not None


async def test_what_dies_right_after_its_start_is_not_proved(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", "killed", running=True)
    systemd.change("web.service", do="stop")
    stage = scene(tmp_path)
    stage.runner._actions["service.start"]._verify_after = 2.2  # type: ignore[attr-defined]
    run = await stage.do("service.start", unit="web.service")
    assert ended(run) == (Outcome.SUCCEEDED, Proof.UNCHANGED), run
    assert "failed" in run.proof_lines[0].after


async def test_a_unit_that_another_started_meanwhile_is_left_alone(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service")
    stage = scene(tmp_path)
    plan = await stage.preview("service.start", unit="web.service")
    systemd.do("start", "web.service")
    with pytest.raises(TargetChanged, match="preview it again"):
        await stage.begin(plan)
    assert systemd.changes == []


@pytest.mark.parametrize(
    ("action", "unit", "why"),
    [
        ("service.start", "running.service", "runs already"),
        ("service.stop", "dead.service", "does not run"),
        ("service.start", "masked.service", "is masked"),
        ("service.start", "nowhere.service", "has no nowhere.service"),
        ("service.reload", "running.service", "has no way to reload"),
        ("service.restart", "*.service", "no name of a unit"),
        ("service.restart", "--force", "no name of a unit"),
        ("service.stop", "own.service", "this agent itself runs in own.service"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    systemd: StandIn, tmp_path: Path, action: str, unit: str, why: str
) -> None:
    systemd.add("running.service", running=True)
    systemd.add("dead.service")
    systemd.add("masked.service", file="masked")
    systemd.add("own.service", running=True, properties={"MainPID": os.getpid()})
    with pytest.raises(Refused, match=why):
        await scene(tmp_path).preview(action, unit=unit)


async def test_without_the_right_to_change_units_nothing_is_done(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service")
    stage = scene(tmp_path)
    systemd.fault("denied")
    run = await stage.do("service.start", unit="web.service")
    assert (run.outcome, run.applied) == (Outcome.FAILED, 0)
    assert "run the agent as root, or let polkit grant it" in run.message
    assert systemd.active("web.service") == "inactive"


async def test_a_systemd_that_goes_away_in_the_middle_is_told(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", "hangs")
    stage = scene(tmp_path)
    plan = await stage.preview("service.start", unit="web.service")
    await stage.begin(plan)
    await eventually(lambda: asyncio.sleep(0, systemd.active("web.service") == "activating"))
    systemd.fault("gone")
    run = await stage.ended(plan)
    assert run.outcome is Outcome.PARTIAL
    assert run.message.startswith("web.service was told to start; systemd does not run on this host")
    assert run.undo is not None


# ── Restart and reload


async def test_a_restart_is_a_new_process_and_says_what_it_takes_along(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("db.service", running=True, required_by="multi-user.target web.service")
    stage = scene(tmp_path)
    plan = await stage.preview("service.restart", unit="db.service")
    assert plan.targets == ("db.service", "web.service")
    assert "it takes along web.service" in plan.warnings
    run = await stage.confirm(plan)
    assert ended(run) == (Outcome.SUCCEEDED, Proof.HELD), run
    assert systemd.changes == ["restart --no-block db.service"]


async def test_what_logins_hang_on_asks_for_more(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("ssh.service", running=True)
    plan = await scene(tmp_path).preview("service.restart", unit="ssh")
    assert (plan.risk, plan.confirm) == (Risk.HIGH, "services")
    assert "this host may be out of reach without it" in plan.warnings


async def test_a_reload_keeps_the_process_or_says_that_its_command_failed(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", running=True, reload=True)
    stage = scene(tmp_path)
    run = await stage.do("service.reload", unit="web.service")
    assert ended(run) == (Outcome.SUCCEEDED, Proof.HELD), run
    systemd.add("mail.service", running=True, reload=True, reload_result="exit-code")
    run = await stage.do("service.reload", unit="mail.service")
    assert run.outcome is Outcome.FAILED
    assert "its reload command failed" in run.message


async def test_a_crash_loop_is_warned_of_and_can_be_stopped(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", "crash-loops")
    systemd.do("start", "web.service")
    await asyncio.sleep(0.5)
    stage = scene(tmp_path)
    plan = await stage.preview("service.restart", unit="web.service")
    assert plan.warnings[0].startswith("web.service: it crashes again and again, restarted ")
    assert "exit 137 (SIGKILL, often out of memory)" in plan.warnings[0]
    run = await stage.do("service.stop", unit="web.service")
    assert run.outcome is Outcome.SUCCEEDED, run
    assert systemd.active("web.service") == "inactive"


async def test_a_start_limit_is_set_back_first(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", properties={"Result": "start-limit-hit"})
    stage = scene(tmp_path)
    plan = await stage.preview("service.start", unit="web.service")
    assert any("systemctl reset-failed" in warning for warning in plan.warnings)
    await stage.confirm(plan)
    assert systemd.changes == ["reset-failed web.service", "start --no-block web.service"]


# ── Scale


def workers(systemd: StandIn, stage: Scene, running: int = 1, **more: Any) -> None:
    systemd.add("worker@.service", **more)
    for number in range(1, running + 1):
        systemd.do("start", f"worker@{number}.service")
    group = ScaleGroup(unit="worker@{n}.service", queues=("mail*",), max=4, step=2, deadline=Duration(3.0))
    stage.group("workers", group)


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


# ── Limit


async def test_limits_are_set_until_the_next_boot_and_taken_back(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", running=True, MemoryMax="1073741824")
    stage = scene(tmp_path)
    plan = await stage.preview("service.limit", unit="web.service", cpu="150%", memory="512MiB")
    assert plan.risk is Risk.MEDIUM
    assert plan.command == "systemctl set-property --runtime web.service CPUQuota=150% MemoryMax=536870912"
    assert plan.lines[:2] == (Line("CPU at most", "none", "150%"), Line("memory at most", "1 GiB", "512 MiB"))
    assert any("until the next boot" in warning for warning in plan.warnings)
    run = await stage.confirm(plan)
    assert ended(run) == (Outcome.SUCCEEDED, Proof.HELD), run
    back = await stage.runner.undo(run.plan.id)
    assert back.command == "systemctl set-property --runtime web.service CPUQuota= MemoryMax=1073741824"
    run = await stage.confirm(back)
    assert run.outcome is Outcome.SUCCEEDED, run


async def test_a_limit_below_what_is_used_says_that_it_kills(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", running=True, memory=600 << 20)
    plan = await scene(tmp_path).preview("service.limit", unit="web.service", memory="512MiB")
    assert (plan.risk, plan.confirm) == (Risk.HIGH, "services")
    assert (
        plan.warnings[0] == "it uses 600 MiB now: with at most 512 MiB the kernel takes pages from it, and kills in it"
    )


@pytest.mark.parametrize("bad", [{}, {"cpu": "0%"}, {"cpu": "fast"}, {"memory": "-1"}, {"memory": "some"}])
async def test_limits_that_cannot_be_read_are_refused(systemd: StandIn, tmp_path: Path, bad: dict[str, str]) -> None:
    systemd.add("web.service", running=True)
    with pytest.raises(Refused, match="refused by parameters"):
        await scene(tmp_path).preview("service.limit", unit="web.service", **bad)


async def test_a_limit_that_another_changed_is_previewed_again(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", running=True)
    stage = scene(tmp_path)
    plan = await stage.preview("service.limit", unit="web.service", cpu="50%")
    systemd.change("web.service", CPUQuota="20%")
    with pytest.raises(TargetChanged):
        await stage.begin(plan)


# ── Offers and readings


async def test_offers_follow_what_was_last_read(systemd: StandIn, tmp_path: Path) -> None:
    stage = scene(tmp_path)
    workers(systemd, stage, 2)
    systemd.add("web.service", "fails", running=True)
    systemd.add("db.service", running=True, reload=True)
    await stage.poll()
    offers = stage.runner.offers(key="s", source="services")
    found = {(offer.action, offer.params.get("unit", "")) for offer in offers}
    assert ("service.start", "web.service") in found
    assert {("service.restart", "db.service"), ("service.reload", "db.service")} <= found
    assert ("service.start", "db.service") not in found
    (scale,) = [offer for offer in offers if offer.action == "service.scale"]
    assert (scale.params, scale.note) == ({"group": "workers", "count": "4"}, "2 of at most 4 run")
    start = next(offer for offer in offers if offer.action == "service.start")
    assert start.note == "failed, exit 3"
    asked = stage.runner.offers(key="s", source="services", params={"unit": "db.service"})
    assert {offer.params["unit"] for offer in asked if "unit" in offer.params} == {"db.service"}
    ids = {offer.action for offer in asked if "unit" in offer.params}
    assert ids == {"service.restart", "service.reload", "service.stop", "service.limit"}


async def test_a_start_is_watched_by_the_readings(systemd: StandIn, tmp_path: Path) -> None:
    systemd.add("web.service", "fails", running=True)
    stage = scene(tmp_path)
    await stage.poll()
    plan = await stage.preview("service.start", unit="web.service")
    assert [(watch.metric, watch.must, watch.goal) for watch in plan.watches] == [("service.up", Must.IMPROVE, 1.0)]


async def test_a_poll_costs_one_process_and_little_time(systemd: StandIn, tmp_path: Path) -> None:
    for number in range(150):
        systemd.add(f"unit-{number}.service", "fails" if number % 50 == 0 else "runs", running=True)
    stage = scene(tmp_path)
    started = time.perf_counter()
    await stage.poll()
    assert time.perf_counter() - started < 2.0
    reading = stage.readings["services"]
    assert reading.commands == 1
    values = {(each.metric, each.attributes): each.value for each in reading.samples}
    assert values["service.failed", ()] == 3
    assert values["service.up", (("unit", "unit-0.service"),)] == 0
    assert reading.tables["units"].rows[0][:5] == ("unit-0.service", "failed", "failed", "exit-code", "exit 3")
