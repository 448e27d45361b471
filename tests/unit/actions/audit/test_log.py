"""The audit log: the chain, tampering, several writers, a full disk."""

import errno
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perftui.actions.audit.log import KEPT, RESERVE, AuditLog, is_full
from perftui.core.errors import AuditError

Tamper = Callable[[list[bytes]], list[bytes]]


def filled(folder: Path, count: int = 3) -> AuditLog:
    log = AuditLog(folder)
    for index in range(count):
        log.append({"event": "intent", "number": index, "name": "größe \x1b[31m", "share": 0.5})
    return log


def test_records_are_chained_private_and_verify(tmp_path: Path) -> None:
    log = filled(tmp_path / "state")
    assert log.verify() == 3
    assert [record["number"] for record in log.records()] == [0, 1, 2]
    assert log.path.stat().st_mode & 0o777 == 0o600
    assert log.path.parent.stat().st_mode & 0o777 == 0o700
    assert b"\x1b" not in log.path.read_bytes()


def test_no_log_is_an_empty_one(tmp_path: Path) -> None:
    assert AuditLog(tmp_path / "none").verify() == 0
    assert list(AuditLog(tmp_path / "none").records()) == []


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (lambda lines: [lines[0], lines[1].replace(b'"number":1', b'"number":7'), lines[2]], "line 2: its content"),
        (lambda lines: [lines[0], lines[2]], "line 2: does not follow"),
        (lambda lines: lines[1:], "line 1: does not follow"),
        (lambda lines: [lines[0], lines[0], *lines[1:]], "line 2: does not follow"),
        (lambda lines: [lines[0], b"not json\n", *lines[1:]], "line 2: not a record"),
        (lambda lines: [lines[0], lines[1].replace(b'"number":1', b'"number":9,"number":1'), lines[2]], "line 2: its"),
        (lambda lines: [lines[0], lines[1], lines[2].rstrip()], "line 3: its content"),
    ],
)
def test_tampering_is_found_at_its_line(tmp_path: Path, tamper: Tamper, says: str) -> None:
    log = filled(tmp_path)
    log.path.write_bytes(b"".join(tamper(log.path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(AuditError, match=says):
        log.verify()


def test_a_forged_hash_does_not_fit_the_next_line(tmp_path: Path) -> None:
    log = filled(tmp_path)
    other = AuditLog(tmp_path / "other")
    other.append({"event": "intent", "number": 99})
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(other.path.read_bytes() + b"".join(lines[1:]))
    with pytest.raises(AuditError, match="line 2: does not follow"):
        log.verify()


def test_a_line_torn_by_a_power_loss_is_left_out(tmp_path: Path) -> None:
    log = filled(tmp_path)
    with log.path.open("ab") as file:
        file.write(b'{"event":"int')
    log.append({"event": "outcome"})
    assert log.verify() == 4


def test_several_writers_keep_one_chain(tmp_path: Path) -> None:
    def write(writer: int) -> None:
        log = AuditLog(tmp_path)
        for index in range(20):
            log.append({"writer": writer, "number": index})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert AuditLog(tmp_path).verify() == 160


def test_a_full_disk_takes_the_reserve_and_then_refuses(tmp_path: Path) -> None:
    reserve = tmp_path / "audit.reserve"
    filled(tmp_path, 1)
    assert reserve.stat().st_size == RESERVE

    def full_disk(descriptor: int, raw: bytes) -> int:
        if reserve.exists():
            os.write(descriptor, raw[:10])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(descriptor, raw)

    AuditLog(tmp_path, full_disk).append({"event": "outcome"})
    assert not reserve.exists()
    assert AuditLog(tmp_path).verify() == 2

    def fuller_disk(descriptor: int, raw: bytes) -> int:
        return os.write(descriptor, raw[:10])

    with pytest.raises(AuditError, match="No space left"):
        AuditLog(tmp_path, fuller_disk).append({"event": "intent"})
    assert AuditLog(tmp_path).verify() == 2, "half a line is worse than none"


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditError, match=r"audit\.jsonl cannot be written: "):
        AuditLog(tmp_path / "file").append({})


def test_a_log_that_ends_in_rubbish_takes_no_more(tmp_path: Path) -> None:
    log = filled(tmp_path)
    with log.path.open("ab") as file:
        file.write(b"rubbish\n")
    with pytest.raises(AuditError, match="move the file away"):
        log.append({})


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AuditError):
        AuditLog(tmp_path).append({})
    assert not (tmp_path / "elsewhere").exists()


def test_each_line_is_plain_json(tmp_path: Path) -> None:
    for line in filled(tmp_path).path.read_text().splitlines():
        assert json.loads(line)["event"] == "intent"


class Disk:
    """A full disk on which somebody else takes each piece that is given up; `fits` says what is left to write into."""

    def __init__(self, fits: Callable[[], bool]) -> None:
        self.fits = fits

    def write(self, descriptor: int, raw: bytes) -> int:
        if not self.fits():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(descriptor, raw)


def test_a_record_takes_no_more_of_the_reserve_than_it_needs(tmp_path: Path) -> None:
    reserve = tmp_path / "audit.reserve"
    filled(tmp_path, 1)
    AuditLog(tmp_path, Disk(lambda: reserve.stat().st_size < RESERVE).write).append({"event": "outcome"})
    assert reserve.stat().st_size == RESERVE - 4096
    AuditLog(tmp_path).append({"event": "proof"})
    assert reserve.stat().st_size == RESERVE, "taken again once there is room"


def test_an_intent_leaves_half_of_the_reserve_to_the_ends_of_what_was_begun(tmp_path: Path) -> None:
    reserve = tmp_path / "audit.reserve"
    filled(tmp_path, 1)
    log = AuditLog(tmp_path, Disk(lambda: reserve.stat().st_size < KEPT).write)
    with pytest.raises(AuditError, match="No space left") as caught:
        log.append({"event": "intent"})
    assert is_full(caught.value)
    assert reserve.stat().st_size == KEPT
    log.append({"event": "outcome"})
    assert AuditLog(tmp_path).verify() == 2


def test_the_reserve_is_restored_where_there_is_a_log(tmp_path: Path) -> None:
    assert AuditLog(tmp_path / "none").restore_reserve() == RESERVE
    assert not (tmp_path / "none").exists()
    log = filled(tmp_path, 1)
    (tmp_path / "audit.reserve").unlink()
    assert log.restore_reserve() == RESERVE
    assert (tmp_path / "audit.reserve").stat().st_size == RESERVE


def test_no_intent_is_taken_where_its_outcome_would_find_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _start: int, _length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    log = filled(tmp_path, 1)
    (tmp_path / "audit.reserve").unlink()
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(AuditError, match="No space left"):
        log.append({"event": "intent"})
    log.append({"event": "outcome"})
    assert log.verify() == 2
