"""state.db: what was written is there after a restart; what goes wrong is one line, and passes with its cause."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from perftui.core.errors import StateError
from perftui.history import sqlite_file, state_db
from perftui.history.state_db import StateDb

FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from perftui.core.errors import StateError
from perftui.history.state_db import StateDb

async def main(path):
    db = StateDb.open(path)
    await db.write({("ack", "before"): b"1"})
    size = path.with_name("state.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, resource.RLIM_INFINITY))
    try:
        await db.write({("ack", "lost"): b"x" * 500_000, ("ack", "before"): None})
    except StateError as error:
        print(error)
    print(sorted(db.load()["ack"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await db.write({("ack", "after"): b"2" * 500_000})
    await db.close()

asyncio.run(main(Path(sys.argv[1])))
"""


async def filled(path: Path) -> None:
    db = StateDb.open(path)
    await db.write({("ack", "cpu/web-1/"): b"\x00ana", ("silence", "b"): b"2", ("silence", "a"): b"1"})
    await db.close()


def reopened(path: Path) -> dict[str, dict[str, bytes]]:
    db = StateDb.open(path)
    rows = db.load()
    asyncio.run(db.close())
    return rows


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    await filled(tmp_path / "state.db")
    db = StateDb.open(tmp_path / "state.db")
    assert db.load() == {"ack": {"cpu/web-1/": b"\x00ana"}, "silence": {"a": b"1", "b": b"2"}}
    assert list(db.load()["silence"]) == ["a", "b"]
    assert db.notes == ()
    await db.write({("ack", "cpu/web-1/"): None, ("silence", "a"): b"new", ("ack", "never was"): None})
    await db.close()
    assert await asyncio.to_thread(reopened, tmp_path / "state.db") == {"silence": {"a": b"new", "b": b"2"}}


async def test_its_files_are_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "perftui" / "state.db"
    db = StateDb.open(path)
    await db.write({("ack", "a"): b"1"})
    modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    assert modes == {"state.db": 0o600, "state.db-wal": 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    await db.close()


async def test_a_second_agent_is_told_who_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "LOCK_PATIENCE", 0.0)
    path = tmp_path / "state.db"
    db = StateDb.open(path)
    with pytest.raises(StateError, match=rf"another agent \(pid {os.getpid()}\) keeps {path}"):
        StateDb.open(path)
    await db.write({("ack", "a"): b"still ours"})
    await db.close()
    assert await asyncio.to_thread(reopened, path) == {"ack": {"a": b"still ours"}}


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = (
        "import os, sys, asyncio; from pathlib import Path; from perftui.history.state_db import StateDb\n"
        "db = StateDb.open(Path(sys.argv[1])); asyncio.run(db.write({('ack', 'a'): b'1'})); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "state.db")], timeout=20, check=False)
    assert reopened(tmp_path / "state.db") == {"ack": {"a": b"1"}}


async def test_a_newer_file_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(StateError, match=r"newer perftui \(version 7, this one reads 1\); it stays as it is"):
        StateDb.open(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM state").fetchone() == (3,)
    connection.close()


@pytest.mark.parametrize("damage", ["garbage", "torn", "zeros", "other tables"])
async def test_a_broken_file_is_moved_aside_and_told(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "state.db"
    db = StateDb.open(path)
    await db.write({("ack", f"alert {number:04}"): b"x" * 400 for number in range(500)})
    await db.close()
    whole = path.read_bytes()
    if damage == "garbage":
        path.write_bytes(b"no database at all\n" * 1000)
    elif damage == "torn":
        path.write_bytes(whole[: len(whole) // 2])
    elif damage == "zeros":
        path.write_bytes(whole[:4096] + bytes(8192) + whole[12288:])
    else:
        path.unlink()
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE state (name TEXT)")
        connection.close()
    broken = path.read_bytes()

    db = StateDb.open(path)
    assert db.load() == {}
    (note,) = db.notes
    (aside,) = tmp_path.glob("state.db.broken-*Z")
    assert aside.name in note and "begin anew" in note and "\n" not in note
    assert len(aside.read_bytes()) == len(broken)
    await db.write({("ack", "a"): b"1"})
    await db.close()
    assert await asyncio.to_thread(reopened, path) == {"ack": {"a": b"1"}}


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match=r"state\.db cannot be made: File exists"):
        StateDb.open(tmp_path / "file" / "state.db")


def test_a_folder_in_its_place_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    with pytest.raises(StateError, match=r"state\.db cannot be opened"):
        StateDb.open(tmp_path / "state.db")


def test_a_full_disk_fails_one_write_whole_and_the_next_works(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    run = [sys.executable, "-c", FULL_DISK, str(path)]
    done = subprocess.run(run, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.splitlines() == [f"{path} cannot be written: the disk gives errors", "['before']"]
    assert list(reopened(path)["ack"]) == ["after", "before"]


async def test_a_file_that_was_deleted_meanwhile_is_made_again_whole(tmp_path: Path) -> None:
    path = tmp_path / "perftui" / "state.db"
    db = StateDb.open(path)
    await db.write({("ack", "a"): b"1"})
    for each in path.parent.iterdir():
        each.unlink()
    path.parent.rmdir()
    await db.write({("ack", "b"): b"2"})
    await db.close()
    assert await asyncio.to_thread(reopened, path) == {"ack": {"a": b"1", "b": b"2"}}


async def test_the_wal_stays_small(tmp_path: Path) -> None:
    db = StateDb.open(tmp_path / "state.db")
    for turn in range(30):
        await db.write({("episode", f"alert {number}"): b"%d" % turn * 200 for number in range(300)})
    assert (tmp_path / "state.db-wal").stat().st_size < 2 << 20
    await db.close()
    assert [each.name for each in tmp_path.iterdir()] == ["state.db"]


async def test_a_disk_that_hangs_holds_up_nothing_but_its_own_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = StateDb.open(tmp_path / "state.db")
    hanging, reached = threading.Event(), threading.Event()

    def hang(_: StateDb) -> bool:
        reached.set()
        return hanging.wait(20)

    monkeypatch.setattr(StateDb, "_is_at_path", hang)
    monkeypatch.setattr(state_db, "PATIENCE", 0.05)
    monkeypatch.setattr(state_db, "CLOSE_PATIENCE", 0.05)
    with pytest.raises(StateError, match="the disk does not answer"):
        await db.write({("ack", "slow"): b"1"})
    assert reached.is_set()
    for _ in range(40):
        with pytest.raises(StateError, match="the disk does not answer"):
            await asyncio.wait_for(db.write({("ack", "queued"): b"1"}), 1.0)
    await asyncio.wait_for(db.close(), 1.0)
    hanging.set()


async def test_a_cancelled_write_lets_go_at_once(tmp_path: Path) -> None:
    db = StateDb.open(tmp_path / "state.db")
    writing = asyncio.create_task(db.write({("ack", "a"): b"1"}))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await db.write({("ack", "b"): b"2"})
    assert "b" in db.load()["ack"]
    await db.close()


async def test_after_the_end_it_says_so(tmp_path: Path) -> None:
    db = StateDb.open(tmp_path / "state.db")
    await db.close()
    await db.close()
    with pytest.raises(StateError, match="is closed"):
        await db.write({("ack", "a"): b"1"})


def test_sqlite_is_loaded_by_who_opens_one() -> None:
    code = "import sys, perftui.history.state_db; sys.exit('sqlite3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=20, check=False).returncode == 0
