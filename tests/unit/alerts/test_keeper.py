"""What must outlive the agent reaches the disk in one piece, and a disk that fails or hangs holds nothing up."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import msgspec
import pytest

from perftui.alerts.keeper import RETRY, UNKEPT, Keeper
from perftui.alerts.kept import Changes, Outage, Row, Rows
from perftui.core.alert import Ack
from perftui.core.clock import ManualClock
from perftui.core.errors import StateError
from perftui.history.state_db import StateDb

FULL = StateError("state.db: the disk is full")


class Part:
    """A part that keeps what it is told to."""

    def __init__(self) -> None:
        self.changes: Changes = {}
        self.restored: tuple[Rows, Outage] | None = None

    def change(self, key: str, author: str | None) -> None:
        self.changes["ack", key] = Ack(author=author, at=1.0) if author else None

    def take_changes(self) -> Changes:
        changes, self.changes = self.changes, {}
        return changes

    def restore(self, rows: Rows, outage: Outage) -> None:
        self.restored = (rows, outage)


class Disk:
    """Stands in for state.db: a dict that can refuse or hang."""

    def __init__(self) -> None:
        self.rows: dict[Row, bytes] = {}
        self.writes = 0
        self.notes: tuple[str, ...] = ()
        self.broken: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()

    def load(self) -> dict[str, dict[str, bytes]]:
        found: dict[str, dict[str, bytes]] = {}
        for (kind, key), body in self.rows.items():
            found.setdefault(kind, {})[key] = body
        return found

    async def write(self, changes: Mapping[Row, bytes | None]) -> None:
        self.writes += 1
        await self.open.wait()
        if self.broken is not None:
            raise self.broken
        for row, body in changes.items():
            self.rows.pop(row, None)
            if body is not None:
                self.rows[row] = body

    async def close(self) -> None:
        pass

    def acks(self) -> dict[str, str]:
        found = self.load().get("ack", {})
        return {key: msgspec.msgpack.decode(body, type=Ack).author for key, body in found.items()}


class Bench:
    """A keeper over one part and one disk."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.clock = ManualClock()
        self.part, self.disk = Part(), disk or Disk()
        self.keeper = Keeper((self.part,), self.clock)
        self.keeper.take(cast("StateDb", self.disk), self.disk.load())


async def test_what_changed_is_on_disk_when_save_says_so() -> None:
    bench = Bench()
    bench.part.change("memory", "ana")
    assert await bench.keeper.save()
    assert bench.disk.acks() == {"memory": "ana"}
    bench.part.change("memory", None)
    assert await bench.keeper.save()
    assert bench.disk.acks() == {}


async def test_nothing_changed_writes_nothing() -> None:
    bench = Bench()
    assert await bench.keeper.save()
    assert bench.disk.writes == 0


async def test_a_full_disk_is_told_and_loses_nothing_once_it_has_room() -> None:
    bench = Bench()
    bench.disk.broken = FULL
    bench.part.change("memory", "ana")
    assert not await bench.keeper.save()
    assert "disk is full" in bench.keeper.problem
    bench.part.change("memory", "ben")
    bench.disk.broken = None
    bench.clock.advance(RETRY)
    assert await bench.keeper.save()
    assert (bench.disk.acks(), bench.keeper.problem) == ({"memory": "ben"}, "")


async def test_a_defect_in_writing_loses_nothing_either() -> None:
    bench = Bench()
    bench.disk.broken = RuntimeError("nobody thought of this")
    bench.part.change("memory", "ana")
    assert not await bench.keeper.save()
    assert "nobody thought of this" in bench.keeper.problem
    bench.disk.broken = None
    bench.clock.advance(RETRY)
    assert await bench.keeper.save()
    assert bench.disk.acks() == {"memory": "ana"}


async def test_what_changed_is_taken_before_anything_is_waited_for() -> None:
    bench = Bench()
    bench.disk.open.clear()
    bench.part.change("memory", "ana")
    first = asyncio.create_task(bench.keeper.save())
    await asyncio.sleep(0)
    bench.part.change("cpu", "ben")
    second = asyncio.create_task(bench.keeper.save())
    await asyncio.sleep(0)
    bench.part.change("cpu", None)  # after the view that the second one stands for
    bench.disk.open.set()
    await first
    assert await second
    assert bench.disk.acks() == {"memory": "ana", "cpu": "ben"}


async def test_a_database_that_cannot_be_opened_is_told_and_tried_again(tmp_path: Path) -> None:
    folder, part, clock = tmp_path / "perftui", Part(), ManualClock()
    folder.write_text("a file stands in the way")
    keeper = Keeper((part,), clock, folder / "state.db")
    await keeper.open(5.0)
    assert not keeper.is_open
    assert UNKEPT in keeper.problem
    part.change("memory", "ana")
    assert not await keeper.save()
    folder.unlink()
    clock.advance(RETRY)
    await keeper.open(5.0)
    assert (keeper.is_open, keeper.problem) == (True, "")
    assert await keeper.save()
    await keeper.close()


async def test_a_full_disk_is_not_tried_at_every_turn() -> None:
    bench = Bench()
    bench.disk.broken = FULL
    bench.part.change("memory", "ana")
    for _ in range(10):
        await bench.keeper.save()
    assert bench.disk.writes == 1


async def test_a_disk_that_hangs_holds_up_one_save_and_gets_the_rest_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("perftui.alerts.keeper.PATIENCE", 0.01)
    bench = Bench()
    bench.disk.open.clear()
    bench.part.change("memory", "ana")
    assert not await bench.keeper.save()
    bench.part.change("cpu", "ben")
    assert not await bench.keeper.save()
    bench.disk.open.set()
    await bench.keeper.save()
    assert await bench.keeper.save()
    assert bench.disk.acks() == {"memory": "ana", "cpu": "ben"}


async def test_without_a_disk_all_is_as_well_as_it_can_be() -> None:
    part = Part()
    keeper = Keeper((part,), ManualClock())
    part.change("memory", "ana")
    assert await keeper.save()


async def test_a_restart_knows_for_how_long_nobody_watched() -> None:
    before = Bench()
    before.part.change("memory", "ana")
    await before.keeper.save()
    after = Bench(before.disk)
    after.clock = ManualClock(monotonic=before.clock.monotonic() + 90)
    part = Part()
    Keeper((part,), after.clock).take(cast("StateDb", before.disk), before.disk.load())
    assert part.restored is not None
    rows, outage = part.restored
    assert set(rows["ack"]) == {"memory"}
    assert outage == Outage(shift=0.0, seconds=90.0)


async def test_across_a_reboot_the_wall_clock_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Bench()
    before.part.change("memory", "ana")
    await before.keeper.save()
    monkeypatch.setattr("perftui.core.moment.boot_id", lambda: "another")
    clock, part = ManualClock(monotonic=7.0, wall=before.clock.wall() + 600), Part()
    Keeper((part,), clock).take(cast("StateDb", before.disk), before.disk.load())
    assert part.restored is not None
    shift, seconds = part.restored[1]
    assert seconds == 600.0
    assert before.clock.monotonic() + shift == 7.0 - 600.0
