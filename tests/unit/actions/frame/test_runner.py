"""The runner: the whole loop, its ends, and what stays behind of each."""

import asyncio
import errno
import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from perftui.actions.audit.journal import Journal
from perftui.actions.audit.log import AuditLog
from perftui.actions.contract import Actor, Job, Receipt
from perftui.core.action import Line, Outcome, Proof, Run
from perftui.core.errors import ActionError, Refused
from tests.support.servers import eventually
from tests.unit.actions.stage import ADMIN, Stage

ABSENT = object()


async def test_what_was_previewed_runs_is_proved_and_recorded(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    run = await stage.run()
    assert (run.outcome, run.proof, run.message) == (Outcome.SUCCEEDED, Proof.RECOVERED, "all done")
    assert (run.lines, run.proof_lines) == ((Line("done", "0", "1"),), (Line("later", "1", "0"),))
    assert (run.who, run.applied) == ("ada", 1)
    assert run.ended is not None
    assert stage.published[0][0].outcome is Outcome.RUNNING
    assert stage.published[-1][0] == run
    intent, outcome, proof = stage.log.records()
    assert (intent["event"], intent["target"], intent["targets"]) == ("intent", "cache-1", ["db0"])
    assert intent["who"]["login"] == "ada"
    assert intent["who"]["claimed"] == {"SUDO_USER": "ada"}
    assert (outcome["outcome"], proof["proof"]) == ("succeeded", "recovered")
    assert stage.log.verify() == 3


async def test_a_plan_changes_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    await stage.plan()
    assert stage.fake.started == 0
    assert stage.events() == []


async def test_a_cancelled_run_stops_between_two_steps(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.steps = 5
    plan = await stage.plan()
    stage.fake.step.clear()
    await stage.runner.apply(plan.id, "y", ADMIN)
    with pytest.raises(Refused, match="only who may act may cancel"):
        stage.runner.cancel(plan.id, Actor(uid=5, role="viewer"))
    stage.runner.cancel(plan.id, ADMIN)
    stage.fake.step.set()
    run = await stage.ended(plan)
    assert (run.outcome, run.message, stage.fake.done) == (Outcome.CANCELLED, "0 done; cancelled by ada", [])
    assert run.proof is Proof.UNKNOWN


async def test_who_cancelled_is_on_record_at_once_and_the_first_counts(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    stage.fake.step.clear()
    await stage.runner.apply(plan.id, "y", ADMIN)
    stage.runner.cancel(plan.id, Actor(uid=7, role="admin", login="ana", claimed={"SUDO_USER": "eve"}))
    stage.runner.cancel(plan.id, ADMIN)
    await eventually(lambda: asyncio.sleep(0, "cancel" in stage.events()))
    (row,) = await stage.runner.audit(5)
    assert (row.outcome, row.message) == ("open", "cancelled by ana (claims eve)")
    stage.fake.step.set()
    run = await stage.ended(plan)
    assert run.message == "0 done; cancelled by ana (claims eve)"
    assert stage.events() == ["intent", "cancel", "outcome", "proof"]
    assert (await stage.runner.audit(5))[0].message == run.message


async def test_what_was_done_before_somebody_cancelled_it_was_not_cancelled(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    apply = stage.fake.apply

    async def deaf(job: Job) -> Receipt:
        stage.runner.cancel(plan.id, ADMIN)
        return await apply(replace(job, cancelled=asyncio.Event()))

    stage.fake.apply = deaf  # type: ignore[method-assign]
    run = await stage.applied(plan)
    assert (run.outcome, run.message) == (Outcome.SUCCEEDED, "all done")
    assert "cancel" in stage.events()


async def test_a_failure_is_told_recorded_and_gives_the_target_back(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.error = ActionError("broke off after 3 of 9 keys: connection refused")
    run = await stage.run()
    assert (run.outcome, run.proof) == (Outcome.FAILED, Proof.UNKNOWN)
    assert run.message.startswith("broke off after 3 of 9")
    assert stage.events() == ["intent", "outcome"]
    stage.clock.advance(10)
    stage.fake.error = None
    assert (await stage.run()).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("error", [KeyError("a defect"), ValueError("another")])
async def test_a_defect_leaves_an_outcome_too(tmp_path: Path, error: Exception) -> None:
    stage = Stage(tmp_path)
    stage.fake.error = error
    run = await stage.run()
    assert (run.outcome, stage.events()) == (Outcome.FAILED, ["intent", "outcome"])
    assert type(error).__name__ in run.message


async def test_an_intent_that_cannot_be_recorded_stops_everything(tmp_path: Path) -> None:
    def full(_descriptor: int, _raw: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    stage = Stage(tmp_path)
    stage.runner._journal = Journal(AuditLog(tmp_path, full), stage.clock)
    plan = await stage.plan()
    with pytest.raises(Refused, match=r"refused by audit: .*No space left on device"):
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert stage.fake.started == 0
    stage.runner._journal = Journal(stage.log, stage.clock)
    await stage.runner.apply(plan.id, "y", ADMIN)
    assert (await stage.ended(plan)).outcome is Outcome.SUCCEEDED


async def test_an_outcome_that_cannot_be_recorded_is_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    stage.fake.step.clear()
    await stage.runner.apply(plan.id, "y", ADMIN)
    stage.log.path.unlink()
    stage.log.path.mkdir()
    stage.fake.step.set()
    run = await stage.ended(plan)
    assert run.outcome is Outcome.SUCCEEDED
    assert "not recorded: " in run.message
    assert "system's log" not in run.message


async def test_how_it_ended_goes_to_the_system_where_the_log_takes_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system_log:
        system_log.bind(str(tmp_path / "log"))
        stage.runner._journal = Journal(stage.log, stage.clock, tmp_path / "log")
        plan = await stage.plan()
        stage.fake.step.clear()
        await stage.runner.apply(plan.id, "y", ADMIN)
        stage.log.path.unlink()
        stage.log.path.mkdir()
        stage.fake.step.set()
        run = await stage.ended(plan)
        system_log.setblocking(False)
        (head, outcome), (_, proof) = [system_log.recv(65536).split(b": ", 1) for _ in range(2)]
    assert head == b"<12>perftui[%d]" % os.getpid()
    assert (json.loads(outcome)["plan"], json.loads(outcome)["outcome"]) == (plan.id, "succeeded")
    assert json.loads(proof)["proof"] == "recovered"
    assert run.message.endswith("the system's log has it")
    assert run.message.count("not recorded") == 1


async def test_an_intent_is_on_disk_or_nothing_is_done(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.log.path.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system_log:
        system_log.bind(str(tmp_path / "log"))
        stage.runner._journal = Journal(stage.log, stage.clock, tmp_path / "log")
        plan = await stage.plan()
        with pytest.raises(Refused, match="refused by audit"):
            await stage.runner.apply(plan.id, "y", ADMIN)
    assert stage.fake.started == 0


async def test_closing_stops_what_runs_and_records_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.fake.steps = 3
    plan = await stage.plan()
    stage.fake.step.clear()
    await stage.runner.apply(plan.id, "y", ADMIN)
    closing = asyncio.create_task(stage.runner.close())
    await asyncio.sleep(0)
    stage.fake.step.set()
    await closing
    assert not stage.runner.busy
    assert [record["outcome"] for record in stage.log.records() if record["event"] == "outcome"] == ["cancelled"]


async def test_what_hangs_while_closing_is_cut_off_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perftui.actions.frame.runner.CLOSE_DEADLINE", 0.05)
    stage = Stage(tmp_path)
    plan = await stage.plan()
    stage.fake.step.clear()
    await stage.runner.apply(plan.id, "y", ADMIN)
    await stage.runner.close()
    assert stage.events() == ["intent", "outcome"]
    assert stage.runner.runs[0].outcome is Outcome.FAILED


async def test_an_intent_of_a_dead_agent_shows_as_interrupted_once(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    intent = {"event": "intent", "plan": "p1", "action": "cleanup.fake", "target": "cache-1", "risk": "low"}
    stage.log.append(intent | {"agent": "boot/999999999/1"})
    await stage.runner.start()
    assert [(run.plan.id, run.outcome) for run in stage.runner.runs] == [("p1", Outcome.INTERRUPTED)]
    again = Stage(tmp_path)
    await again.runner.start()
    assert [run.outcome for run in again.runner.runs] == [Outcome.INTERRUPTED]
    assert stage.log.verify() == 2


@pytest.mark.parametrize(
    "odd",
    [
        {"risk": "frightful"},
        {"risk": ["low"]},
        {"target": ABSENT},
        {"plan": ABSENT, "action": ABSENT},
        {"plan": 7, "action": None, "target": {"a": 1}},
        {"target": "\x1b[2J"},
        {"agent": "boot/" + "9" * 5000 + "/1"},
        {"agent": None},
        {"at": "0001-01-01T00:00:00"},
        {"command": ["x"], "digest": 5},
    ],
)
async def test_an_odd_record_stops_no_agent(tmp_path: Path, odd: dict[str, object]) -> None:
    intent = {"event": "intent", "plan": "p1", "action": "cleanup.fake", "target": "cache-1", "risk": "low"} | odd
    stage = Stage(tmp_path)
    stage.log.append({key: value for key, value in intent.items() if value is not ABSENT})
    await stage.runner.start()
    (run,) = stage.runner.runs
    assert run.outcome is Outcome.INTERRUPTED
    assert "\x1b" not in run.plan.title
    assert msgspec.json.decode(msgspec.json.encode(run), type=Run) == run
    again = Stage(tmp_path)
    await again.runner.start()
    assert len(list(again.log.records())) == 2


async def test_an_intent_of_a_living_agent_is_left_alone(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    stage.fake.step.clear()
    await stage.runner.apply(plan.id, "y", ADMIN)
    other = Stage(tmp_path)
    await other.runner.start()
    assert other.runner.runs == ()
    stage.fake.step.set()
    await stage.ended(plan)


@pytest.mark.parametrize(
    ("action", "target", "says"),
    [
        ("cleanup.fakes", "cache-1", 'did you mean "cleanup.fake"?'),
        ("cleanup.fake", "cache-2", 'did you mean "cache-1"?'),
        ("cleanup.fake", "host", "works on redis and host is system"),
        ("cleanup.fake", "\x1b[2J", "there is no source ␛"),
    ],
)
async def test_what_does_not_exist_is_refused_with_the_nearest(
    tmp_path: Path, action: str, target: str, says: str
) -> None:
    with pytest.raises(Refused) as caught:
        await Stage(tmp_path).runner.plan(action, target, {})
    assert says in str(caught.value)


async def test_plans_and_runs_are_bounded(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    first = await stage.plan()
    for _ in range(100):
        await stage.plan()
    with pytest.raises(Refused, match="no such preview"):
        await stage.runner.apply(first.id, "y", ADMIN)
    for _ in range(60):
        await stage.run()
        stage.clock.advance(10)
    assert len(stage.runner.runs) == 50


async def test_a_console_that_hangs_up_while_it_begins_does_not_stop_it(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    applying = asyncio.create_task(stage.runner.apply(plan.id, "y", ADMIN))
    for _ in range(3):
        await asyncio.sleep(0)
    applying.cancel()
    await asyncio.gather(applying, return_exceptions=True)
    assert applying.cancelled()
    await stage.runner.close()
    assert stage.events()[:2] == ["intent", "outcome"]
