"""The journal where a log hangs, and where several agents share one."""

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from perftui.actions.audit import journal, past, writer
from perftui.actions.audit.journal import Journal
from perftui.actions.audit.log import AuditLog, Record
from perftui.actions.contract import Job, Receipt, Verdict
from perftui.core.action import Line, Outcome, Proof
from perftui.core.clock import ManualClock
from perftui.core.errors import AuditError, Refused
from tests.support.servers import eventually
from tests.unit.actions.stage import ADMIN, Stage

DEAD: Record = {
    "event": "intent",
    "plan": "p1",
    "action": "cleanup.fake",
    "target": "cache-1",
    "agent": "b/999999999/1",
}


class HangingLog(AuditLog):
    """Answers nothing until it is let; those who wait do so for 50 ms meanwhile."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(folder)
        self.free = threading.Event()
        self._patch = patch

    def hang(self, stage: Stage, system_log: Path) -> None:
        """Be the log of a stage from now on."""
        for module in (journal, past, writer):
            self._patch.setattr(module, "DEADLINE", 0.05)
        stage.runner._journal = Journal(self, stage.clock, system_log)
        stage.runner._past._log = self

    def answer(self) -> None:
        """Hang no longer."""
        self._patch.undo()
        self.free.set()

    def append(self, record: Record) -> None:
        self.free.wait()
        super().append(record)

    def since(self, place: int, most: int = 0) -> tuple[list[Record], int]:
        self.free.wait()
        return super().since(place)


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[HangingLog]:
    with pytest.MonkeyPatch.context() as patch:
        log = HangingLog(tmp_path, patch)
        yield log
        log.answer()


async def test_a_log_that_hangs_lets_no_action_begin_and_holds_up_nobody(tmp_path: Path, hanging: HangingLog) -> None:
    stage = Stage(tmp_path)
    hanging.hang(stage, tmp_path / "no-log")
    plan = await stage.plan()
    with pytest.raises(Refused, match=r"refused by audit: .*audit\.jsonl has not answered for 50 ms"):
        await stage.runner.apply(plan.id, "y", ADMIN)
    assert (stage.fake.started, stage.runner.busy) == (0, False)
    with pytest.raises(AuditError, match="has not answered"):
        await stage.runner.audit(5)
    with pytest.raises(AuditError, match="has not answered"):
        await stage.runner.start()
    hanging.answer()
    await eventually(lambda: asyncio.sleep(0, stage.events() == ["intent", "outcome"]))
    (row,) = await stage.runner.audit(5)
    assert (row.outcome, row.message) == ("failed", "not begun: the audit log took it too late")
    assert (await stage.applied(plan)).outcome is Outcome.SUCCEEDED


async def test_a_log_that_hangs_meanwhile_keeps_no_action_from_its_end(tmp_path: Path, hanging: HangingLog) -> None:
    stage = Stage(tmp_path)
    plan = await stage.plan()
    stage.fake.step.clear()
    await stage.runner.apply(plan.id, "y", ADMIN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system_log:
        system_log.bind(str(tmp_path / "log"))
        hanging.hang(stage, tmp_path / "log")
        stage.fake.step.set()
        run = await stage.ended(plan)
        told = [msgspec.json.decode(system_log.recv(65536).split(b": ", 1)[1])["event"] for _ in range(2)]
    assert (run.outcome, told) == (Outcome.SUCCEEDED, ["outcome", "proof"])
    assert run.message.endswith("has not answered for 50 ms; the system's log has it")
    hanging.answer()
    await eventually(lambda: asyncio.sleep(0, stage.events() == ["intent", "outcome", "proof"]))
    assert stage.log.verify() == 3


async def test_of_agents_that_start_at_once_one_closes_what_a_dead_one_left(tmp_path: Path) -> None:
    looked = threading.Barrier(4)

    class Meeting(AuditLog):
        """All have looked before the first one writes."""

        def extend(self, found):  # type: ignore[no-untyped-def]
            looked.wait(10)
            super().extend(found)

    AuditLog(tmp_path).append(DEAD)
    AuditLog(tmp_path).append(DEAD | {"plan": "p2"})
    await asyncio.gather(*(Journal(Meeting(tmp_path), ManualClock()).close_interrupted() for _ in range(4)))
    closed = [record for record in AuditLog(tmp_path).records() if record["event"] == "outcome"]
    assert [(record["plan"], record["outcome"]) for record in closed] == [("p1", "interrupted"), ("p2", "interrupted")]
    assert AuditLog(tmp_path).verify() == 4


async def test_where_nothing_was_left_open_nothing_is_written(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "state")
    await Journal(log, ManualClock()).close_interrupted()
    assert not log.path.exists()


class FullLog(AuditLog):
    """A log whose disk is full while `full`, and whose reserve is gone then."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, self._put_down)
        self.full = False

    def _put_down(self, descriptor: int, raw: bytes) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(descriptor, raw)

    def restore_reserve(self) -> int:
        return 0 if self.full else super().restore_reserve()


async def test_what_a_full_disk_does_not_take_is_told_until_it_is_written(tmp_path: Path) -> None:
    stage, log = Stage(tmp_path), FullLog(tmp_path)
    stage.runner._journal = Journal(log, stage.clock, tmp_path / "no-log")
    assert await stage.runner.mend_audit() == ""
    plan = await stage.plan()
    stage.fake.step.clear()
    await stage.runner.apply(plan.id, "y", ADMIN)
    log.full = True
    stage.fake.step.set()
    run = await stage.ended(plan)
    why = f"{log.path} cannot be written: No space left on device"
    assert run.message == f"all done; the outcome and the proof were not recorded: {why}"
    assert run.lines[-1] == Line("warning", after=f"the outcome and the proof were not recorded: {why}")
    told = await stage.runner.mend_audit()
    assert told == f"audit log: 2 records wait: {why}; the reserve of 64 KiB is gone: free 64 KiB at {tmp_path}"
    log.full = False
    assert await stage.runner.mend_audit() == ""
    assert stage.events() == ["intent", "outcome", "proof"]
    outcome = list(stage.log.records())[1]
    assert (outcome["message"], outcome["outcome"]) == ("all done", "succeeded")


async def test_whoever_waits_for_the_end_of_the_steps_hears_that_it_is_not_on_record(tmp_path: Path) -> None:
    stage, log = Stage(tmp_path), FullLog(tmp_path)
    stage.runner._journal = Journal(log, stage.clock, tmp_path / "no-log")
    plan = await stage.plan()
    stage.fake.step.clear()
    await stage.runner.apply(plan.id, "y", ADMIN)
    log.full = True
    stage.fake.step.set()
    await stage.ended(plan)
    first = next(run for runs in stage.published for run in runs if run.done is not None)
    assert "; the outcome was not recorded: " in first.message


async def test_what_was_recorded_late_is_not_said_to_be_missing(tmp_path: Path) -> None:
    stage, log = Stage(tmp_path), FullLog(tmp_path)
    stage.runner._journal = Journal(log, stage.clock, tmp_path / "no-log")

    async def verify(job: Job, receipt: Receipt) -> Verdict:
        log.full = False
        return Verdict(proof=Proof.RECOVERED)

    stage.fake.verify = verify  # type: ignore[method-assign]
    plan = await stage.plan()
    stage.fake.step.clear()
    await stage.runner.apply(plan.id, "y", ADMIN)
    log.full = True
    stage.fake.step.set()
    run = await stage.ended(plan)
    assert (run.message, stage.events()) == ("all done", ["intent", "outcome", "proof"])


async def test_an_intent_that_nothing_follows_is_closed_without_a_guess_at_why(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    log.append(DEAD)
    await Journal(log, ManualClock()).close_interrupted()
    message = str(list(log.records())[-1]["message"])
    assert message.startswith("no outcome was recorded: its agent died while it ran, or its disk was full")
