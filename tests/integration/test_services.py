"""Actions on units, against a stand-in for systemctl: no systemd runs where these tests do."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from perftui.actions.service import evidence as evidence_module
from perftui.core.action import Line, Must, Outcome, Proof, Risk, Undo
from perftui.core.errors import Refused, TargetChanged
from perftui.core.known_secrets import remember
from tests.support.servers import eventually
from tests.support.service_scene import ended, scene, texts, workers
from tests.support.stand_in_systemctl import StandIn, stand_in
from tests.unit.actions.stage import ADMIN

pytestmark = pytest.mark.integration


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    yield stand_in(tmp_path, monkeypatch)


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
