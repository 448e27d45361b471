"""Blocking work aside: what hangs holds one thread, and nobody else."""

import asyncio
import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from perftui.core.aside import Aside, ask_aside
from perftui.core.errors import DeadlineExceeded
from tests.support.servers import wait_until


class Hanging:
    """A question that is answered when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.release = threading.Event()

    def __call__(self) -> str:
        self.asked += 1
        self.release.wait(30)
        return "late"


async def test_an_answer_comes_back_and_so_does_an_error() -> None:
    assert await ask_aside("the sum", lambda: 3 + 4, 5.0) == 7
    with pytest.raises(FileNotFoundError):
        await ask_aside("a file", lambda: os.stat("/nowhere/at/all"), 5.0)  # noqa: PTH116
    with pytest.raises(TimeoutError, match="of its own"):
        await ask_aside("a file", _times_out, 5.0)


def _times_out() -> None:
    raise TimeoutError("of its own")


async def test_what_hangs_is_asked_once_and_then_refused_at_once_in_plain_words() -> None:
    hanging, before = Hanging(), threading.active_count()
    try:
        for deadline in (0.05, 0.05, 0.05):
            with pytest.raises(DeadlineExceeded, match=r"^secret file:/a has not answered for [\d.]+ ms$"):
                async with asyncio.timeout(5):
                    await ask_aside("secret file:/a", hanging, deadline)
        assert hanging.asked == 1
        assert threading.active_count() == before + 1
        assert await ask_aside("secret file:/b", lambda: "fine", 5.0) == "fine"
    finally:
        hanging.release.set()
    wait_until(lambda: threading.active_count() == before)
    assert await ask_aside("secret file:/a", lambda: "again", 5.0) == "again"


async def test_who_asks_the_same_meanwhile_shares_the_answer_and_one_who_leaves_takes_nothing_away() -> None:
    hanging = Hanging()
    first = asyncio.ensure_future(ask_aside("it", hanging, 10.0))
    second = asyncio.ensure_future(ask_aside("it", hanging, 10.0))
    other = asyncio.ensure_future(ask_aside("it", lambda: "other", 10.0, key="another"))
    assert await other == "other"
    first.cancel()
    hanging.release.set()
    assert await second == "late"
    assert hanging.asked == 1
    assert first.cancelled()


def test_a_program_ends_though_something_hangs(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    program = (
        "import asyncio, sys\n"
        "from perftui.config.kinds import RedisOptions\n"
        "from perftui.config.secret import Secret\n"
        "from perftui.connect.redis import connect\n"
        "from perftui.core.errors import SourceError\n"
        "async def main():\n"
        "    for _ in range(5):\n"
        "        try:\n"
        "            await connect(RedisOptions(password=Secret('file:' + sys.argv[1])))\n"
        "        except SourceError as error:\n"
        "            print(error)\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "fifo")], capture_output=True, text=True, timeout=20, check=True
    )
    assert done.stdout.count("fifo has not answered for 1") == 5


def test_brings_its_result_a_poll_later_and_runs_again_when_it_is_due() -> None:
    runs = itertools.count(1)
    aside = Aside(lambda: next(runs), every=10.0)
    aside.latest(0.0)
    wait_until(lambda: aside.latest(1.0) == 1)
    assert aside.latest(9.0) == 1
    aside.latest(10.0)
    wait_until(lambda: aside.latest(11.0) == 2)


def test_a_hung_job_holds_one_thread_and_its_old_result_goes_away() -> None:
    release, started = threading.Event(), threading.Semaphore(0)
    answers = iter([True, False])

    def job() -> str:
        started.release()
        if not next(answers):
            release.wait(30)
        return "fine"

    aside = Aside(job, every=10.0)
    aside.latest(0.0)
    wait_until(lambda: aside.latest(1.0) == "fine")
    before = threading.active_count()
    assert aside.latest(10.0) == "fine"
    assert started.acquire(timeout=5)
    assert started.acquire(timeout=5)
    assert [aside.latest(at) for at in (20.0, 30.0, 31.0)] == ["fine", "fine", None]
    assert aside.running_for(31.0) == 21.0
    assert threading.active_count() <= before + 1
    release.set()
    wait_until(lambda: aside.running_for(32.0) == 0.0)


def test_an_error_is_kept_in_plain_words() -> None:
    def job() -> str:
        raise PermissionError(13, "Permission denied")

    aside = Aside(job, every=10.0)
    aside.latest(0.0)
    wait_until(lambda: aside.error == "permission denied")
    assert aside.latest(1.0) is None
