"""`perftui rescue`, and where no screen can stand, in a real terminal."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.hostile import NAME, SHOWN, hostile_process
from tests.support.terminal import PERFTUI, Program, isolated, marked, until

pytestmark = pytest.mark.pty
RESCUE = [*PERFTUI, "rescue"]


def test_it_shows_this_host_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with Program(RESCUE, isolated(tmp_path)) as program:
        shown = program.wait_for("Processes")
        assert os.uname().nodename in shown
        assert "cpu" in shown
        assert "–" in shown
        program.wait_for(" %  ")
        program.send(b"M")
        program.wait_for("by memory ─")
        program.send(b"q")
        assert program.exit_status() == 0
        assert program.is_restored()


def test_it_starts_no_process_and_writes_no_file(tmp_path: Path) -> None:
    with Program(RESCUE, isolated(tmp_path, PYTHONDONTWRITEBYTECODE="1")) as program:
        program.wait_for("Processes")
        assert list(marked(tmp_path)) == [program.pid]
        assert list(tmp_path.iterdir()) == []
        threads = list(Path(f"/proc/{program.pid}/task").iterdir())
        assert len(threads) == 1


def test_it_needs_no_process_no_descriptor_and_no_file_of_its_own(tmp_path: Path) -> None:
    def starve() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))

    with Program(RESCUE, isolated(tmp_path), before=starve) as program:
        program.wait_for("Processes")
        program.send(b"\x03")
        assert program.exit_status() == 0


@pytest.mark.parametrize(
    ("signum", "status"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
    ids=lambda each: str(each),
)
def test_a_signal_ends_it_with_the_terminal_restored(signum: int, status: int, tmp_path: Path) -> None:
    with Program(RESCUE, isolated(tmp_path)) as program:
        program.wait_for("Processes")
        program.signal(signum)
        assert program.exit_status() == status
        assert program.is_restored()


def ignore_hang_up() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


@pytest.mark.parametrize("before", [None, ignore_hang_up], ids=["hang-up", "nohup"])
def test_a_hang_up_ends_it(before: Callable[[], object] | None, tmp_path: Path) -> None:
    with Program(RESCUE, isolated(tmp_path), before=before) as program:
        program.wait_for("Processes")
        program.hang_up()
        assert program.exit_status() == 129


def test_a_stalled_reader_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    with Program(RESCUE, isolated(tmp_path), columns=200, rows=60) as program:
        program.wait_for("Processes")
        for step in range(40):  # Each size draws everything anew: far more than a terminal that nobody reads takes.
            program.resize(200 - step % 2, 60)
            time.sleep(0.02)
        program.signal(signal.SIGTERM)
        assert program.exit_status(2.0, read=False) == 143
        assert program.discipline_is_restored()


def test_suspended_it_gives_the_terminal_back_and_comes_again(tmp_path: Path) -> None:
    with Program(RESCUE, isolated(tmp_path)) as program:
        program.wait_for("Processes")
        program.send(b"\x1a")
        program.wait_until_stopped()
        assert program.is_restored()
        program.forget()
        program.signal(signal.SIGCONT)
        program.wait_for("Processes")
        program.send(b"q")
        assert program.exit_status() == 0
        assert program.is_restored()


def test_it_follows_the_size(tmp_path: Path) -> None:
    with Program(RESCUE, isolated(tmp_path), columns=120, rows=40) as program:
        program.wait_for("q quit")
        program.resize(60, 20)
        until(lambda: program.pump() and "q quit" in program.display().splitlines()[19], "drawn at the new size")


def test_the_name_of_a_process_is_never_obeyed(tmp_path: Path) -> None:
    with hostile_process(), Program(RESCUE, isolated(tmp_path), rows=60) as program:
        program.wait_for("Processes")
        program.send(b"M")
        program.wait_for(SHOWN)
        assert NAME.encode() not in program.raw
        assert b"\x1b]" not in program.raw


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_unicode_gets_ascii(encoding: str, tmp_path: Path) -> None:
    with Program(RESCUE, isolated(tmp_path, PYTHONIOENCODING=encoding, NO_COLOR="1")) as program:
        program.wait_for("Processes")
        program.wait_for("#")
        assert program.raw.isascii()
        assert not re.search(rb"\x1b\[[34]\dm", program.raw)


@pytest.mark.parametrize("argv", [PERFTUI, RESCUE], ids=["console", "rescue"])
@pytest.mark.parametrize(
    ("term", "reason"), [("dumb", "(TERM=dumb)"), ("", "(TERM is not set)"), ("unknown", "(TERM=unknown)")]
)
def test_a_terminal_that_cannot_place_text_is_refused(argv: list[str], term: str, reason: str, tmp_path: Path) -> None:
    with Program(argv, isolated(tmp_path, TERM=term)) as program:
        assert program.exit_status() == 2
        assert reason in program.display()
        assert b"\x1b" not in program.raw
        assert list(marked(tmp_path)) == []


def test_null_input_is_refused(tmp_path: Path) -> None:
    with open(os.devnull) as null, Program(PERFTUI, isolated(tmp_path), stdin=null.fileno()) as program:
        assert program.exit_status() == 2
        assert "standard input is not one" in program.display()


def test_no_terminal_is_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    done = subprocess.run(PERFTUI, env=isolated(tmp_path), capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "perftui --plain" in done.stderr
    assert done.stderr.count("\n") == 1
