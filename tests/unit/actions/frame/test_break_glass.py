"""Break-glass: what an admin can pass with a name and a reason, what never, and that it is on record."""

import errno
import json
import os
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perftui.actions.audit.journal import Journal
from perftui.actions.audit.log import AuditLog
from perftui.actions.contract import Actor
from perftui.config.remedies import Freeze
from perftui.core.action import Outcome, Plan, Run
from perftui.core.errors import Refused
from tests.unit.actions.stage import ADMIN, Stage

ALWAYS = tuple(
    Freeze(start=day, until=until) for day, until in (("mon 00:00", "thu 00:00"), ("thu 00:00", "mon 00:00"))
)


def full(_descriptor: int, _raw: bytes) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def broken(
    stage: Stage, plan: Plan, confirmation: str = "cache-1", reason: str = "outage", actor: Actor = ADMIN
) -> Run:
    return await stage.applied(plan, confirmation, actor, reason=reason, break_glass=True)


async def test_limits_cooldown_and_freeze_are_passed_and_recorded(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    await stage.run()
    stage.rule(max_targets=1, freeze=ALWAYS)
    stage.fake.finds = {"count": 2}
    run = await broken(stage, await stage.plan())
    assert (run.outcome, run.passed, run.reason) == (Outcome.SUCCEEDED, ("limits", "cooldown", "freeze"), "outage")
    intent = [record for record in stage.log.records() if record["event"] == "intent"][-1]
    assert (intent["passed"], intent["reason"]) == (["limits", "cooldown", "freeze"], "outage")
    assert (await stage.runner.audit(1))[0].passed == run.passed


@pytest.mark.parametrize("may_break", [True, False])
@pytest.mark.parametrize("check", ["limits", "cooldown", "freeze", "audit"])
async def test_a_refusal_tells_that_it_can_be_passed(tmp_path: Path, check: str, may_break: bool) -> None:
    stage = Stage(tmp_path)
    stage.rule(
        max_targets=1 if check == "limits" else 9, freeze=ALWAYS if check == "freeze" else (), break_glass=may_break
    )
    stage.fake.finds = {"count": 2}
    plan = await stage.plan()
    if check == "cooldown":
        stage.runner._recent.rest(plan.action, "cache-1", 10)
    if check == "audit":
        stage.runner._journal = Journal(AuditLog(tmp_path, full), stage.clock, tmp_path / "no-log")
    with pytest.raises(Refused) as caught:
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert (caught.value.check, caught.value.breakable) == (check, may_break)


async def test_nothing_to_pass_is_an_ordinary_run(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    assert (await broken(stage, await stage.plan())).passed == ()


@pytest.mark.parametrize(
    ("given", "check"),
    [
        ({"confirmation": "y"}, "confirmation"),
        ({"confirmation": ""}, "confirmation"),
        ({"reason": " "}, "reason"),
        ({"actor": Actor(uid=5, role="viewer")}, "role"),
        ({"actor": msgspec.structs.replace(ADMIN, read_only=True)}, "read-only"),
    ],
)
async def test_it_wants_an_admin_the_name_and_a_reason(tmp_path: Path, given: dict[str, Any], check: str) -> None:
    stage = Stage(tmp_path)
    stage.rule(freeze=ALWAYS)
    with pytest.raises(Refused) as caught:
        await broken(stage, await stage.plan(), **given)
    assert (caught.value.check, caught.value.breakable) == (check, False)
    assert (stage.fake.started, stage.events()) == (0, [])


async def test_the_file_can_forbid_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.rule(freeze=ALWAYS, break_glass=False)
    with pytest.raises(Refused, match=r"refused by break-glass: perftui\.toml says break_glass = false"):
        await broken(stage, await stage.plan())
    assert stage.fake.started == 0


async def test_lock_and_target_are_never_passed(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    first, second = await stage.plan(), await stage.plan()
    stage.fake.step.clear()
    await stage.runner.apply(first.id, "y", ADMIN)
    with pytest.raises(Refused, match="refused by lock"):
        await broken(stage, second)
    stage.fake.step.set()
    await stage.ended(first)
    stage.fake.server["run_id"] = "another"
    with pytest.raises(Exception, match="run_id was first and is another now"):
        await broken(stage, second)
    assert stage.fake.started == 1


async def test_a_log_that_takes_nothing_is_passed_when_the_systems_log_takes_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    log = AuditLog(tmp_path, full)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system_log:
        system_log.bind(str(tmp_path / "log"))
        stage.runner._journal = Journal(log, stage.clock, tmp_path / "log")
        plan = await stage.plan()
        with pytest.raises(Refused, match="refused by audit"):
            await stage.runner.apply(plan.id, "y", ADMIN, reason="outage")
        run = await broken(stage, plan)
        assert run.lines[0].after.startswith(f"recorded in the system's log ({tmp_path / 'log'}); {log.path} gets it")
        assert run.message.endswith("No space left on device; the system's log has it")
        intent = json.loads(system_log.recv(65536).split(b": ", 1)[1])
    assert (run.outcome, run.passed) == (Outcome.SUCCEEDED, ("audit",))
    assert (intent["event"], intent["plan"], intent["passed"]) == ("intent", plan.id, ["audit"])
    assert stage.events() == []
    log._write = os.write
    await stage.runner.close()
    assert stage.events() == ["intent", "outcome", "proof"], "written once the log takes records again"
    again = Stage(tmp_path)
    await again.runner.start()
    assert [each.outcome for each in again.runner.runs] == [Outcome.SUCCEEDED]


async def test_what_no_log_at_all_takes_is_not_done(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.runner._journal = Journal(AuditLog(tmp_path, full), stage.clock, tmp_path / "no-log")
    plan = await stage.plan()
    with pytest.raises(Refused, match="refused by audit") as caught:
        await broken(stage, plan)
    assert not caught.value.breakable
    nowhere = f"neither {stage.log.path} nor the system's log ({tmp_path / 'no-log'}) takes a record"
    assert caught.value.reason == f"{nowhere}: free 64 KiB at {tmp_path}"
    assert stage.fake.started == 0
    stage.runner._journal = Journal(stage.log, stage.clock)
    assert (await broken(stage, plan)).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(("may_break", "who"), [(True, "an admin may"), (False, "nobody may")])
async def test_a_freeze_says_when_it_ends_and_who_may_pass_it(tmp_path: Path, may_break: bool, who: str) -> None:
    stage = Stage(tmp_path)
    stage.rule(freeze=ALWAYS, break_glass=may_break)
    with pytest.raises(Refused, match=rf"until thu 00:00 UTC; .*; {who} pass it by break-glass"):
        await stage.run()
