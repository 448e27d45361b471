import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from perftui.collectors.host.open_files import COLUMNS, EVERY, MAX_ROWS, DeletedFiles, scan
from perftui.core.catalogue import CATALOGUE
from perftui.core.reading import Cell, Reading
from tests.support.servers import wait_until
from tests.unit.collectors.host.tree import Tree, values

METRIC = "system.filesystem.deleted.usage"


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Path]:
    """A file of 200 kB that is deleted while we hold it twice."""
    path = tmp_path / "app.log"
    with path.open("wb") as file:
        file.write(b"x" * 200_000)
        file.flush()
        os.fsync(file.fileno())
        again = os.dup(file.fileno())
        path.unlink()
        yield path
        os.close(again)


def test_a_deleted_file_counts_once_by_its_blocks(held: Path) -> None:
    (found,) = [each for each in scan(Path("/")).files if each.path == str(held)]
    assert (found.pid, found.holders) == (os.getpid(), 2)
    assert found.started == int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
    assert 200_000 <= found.size < 300_000
    assert Path(found.mount).is_mount()


def test_what_is_no_deleted_file_on_a_filesystem_is_left_out(tmp_path: Path) -> None:
    named = tmp_path / "kept (deleted)"
    named.write_text("x" * 9000)
    memory = os.memfd_create("perftui-test")
    os.write(memory, b"x" * 100_000)
    with named.open():
        paths = [each.path for each in scan(Path("/")).files]
    os.close(memory)
    assert not any("kept" in path or "perftui-test" in path for path in paths)


def test_what_lies_in_memory_is_listed_and_no_part_of_the_space_on_disk(tree: Tree) -> None:
    if not os.path.ismount("/dev/shm"):
        pytest.fail("this test needs the tmpfs on /dev/shm that every Linux has")
    with tempfile.TemporaryFile(dir="/dev/shm") as file:
        file.write(b"x" * 100_000)
        file.flush()
        reading = read(tree, Path("/"))
    mine = [row for row in rows(reading) if row["mount"] == "/dev/shm" and row["pid"] == os.getpid()]
    assert [row["kind"] for row in mine] == ["tmpfs"]
    assert (METRIC, "/dev/shm") not in values(reading)
    assert METRIC in CATALOGUE


def read(tree: Tree, root: Path) -> Reading:
    """Poll until the first scan is done."""
    files = DeletedFiles(root, first_after=0.0)
    readings: list[Reading] = []

    def is_there() -> bool:
        tree.clock.advance(-1.0)  # a poll advances it: the scan is to stay young
        readings.append(tree.poll(files.read))
        return "deleted_files" in readings[-1].tables or bool(readings[-1].denied)

    wait_until(is_there)
    return readings[-1]


def rows(reading: Reading) -> list[dict[str, Cell]]:
    return [dict(zip(COLUMNS, row, strict=True)) for row in reading.tables["deleted_files"].rows]


def test_the_largest_come_first_and_the_total_is_of_all(tree: Tree, tmp_path: Path) -> None:
    files = [(tmp_path / f"f{number}").open("wb") for number in range(MAX_ROWS + 5)]
    for number, file in enumerate(files):
        file.write(b"x" * 4096 * (number % 7 + 1))
        file.flush()
        os.fsync(file.fileno())
        Path(file.name).unlink()
    reading = read(tree, Path("/"))
    sizes = [float(row["size"] or 0) for row in rows(reading)]
    for file in files:
        file.close()
    assert len(sizes) == MAX_ROWS
    assert sizes == sorted(sizes, reverse=True)
    assert values(reading)[METRIC,] > sum(sizes)


def test_processes_that_may_not_be_read_are_counted(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.write("proc/self/mountinfo", "")
    for pid in (1, 2):
        (tree.root / f"proc/{pid}/fd").mkdir(parents=True)
    listdir = os.listdir

    def hidden(path: str) -> list[str]:
        if path.endswith("/2/fd"):
            raise PermissionError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", hidden)
    reading = read(tree, tree.root)
    assert (reading.tables["deleted_files"].denied, rows(reading)) == (1, [])
    assert values(reading)[METRIC,] == 0


def test_a_poll_before_the_first_scan_says_nothing(tree: Tree) -> None:
    files = DeletedFiles(tree.root, first_after=EVERY)
    reading = tree.poll(files.read)
    assert (reading.samples, reading.tables, reading.denied) == ((), {}, {})


def test_without_proc_it_says_why(tree: Tree) -> None:
    assert read(tree, tree.root / "nowhere").denied == {"deleted files": "no such file or directory"}
