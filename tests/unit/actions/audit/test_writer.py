"""The one hand that writes: what hangs holds up itself, what is owed is written, what was given up is void."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from perftui.actions.audit import writer
from perftui.actions.audit.log import AuditLog, Record
from perftui.actions.audit.writer import MOST_OWED, Writer
from perftui.core.errors import AuditError
from tests.support.servers import eventually

VOID: Record = {"event": "void"}


class Disk(AuditLog):
    """A log whose disk hangs while `hangs`, and takes nothing while `full`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.free = threading.Event()
        self.free.set()
        self.reached = threading.Event()
        self.full = False

    def append(self, record: Record) -> None:
        self.reached.set()
        self.free.wait()
        if self.full:
            raise AuditError("no space left")
        super().append(record)

    def events(self) -> list[str]:
        return [str(record["event"]) for record in self.records()]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path)
    yield made
    made.free.set()


@pytest.fixture
def hanging(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> Disk:
    monkeypatch.setattr(writer, "DEADLINE", 0.05)
    disk.free.clear()
    return disk


def event(name: str) -> Record:
    return {"event": name}


async def written(disk: Disk, *events: str) -> None:
    await eventually(lambda: asyncio.sleep(0, disk.events() == list(events)))


async def test_what_hangs_is_told_of_in_time_and_what_is_written_late_is_void(hanging: Disk) -> None:
    pen = Writer(hanging)
    with pytest.raises(AuditError, match=r"audit\.jsonl has not answered for 50 ms"):
        await pen.write(event("intent"), VOID)
    hanging.free.set()
    await written(hanging, "intent", "void")


async def test_what_did_not_come_to_the_disk_at_all_is_not_written(hanging: Disk) -> None:
    pen = Writer(hanging)
    pen.owe(event("first"))
    before = threading.active_count()
    for _ in range(5):
        with pytest.raises(AuditError):
            await pen.write(event("intent"), VOID)
    assert threading.active_count() <= before, "one thread hangs, and not one more for each who asks"
    pen.owe(event("last"))
    hanging.free.set()
    await written(hanging, "first", "last")


async def test_what_is_kept_is_written_once_the_disk_answers_and_in_its_order(hanging: Disk) -> None:
    pen = Writer(hanging)
    for name in ("outcome", "proof"):
        with pytest.raises(AuditError, match="has not answered"):
            await pen.keep(event(name))
    pen.owe(event("next"))
    hanging.free.set()
    await written(hanging, "outcome", "proof", "next")


async def test_what_a_full_disk_refused_comes_first_when_it_takes_records_again(disk: Disk) -> None:
    pen = Writer(disk)
    disk.full = True
    with pytest.raises(AuditError, match="no space left"):
        await pen.keep(event("outcome"))
    with pytest.raises(AuditError, match="no space left"):
        await pen.write(event("refused"), VOID)
    with pytest.raises(AuditError, match="no space left"):
        await pen.settle()
    disk.full = False
    await pen.write(event("intent"), VOID)
    assert disk.events() == ["outcome", "intent"]


async def test_what_is_owed_is_never_dropped_and_nothing_new_is_begun_meanwhile(disk: Disk) -> None:
    pen = Writer(disk)
    disk.full = True
    names = [f"owed {number}" for number in range(MOST_OWED + 3)]
    for name in names:
        pen.owe(event(name))
    with pytest.raises(AuditError, match="103 records wait to be written"):
        await pen.write(event("intent"), VOID)
    await eventually(lambda: asyncio.sleep(0, not pen._is_writing))
    disk.full = False
    await pen.settle()
    assert disk.events() == names


async def test_many_at_once_are_each_written_once(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "DEADLINE", 60.0)
    pen = Writer(disk)
    await asyncio.gather(
        *(pen.write(event(f"a{number}"), VOID) for number in range(50)),
        *(pen.keep(event(f"b{number}")) for number in range(50)),
    )
    assert sorted(disk.events()) == sorted([f"{letter}{number}" for letter in "ab" for number in range(50)])
    assert disk.verify() == 100


async def test_who_no_longer_waits_leaves_nothing_that_looks_begun(disk: Disk) -> None:
    pen = Writer(disk)
    disk.free.clear()
    waiting = asyncio.create_task(pen.write(event("intent"), VOID))
    await eventually(lambda: asyncio.sleep(0, disk.reached.is_set()))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    disk.free.set()
    await written(disk, "intent", "void")


async def test_a_record_that_no_log_can_take_holds_up_no_other(disk: Disk) -> None:
    pen = Writer(disk)
    with pytest.raises(TypeError):
        await pen.keep({"event": object()})
    await pen.keep(event("outcome"))
    assert disk.events() == ["outcome"]


async def test_where_no_thread_can_be_started_it_is_told(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pen = Writer(disk)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none)
        with pytest.raises(AuditError, match="no thread can be started"):
            await pen.keep(event("outcome"))
    await pen.settle()
    assert disk.events() == ["outcome"]
