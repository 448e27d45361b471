"""The whole console in a real terminal: its start, its agent, and what either leaves behind."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.hostile import NAME, SHOWN, hostile_process
from tests.support.terminal import PERFTUI, Program, isolated, marked, until

pytestmark = [pytest.mark.pty, pytest.mark.timeout(90)]
KEYS = "help"
"""A word of the console's key bar; the early frame has it nowhere."""


def console(folder: Path, *flags: str, before: Callable[[], object] | None = None, **more: str) -> Program:
    return Program([*PERFTUI, *flags], isolated(folder, **more), columns=140, rows=45, before=before)


def agents(folder: Path) -> set[int]:
    return {pid for pid, command in marked(folder).items() if " agent " in command}


def attached(program: Program) -> str:
    """Wait until the console itself is there, with figures of its agent."""
    program.wait_for(KEYS, 30)
    return program.wait_for("load", 10)


def test_a_frame_at_once_then_the_console_and_quit_leaves_nothing(tmp_path: Path) -> None:
    with console(tmp_path) as program:
        shown = program.wait_for("System")
        assert "starting" in shown, "the early frame, or the console before its agent answers"
        attached(program)
        assert program.raw.count(b"\x1b[?1049h") == 1
        program.send(b"q")
        assert program.exit_status() == 0
        assert program.is_restored()
        until(lambda: not marked(tmp_path), "no process is left")


def test_a_hang_up_keeps_the_agent_and_the_next_console_finds_it(tmp_path: Path) -> None:
    with console(tmp_path) as first:
        attached(first)
        before = agents(tmp_path)
        assert len(before) == 1
        first.hang_up()
        assert first.exit_status() == 129
        with console(tmp_path) as again:
            attached(again)
            assert agents(tmp_path) == before
            again.send(b"q")
            assert again.exit_status() == 0
            until(lambda: not agents(tmp_path), "the agent ended with its last console")


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_console_and_not_the_agent(signum: int, status: int, tmp_path: Path) -> None:
    with console(tmp_path) as program:
        attached(program)
        program.signal(signum)
        assert program.exit_status() == status
        assert program.is_restored()
        assert len(agents(tmp_path)) == 1


def test_hung_up_with_the_signal_ignored_it_still_ends(tmp_path: Path) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with console(tmp_path, before=ignore) as program:
        attached(program)
        program.hang_up()
        assert program.exit_status() == 129


def test_a_killed_agent_is_said_and_replaced(tmp_path: Path) -> None:
    with console(tmp_path) as program:
        attached(program)
        (old,) = agents(tmp_path)
        os.kill(old, signal.SIGKILL)
        until(lambda: program.pump() and agents(tmp_path) - {old}, "a new agent", 15)
        program.pump_for(1.5)  # The header's "live" may still be the old agent's.
        program.wait_for("● live", 15)
        program.send(b"q")
        assert program.exit_status() == 0
        until(lambda: not agents(tmp_path), "the new agent ended with the console")


def test_two_consoles_started_at_once_share_one_agent(tmp_path: Path) -> None:
    with console(tmp_path) as one, console(tmp_path) as other:
        attached(one)
        attached(other)
        until(lambda: one.pump() and other.pump() and len(agents(tmp_path)) == 1, "one agent")
        one.send(b"q")
        assert one.exit_status() == 0
        assert len(agents(tmp_path)) == 1
        other.send(b"q")
        assert other.exit_status() == 0
        until(lambda: not agents(tmp_path), "the agent ended with its last console")


def test_a_stalled_reader_stops_neither_the_agent_nor_the_end(tmp_path: Path) -> None:
    with console(tmp_path) as program:
        attached(program)
        for step in range(60):  # Each size draws everything anew: far more than a terminal that nobody reads takes.
            program.resize(140 - step % 2, 45)
            time.sleep(0.03)
        assert len(agents(tmp_path)) == 1
        program.signal(signal.SIGTERM)
        assert program.exit_status(4.0, read=False) == 143
        assert program.discipline_is_restored()
        assert len(agents(tmp_path)) == 1


def test_typed_too_early_is_not_lost_and_q_quits_the_frame(tmp_path: Path) -> None:
    with console(tmp_path) as program:
        program.wait_for("starting…")
        program.send(b"?")
        program.wait_for("esc", 30)
    with console(tmp_path) as program:
        program.wait_for("starting…")
        program.send(b"q")
        assert program.exit_status() == 0
        assert program.is_restored()
        until(lambda: not marked(tmp_path), "no process is left")


@pytest.mark.parametrize("after", [0.1, 0.3, 0.45, 0.6])
def test_quit_at_any_moment_of_the_start_leaves_nothing(after: float, tmp_path: Path) -> None:
    with console(tmp_path) as program:
        program.wait_for("System")
        program.pump_for(after)
        program.send(b"q")
        assert program.exit_status() == 0
        assert program.is_restored()
        until(lambda: not marked(tmp_path), "no process is left")


def test_suspended_it_gives_the_terminal_back_and_draws_again(tmp_path: Path) -> None:
    with console(tmp_path) as program:
        attached(program)
        program.send(b"\x1a")
        program.wait_until_stopped()
        assert program.is_restored()
        program.forget()
        program.signal(signal.SIGCONT)
        program.wait_for(KEYS)
        program.send(b"q")
        assert program.exit_status() == 0
        assert program.is_restored()


def test_an_agent_that_cannot_be_started_leaves_the_frame_until_it_can(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    (tmp_path / "run" / "agent.log").mkdir()
    with console(tmp_path) as program:
        program.wait_for("the agent cannot be started")
        program.pump_for(1.5)
        program.wait_for("the agent cannot be started")
        (tmp_path / "run" / "agent.log").rmdir()
        attached(program)
        program.send(b"q")
        assert program.exit_status() == 0
        assert program.is_restored()


def test_an_agent_that_ends_at_once_is_said_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    (tmp_path / "run" / "agent.lock").mkdir()
    with console(tmp_path) as program:
        program.wait_for("the agent ended: perftui: cannot lock")


def test_without_textual_the_frame_stands(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "textual.py").write_text("raise OSError(28, 'No space left on device')")
    with console(tmp_path, PYTHONPATH=str(broken)) as program:
        program.wait_for("the console cannot be loaded: [Errno 28] No space left on device", 20)
        program.send(b"q")
        assert program.exit_status() == 0


def test_a_missing_configuration_and_agent_are_one_line(tmp_path: Path) -> None:
    for flags, reason in (
        (("--config", "/nowhere.toml"), "/nowhere.toml: there is no such file"),
        (("--socket", "/nowhere.sock"), "no agent answers at /nowhere.sock"),
    ):
        with console(tmp_path, *flags) as program:
            assert program.exit_status() in (1, 2)
            assert reason in program.display()
            assert program.raw.count(b"\n") == 1
            assert b"\x1b[?1049h" not in program.raw


def test_a_theme_that_is_not_there_is_one_line_on_a_restored_terminal(tmp_path: Path) -> None:
    with console(tmp_path, "--theme", "nonesuch") as program:
        program.wait_for('there is no theme "nonesuch"', 20)
        assert program.exit_status() == 2
        assert program.is_restored()


def test_the_name_of_a_process_is_never_obeyed(tmp_path: Path) -> None:
    with hostile_process(), console(tmp_path) as program:
        attached(program)
        program.send(b"2")
        program.send(b"M")
        program.wait_for(SHOWN, 15)
        assert NAME.encode() not in program.raw
        assert b"\x1b]0;" not in program.raw
