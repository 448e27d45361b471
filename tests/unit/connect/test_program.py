"""A program is run without a shell, within its deadline, and leaves nothing behind when that passes."""

import asyncio
from pathlib import Path

import psutil
import pytest

from perftui.connect import program as module
from perftui.connect.program import End, ask_program, run_program, said
from perftui.core.errors import BadAnswer, DeadlineExceeded, Denied, Unreachable
from perftui.core.known_secrets import remember
from tests.support.servers import eventually


async def test_output_errors_and_status_are_kept_apart() -> None:
    ended = await ask_program(["sh", "-c", "echo out; echo why >&2; exit 3"], 5.0)
    assert (ended.status, ended.output, ended.errors, ended.reason) == (3, "out\n", "why\n", "why")


async def test_words_are_no_shell_and_the_environment_is_added_to() -> None:
    ended = await ask_program(["sh", "-c", 'echo "$1 $ADDED"', "x", "$(id); a"], 5.0, {"ADDED": "yes"})
    assert ended.output == "$(id); a yes\n"


async def test_what_is_too_late_is_killed_with_its_children(tmp_path: Path) -> None:
    file = tmp_path / "child"
    with pytest.raises(DeadlineExceeded, match="sh did not end within"):
        await ask_program(["sh", "-c", f"sleep 60 & echo $! > {file}; wait"], 0.5)
    child = int(file.read_text())

    async def is_gone() -> bool:
        return not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE

    await eventually(is_gone)


async def test_a_child_that_keeps_the_pipe_open_is_not_waited_for() -> None:
    ended = await ask_program(["sh", "-c", "echo done; sleep 5 & exit 0"], 4.0)
    assert (ended.status, ended.output) == (0, "done\n")


async def test_too_much_output_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ANSWER", 1 << 20)
    with pytest.raises(BadAnswer, match="says more than 1 MiB"):
        await ask_program(["head", "-c", "3000000", "/dev/zero"], 5.0)


async def test_what_cannot_be_run(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="is not installed"):
        await ask_program([str(tmp_path / "nothing")], 1.0)
    with pytest.raises(Denied, match="cannot be run: permission denied"):
        await ask_program([str(tmp_path)], 1.0)


async def test_who_stops_waiting_leaves_no_program_behind(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    task = asyncio.create_task(ask_program(["sh", "-c", f"echo $$ > {file}; sleep 60"], 30.0))
    await eventually(lambda: asyncio.sleep(0, file.exists() and bool(file.read_text().strip())))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(int(file.read_text()))


async def test_what_a_program_of_the_user_says_is_told_line_by_line_and_its_errors_are_part_of_it() -> None:
    lines: list[str] = []
    ended = await run_program(["sh", "-c", "echo one; echo two >&2; exit 3"], {}, 5.0, lines.append)
    assert (ended.end, ended.status, ended.lines, ended.words) == (End.ITSELF, 3, ("one", "two"), "exit 3: two")
    assert lines[-1] == "two"


async def test_no_known_secret_is_in_what_it_says() -> None:
    remember("hunter22-of-a-program")
    ended = await run_program(["echo", "password=hunter22-of-a-program"], {}, 5.0)
    assert (ended.words, ended.reason) == ("exit 0: password=***", "password=***")
    assert said("password=hunter22-of-a-program\x1b[31m") == "password=***␛[31m"


async def test_the_end_of_a_flood_is_kept() -> None:
    ended = await run_program(["sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' 'x'; echo; echo last"], {}, 5.0)
    assert len(ended.output) == module.MOST_OUTPUT
    assert ended.lines[-1] == "last"
