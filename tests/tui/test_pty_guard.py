"""The guard and the driver under a real Textual app: however it ends, the terminal is given back."""

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.terminal import Program, isolated

pytestmark = pytest.mark.pty
ROOT = str(Path(__file__).parents[2])
SMALL = [sys.executable, "-m", "tests.support.small_app"]


def small(folder: Path, *words: str, before: Callable[[], object] | None = None, **more: str) -> Program:
    return Program([*SMALL, *words], isolated(folder, PYTHONPATH=ROOT, **more), before=before)


def test_quit_is_quick_and_restores(tmp_path: Path) -> None:
    with small(tmp_path) as program:
        program.wait_for("small app")
        program.pump_for(0.2)
        began = time.monotonic()
        program.send(b"q")
        assert program.exit_status() == 0
        assert time.monotonic() - began < 5.0  # 0.05 s on an idle machine
        assert program.is_restored()


def test_keys_arrive_and_a_lone_escape_too(tmp_path: Path) -> None:
    with small(tmp_path) as program:
        program.wait_for("small app")
        for keys, name in ((b"a", "a"), (b"\x1b", "escape"), (b"\x1b[A", "up"), ("ü".encode(), "ü")):
            program.send(keys)
            program.wait_for(f"got {name}")


def test_half_a_character_waits_for_the_other_half(tmp_path: Path) -> None:
    with small(tmp_path) as program:
        program.wait_for("small app")
        first, second = "ü".encode()[:1], "ü".encode()[1:]
        program.send(first)
        program.pump_for(0.1)
        program.send(second)
        program.wait_for("got ü")
        program.send(b"a")
        program.wait_for("got a")


def test_after_a_stall_everything_comes_in_its_order(tmp_path: Path) -> None:
    with small(tmp_path, "flood") as program:
        program.pump_for(0.5)
        program.stall(0.6)
        program.pump_for(0.5)
        program.send(b"q")
        assert program.exit_status() == 0
        text = re.sub(rb"\x1b\[[^A-Za-z]*[A-Za-z]", b" ", program.raw)
        counted = [int(number) for number in re.findall(rb"(\d+) (?=\1 )", text)]
        assert len(set(counted)) > 20
        assert counted == sorted(counted)


@pytest.mark.parametrize(
    ("signum", "status"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
    ids=lambda each: str(each),
)
def test_a_signal_ends_it_with_the_terminal_restored(signum: int, status: int, tmp_path: Path) -> None:
    with small(tmp_path) as program:
        program.wait_for("small app")
        program.signal(signum)
        assert program.exit_status() == status
        assert program.is_restored()


def ignore_hang_up() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@pytest.mark.parametrize("before", [None, ignore_hang_up], ids=["hang-up", "nohup"])
def test_a_hang_up_ends_it(before: Callable[[], object] | None, tmp_path: Path) -> None:
    with small(tmp_path, before=before) as program:
        program.wait_for("small app")
        program.hang_up()
        assert program.exit_status() == 129


def test_a_stalled_reader_does_not_keep_a_signal_from_ending_it(tmp_path: Path) -> None:
    with small(tmp_path, "flood") as program:
        program.pump_for(0.8)
        program.stall()
        program.signal(signal.SIGTERM)
        assert program.exit_status(4.0, read=False) == 143
        assert program.discipline_is_restored()


def test_a_crash_is_one_line_and_not_status_0(tmp_path: Path) -> None:
    with small(tmp_path) as program:
        program.wait_for("small app")
        program.send(b"x")
        assert program.exit_status() == 1
        assert program.is_restored()
        last = program.raw.rpartition(b"\x1b[?1004l")[2].decode()
        assert "perftui: crashed: ValueError: a bug␛[31m" in last
        assert last.count("\n") == 1


def test_suspended_it_gives_the_terminal_back_and_draws_again(tmp_path: Path) -> None:
    with small(tmp_path) as program:
        program.wait_for("small app")
        program.send(b"\x1a")
        program.wait_until_stopped()
        assert program.is_restored()
        program.forget()
        program.signal(signal.SIGCONT)
        program.wait_for("small app")
        program.send(b"a")
        program.wait_for("got a")
        program.send(b"q")
        assert program.exit_status() == 0
        assert program.is_restored()


def test_stopped_and_continued_from_outside_it_still_takes_keys(tmp_path: Path) -> None:
    with small(tmp_path) as program:
        program.wait_for("small app")
        program.signal(signal.SIGSTOP)
        program.wait_until_stopped()
        program.forget()
        program.signal(signal.SIGCONT)
        program.wait_for("small app")
        program.send(b"a")
        program.wait_for("got a")
        program.send(b"q")
        assert program.exit_status() == 0
        assert program.is_restored()


def test_it_draws_on_the_terminal_even_when_errors_go_elsewhere(tmp_path: Path) -> None:
    def redirect() -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)

    with small(tmp_path, before=redirect) as program:
        program.wait_for("small app")


def test_a_terminal_without_unicode_does_not_kill_it(tmp_path: Path) -> None:
    with small(tmp_path, PYTHONIOENCODING="latin-1") as program:
        program.wait_for("small app")
        program.send("→".encode())
        program.wait_for("got ")
        program.send(b"q")
        assert program.exit_status() == 0
