"""A program as receiver: what it gets, how it may end, and that it ends."""

import asyncio
import os
import stat
from pathlib import Path

import msgspec
import pytest

from perftui.alerts.notify.exec_sender import ExecSender
from perftui.core.errors import NotifyError
from tests.support.servers import wait_until
from tests.unit.alerts.notify.messages import message


def program(folder: Path, text: str) -> str:
    """Write a shell script and return its path."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


async def test_it_gets_the_notification_as_json_and_its_own_arguments(tmp_path: Path) -> None:
    out = tmp_path / "out"
    await ExecSender((program(tmp_path, 'echo "$2" && cat > "$1"'), str(out), "; rm -rf $HOME")).send(message(3))
    got = msgspec.json.decode(out.read_bytes())
    assert (got["id"], got["route"], got["severity"]) == ("fire#3", "slack", "critical")
    assert got["firing"][0]["summary"] == "memory is full, 3 writes/s refused"
    assert got["text"].endswith("id fire#3")


async def test_one_that_reads_nothing_is_no_failure(tmp_path: Path) -> None:
    await ExecSender((program(tmp_path, "exit 0"),)).send(message())


async def test_a_failure_is_told_with_the_first_line_of_what_it_said_made_harmless(tmp_path: Path) -> None:
    text = "cat >/dev/null; echo >&2; printf '  no \\033[31mroom\\n' >&2; echo more >&2; exit 3"
    with pytest.raises(NotifyError, match=r"exit status 3: no ␛\[31mroom$"):
        await ExecSender((program(tmp_path, text),)).send(message())


async def test_a_flood_of_words_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(NotifyError) as failure:
        await ExecSender((program(tmp_path, "head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 1"),)).send(message())
    assert len(str(failure.value)) < 300


async def test_one_that_is_killed_says_by_which_signal(tmp_path: Path) -> None:
    with pytest.raises(NotifyError, match="killed by signal 9"):
        await ExecSender((program(tmp_path, "kill -9 $$"),)).send(message())


@pytest.mark.parametrize("name", ["/no/such/program", "/etc/passwd", "a\0b"])
async def test_one_that_cannot_be_started_is_a_clear_failure(name: str) -> None:
    with pytest.raises(NotifyError):
        await ExecSender((name,)).send(message())


async def test_one_that_leaves_a_child_behind_has_ended_all_the_same(tmp_path: Path) -> None:
    async with asyncio.timeout(5):
        await ExecSender((program(tmp_path, "sleep 30 & exit 0"),)).send(message())


async def test_at_the_deadline_it_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    hanging = program(tmp_path, f"sleep 60 & echo $$ $! > {pids}; wait")
    task = asyncio.create_task(ExecSender((hanging,)).send(message()))
    await asyncio.to_thread(wait_until, lambda: pids.exists() and len(pids.read_text().split()) == 2)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    await asyncio.to_thread(wait_until, lambda: not any(alive(int(pid)) for pid in pids.read_text().split()))


def alive(pid: int) -> bool:
    """Return whether a process runs; one that is only waited for does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
