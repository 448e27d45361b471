"""A process whose command line cannot be read for now holds up nobody."""

import threading
import time
from collections.abc import Iterator

import pytest

from perftui.collectors.host import process_details
from perftui.collectors.host.detail_batches import MAX_STUCK, PATIENCE, DetailBatches, Incarnation
from perftui.collectors.host.process_details import Details
from perftui.collectors.host.processes import COLUMNS, ProcessTable
from tests.support.servers import wait_until
from tests.unit.collectors.host.tree import Tree

PIDS = 40


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, threading.Event]]:
    """The processes, by pid, whose memory is locked until their event is set."""
    locks: dict[str, threading.Event] = {}
    read = process_details._contents

    def guarded(path: str) -> bytes:
        if lock := locks.get(path.split("/")[-2]):
            lock.wait(30)
        return read(path)

    monkeypatch.setattr(process_details, "_contents", guarded)
    yield locks
    for lock in locks.values():
        lock.set()


def wanted(tree: Tree, pids: range) -> list[Incarnation]:
    for pid in pids:
        tree.process(pid)
    return [Incarnation(pid, 500, "worker") for pid in pids]


def drain(batches: DetailBatches, some: list[Incarnation], at: float) -> dict[Incarnation, Details]:
    """Return what comes at one time, once the threads have done what they can."""
    found = batches.read(some, at)
    end = time.monotonic() + 0.5
    while len(found) < len(some) and time.monotonic() < end:
        found |= batches.read([each for each in some if each not in found], at)
        time.sleep(0.01)
    return found


def test_a_stuck_process_delays_no_poll_and_is_gone_round(tree: Tree, locked: dict[str, threading.Event]) -> None:
    batches, some = DetailBatches(tree.root), wanted(tree, range(1, PIDS + 1))
    locked["5"] = threading.Event()
    began = time.perf_counter()
    batches.read(some, 100.0)
    assert time.perf_counter() - began < 0.5
    assert {each.pid for each in drain(batches, some, 100.0)} == {1, 2, 3, 4}
    later = [each for each in some if each.pid > 4]
    batches.read(later, 100.1 + PATIENCE)
    assert batches.stuck == [5]
    assert {each.pid for each in drain(batches, later, 100.1 + PATIENCE)} == set(range(6, PIDS + 1))
    locked["5"].set()
    wait_until(lambda: bool(batches.read([some[4]], 110.0)))
    assert batches.stuck == []


def test_stuck_processes_hold_a_few_threads_at_most(tree: Tree, locked: dict[str, threading.Event]) -> None:
    before = threading.active_count()
    batches, some = DetailBatches(tree.root), wanted(tree, range(1, 11))
    locked |= {str(pid): threading.Event() for pid in range(1, 11)}
    for poll in range(20):
        assert batches.read(some, 100.0 + poll * (PATIENCE + 1)) == {}
    assert len(batches.stuck) == MAX_STUCK
    assert threading.active_count() == before + MAX_STUCK


def test_the_table_shows_the_rest_and_says_who_is_stuck(tree: Tree, locked: dict[str, threading.Event]) -> None:
    for pid in (1, 2, 3):
        tree.process(pid)
    locked["2"] = threading.Event()
    table = ProcessTable(tree.host)
    for _ in range(4):
        reading = tree.poll(table.read)
        assert [row[0] for row in reading.tables["processes"].rows] == [1, 2, 3]
    assert reading.denied == {"command lines": "held by the kernel: process 2"}
    wait_until(lambda: _commands(tree, table) == [True, False, True])
    locked["2"].set()
    wait_until(lambda: all(_commands(tree, table)))
    table.close()


def _commands(tree: Tree, table: ProcessTable) -> list[bool]:
    return [row[COLUMNS.index("command")] is not None for row in tree.poll(table.read).tables["processes"].rows]
