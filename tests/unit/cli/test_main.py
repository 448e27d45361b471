"""The command line: what is chosen, what is refused, and in how many words."""

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from perftui import __version__
from perftui.cli import main
from perftui.core.errors import ConfigError, PerftuiError, Unreachable


def command(run: object) -> ModuleType:
    module = ModuleType("stub")
    module.run = run  # type: ignore[attr-defined]
    return module


def stub(monkeypatch: pytest.MonkeyPatch, run: object) -> None:
    monkeypatch.setitem(main.COMMANDS, "stub", ("perftui_stub", "a stub"))
    monkeypatch.setitem(sys.modules, "perftui_stub", command(run))


def test_the_chosen_command_gets_the_rest_of_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def run(argv: list[str]) -> int:
        seen.append(argv)
        return 3

    stub(monkeypatch, run)
    assert main.run(["stub", "--json", "x"]) == 3
    assert seen == [["--json", "x"]]


@pytest.mark.parametrize(
    ("argv", "hint"),
    [
        (["chek"], 'did you mean "check"?'),
        (["zzzz"], "`perftui --help` lists"),
        (["--read-olny"], 'did you mean "--read-only"?'),
        (["--theme"], "--theme needs a value"),
        (["--config="], "--config needs a value"),
        (["\x1b[31mx"], "␛[31mx"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(argv: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(argv) == 2
    said = capsys.readouterr().err
    assert hint in said
    assert said.count("\n") == 1
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("error", "status"), [(ConfigError("line 3"), 2), (Unreachable("nobody"), 1), (PerftuiError("no"), 1)]
)
def test_a_foreseen_failure_is_one_line(
    error: PerftuiError, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(argv: list[str]) -> int:
        raise error

    stub(monkeypatch, run)
    assert main.run(["stub"]) == status
    assert capsys.readouterr().err == f"perftui: {error}\n"


def test_what_nobody_foresaw_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(argv: list[str]) -> int:
        raise ZeroDivisionError

    stub(monkeypatch, run)
    with pytest.raises(ZeroDivisionError):
        main.run(["stub"])


@pytest.mark.parametrize(("debug", "lines"), [("", 1), ("1", 4)])
def test_a_crash_is_one_line_unless_debugged(
    debug: str, lines: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PERFTUI_DEBUG", debug)
    try:
        raise ValueError("bad \x1b[2J thing")
    except ValueError as error:
        main.crashed(ValueError, error, error.__traceback__)
    said = capsys.readouterr().err
    assert "ValueError: bad" in said
    assert len(said.splitlines()) == lines if not debug else len(said.splitlines()) >= lines
    assert debug or "\x1b" not in said


def test_flags_of_the_console_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[main.Options] = []

    def run(options: main.Options) -> int:
        seen.append(options)
        return 0

    monkeypatch.setattr("perftui.cli.console.run", run)
    assert main.run(["--read-only", "--config", "a.toml", "--theme=light", "--socket", "/s", "--ascii"]) == 0
    assert seen == [main.Options("a.toml", "light", "/s", read_only=True, ascii=True)]


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert main.run(["--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"perftui {__version__}\n")
    assert all(f"perftui {name}" in said for name in main.COMMANDS)
    assert max(len(line) for line in said.splitlines()) <= 120


@pytest.mark.parametrize("module", [module for module, _ in main.COMMANDS.values()])
def test_every_command_of_the_table_is_there(module: str) -> None:
    assert find_spec(module) is not None
    assert callable(import_module(module).run)


def test_the_start_imports_no_library(tmp_path: Path) -> None:
    """The first frame waits for the standard library alone, and not for its slow parts."""
    wanted = "import perftui.cli.main, perftui.cli.console, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", wanted], capture_output=True, text=True, check=True, cwd=tmp_path)
    slow = {
        "msgspec",
        "textual",
        "rich",
        "psutil",
        "asyncio",
        "argparse",
        "dataclasses",
        "inspect",
        "logging",
        "sqlite3",
    }
    assert slow.isdisjoint(loaded.stdout.split())
