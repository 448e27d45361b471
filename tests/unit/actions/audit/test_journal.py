"""The journal where a log hangs, and where several agents share one."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from perftui.actions.audit import journal, past, writer
from perftui.actions.audit.journal import Journal
from perftui.actions.audit.log import AuditLog, Record
from perftui.core.action import Outcome
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
