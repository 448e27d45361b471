import shutil
from collections.abc import Iterator

import pytest

from perftui.collectors.host import detail_batches
from perftui.collectors.host.process_stat import PAGE, StatFiles
from perftui.collectors.host.processes import COLUMNS, HERTZ, IDLE_TURNS, MAX_ROWS, ProcessTable
from perftui.core.reading import Cell, Reading
from tests.unit.collectors.host.tree import Tree, values

Row = dict[str, Cell]


@pytest.fixture
def table(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessTable]:
    monkeypatch.setattr(detail_batches, "GRACE", 5.0)  # each poll has all of its words, however busy this host is
    tree.write("proc/stat", "cpu 1\nbtime 1000000\n")
    table = ProcessTable(tree.host)
    yield table
    table.close()


def rows(reading: Reading) -> dict[int, Row]:
    """Return the rows by pid, in the order of the table."""
    named = [dict(zip(COLUMNS, row, strict=True)) for row in reading.tables["processes"].rows]
    return {int(row["pid"] or 0): row for row in named}


def test_a_row(tree: Tree, table: ProcessTable) -> None:
    tree.write("etc/passwd", f"operator:x:{tree.root.stat().st_uid}:0::/:\n")
    tree.process(7, b"mailer", ticks=10, start=5 * HERTZ)
    assert rows(tree.poll(table.read))[7]["cpu"] is None
    tree.process(7, b"mailer", ticks=10 + HERTZ // 2, start=5 * HERTZ)
    assert rows(tree.poll(table.read))[7] == {
        "pid": 7,
        "user": "operator",
        "state": "sleeping",
        "cpu": 0.5,
        "memory": 10 * PAGE,
        "nice": 0,
        "threads": 3,
        "name": "mailer",
        "command": "/usr/bin/mailer --queue mail",
        "unit": "worker.service",
        "time": pytest.approx(0.5 + 10 / HERTZ),
        "start": 1000005.0,
        "started": 5 * HERTZ,
    }


def test_counts_by_state(tree: Tree, table: ProcessTable) -> None:
    for pid, state in enumerate("SSDZI", start=1):
        tree.process(pid, state=state)
    assert values(tree.poll(table.read)) == {
        ("system.processes.count",): 5,
        ("system.processes.count", "sleeping"): 2,
        ("system.processes.count", "blocked"): 1,
        ("system.processes.count", "zombie"): 1,
        ("system.processes.count", "idle"): 1,
    }


def test_the_busiest_come_first_and_the_table_is_bounded(tree: Tree, table: ProcessTable) -> None:
    for pid in range(1, MAX_ROWS + 50):
        tree.process(pid)
    tree.poll(table.read)
    tree.process(MAX_ROWS + 20, ticks=50)
    reading = tree.poll(table.read)
    assert next(iter(rows(reading))) == MAX_ROWS + 20
    assert len(rows(reading)) == MAX_ROWS
    assert values(reading)["system.processes.count",] == MAX_ROWS + 49


def test_every_shown_process_gets_its_words_within_some_polls(tree: Tree, table: ProcessTable) -> None:
    for pid in range(1, 151):
        tree.process(pid)
    first = rows(tree.poll(table.read))
    assert 0 < sum(row["command"] is not None for row in first.values()) < 150
    for _ in range(3):
        reading = tree.poll(table.read)
    assert all(row["command"] for row in rows(reading).values())


def test_idle_processes_are_read_every_fifth_time(
    tree: Tree, table: ProcessTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    read = StatFiles.read

    def counted(files: StatFiles, pid: str) -> bytes:
        reads.append(pid)
        return read(files, pid)

    monkeypatch.setattr(StatFiles, "read", counted)
    for pid in range(1, 51):
        tree.process(pid)
    tree.poll(table.read)
    tree.poll(table.read)
    reads.clear()
    for _ in range(IDLE_TURNS):
        tree.poll(table.read)
    assert sorted(reads, key=int) == [str(pid) for pid in range(1, 51)]


def test_one_that_wakes_up_is_seen_and_then_read_each_time(tree: Tree, table: ProcessTable) -> None:
    tree.process(3)
    tree.poll(table.read)
    tree.poll(table.read)
    tree.process(3, ticks=HERTZ)
    shown = [rows(tree.poll(table.read))[3]["cpu"] for _ in range(IDLE_TURNS)]
    assert any(cpu for cpu in shown)
    tree.process(3, ticks=HERTZ * 2)
    assert max(float(rows(tree.poll(table.read))[3]["cpu"] or 0) for _ in range(IDLE_TURNS)) > 0.1


def test_a_pid_used_again_is_another_process(tree: Tree, table: ProcessTable) -> None:
    tree.process(7, b"old", ticks=1000, start=100)
    tree.poll(table.read)
    tree.process(7, b"new", ticks=5000, start=900)
    row = rows(tree.poll(table.read))[7]
    assert (row["name"], row["cpu"], row["command"]) == ("new", None, "/usr/bin/new --queue mail")


def test_after_an_exec_the_words_are_read_again(tree: Tree, table: ProcessTable) -> None:
    tree.process(7, b"sh", ticks=1)
    tree.poll(table.read)
    tree.process(7, b"mailer", ticks=2)
    row = rows(tree.poll(table.read))[7]
    assert (row["name"], row["command"]) == ("mailer", "/usr/bin/mailer --queue mail")


def test_hostile_names_are_made_harmless(tree: Tree, table: ProcessTable) -> None:
    tree.process(7, b"\x1b[2J) R (\xe2\x80\xae")
    assert rows(tree.poll(table.read))[7]["name"] == "␛[2J) R (<U+202E>"


def test_processes_that_end_while_they_are_read_are_no_error(tree: Tree, table: ProcessTable) -> None:
    tree.process(1)
    (tree.root / "proc/77").mkdir()
    assert list(rows(tree.poll(table.read))) == [1]


def test_one_that_ended_is_forgotten_with_its_descriptor(tree: Tree, table: ProcessTable) -> None:
    tree.process(1)
    tree.process(2)
    tree.poll(table.read)
    shutil.rmtree(tree.root / "proc/2")
    reading = tree.poll(table.read)
    assert list(rows(reading)) == [1]
    assert values(reading)["system.processes.count",] == 1


def test_what_may_not_be_read_is_counted(tree: Tree, table: ProcessTable, monkeypatch: pytest.MonkeyPatch) -> None:
    read = StatFiles.read

    def hidden(files: StatFiles, pid: str) -> bytes:
        if pid == "2":
            raise PermissionError(1, "Operation not permitted")
        return read(files, pid)

    monkeypatch.setattr(StatFiles, "read", hidden)
    for pid in (1, 2, 3):
        tree.process(pid)
    reading = tree.poll(table.read)
    assert list(rows(reading)) == [1, 3]
    assert reading.tables["processes"].denied == 1
    assert reading.denied == {"processes": "2 of 3 processes readable"}
    assert values(reading)["system.processes.count",] == 3
