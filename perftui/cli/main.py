"""The command `perftui`: which command was meant, imported only when chosen; the console when none was."""

import os
import sys
from io import TextIOWrapper
from types import TracebackType
from typing import NamedTuple

from perftui import __version__
from perftui.core.errors import ConfigError, PerftuiError
from perftui.core.text import clean, did_you_mean

COMMANDS = {
    "check": ("perftui.cli.check", "poll everything once and say how it is: a table, or JSON for scripts"),
    "run": ("perftui.cli.run", "preview an action and run it, as the keys of the console do"),
    "undo": ("perftui.cli.undo", "preview what takes a run back, and run that"),
    "actions": ("perftui.cli.actions", "list the actions with risk, undo, targets and parameters"),
    "audit": ("perftui.cli.audit", "show who did what, and verify the chain of its lines"),
    "config": ("perftui.cli.config", "write, check and explain the configuration file"),
    "metrics": ("perftui.cli.metrics", "print every metric with its unit and meaning"),
    "rules": ("perftui.cli.rules", "list and check the rules of alerts, and test them in virtual time"),
    "notify": ("perftui.cli.notify", "list the ways of notification and try one out"),
    "agent": ("perftui.cli.agent", "run the engine in the foreground, as a service does"),
    "rescue": ("perftui.cli.rescue", "this host on a screen that needs no process, disk or library"),
}
WRONG_USAGE = 2


class Options(NamedTuple):
    """The flags of the console."""

    config: str | None = None
    theme: str | None = None
    socket: str | None = None
    read_only: bool = False
    ascii: bool = False
    plain: bool = False


def main() -> None:
    """Run the command that `sys.argv` names and exit with its status."""
    sys.excepthook = crashed
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal or pipe that knows no `●` gets a `?`
    sys.exit(run(sys.argv[1:]))


def run(argv: list[str]) -> int:
    """Run a command and return its exit status; what perftui foresaw is one line on standard error, not a traceback."""
    try:
        return _chosen(argv)
    except ConfigError as error:
        print(f"perftui: {error}", file=sys.stderr)
        return WRONG_USAGE
    except PerftuiError as error:
        print(f"perftui: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `perftui check | head`: nobody wants the rest, nor a second error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141


def _chosen(argv: list[str]) -> int:
    if argv and not argv[0].startswith("-"):
        if argv[0] not in COMMANDS:
            return _wrong(f'there is no command "{clean(argv[0], 40)}"', argv[0], list(COMMANDS))
        from importlib import import_module

        status: int = import_module(COMMANDS[argv[0]][0]).run(argv[1:])
        return status
    if "--version" in argv:
        print(f"perftui {__version__}")
        return 0
    if "--help" in argv or "-h" in argv:
        from perftui.cli.help import text

        print(text(COMMANDS))
        return 0
    options = _options(argv)
    if isinstance(options, int):
        return options
    if options.plain:
        from perftui.cli import plain

        return plain.run(options)
    from perftui.cli import console

    return console.run(options)


def _options(argv: list[str]) -> Options | int:
    """Return the console's flags; an exit status when they are wrong. Without argparse, which costs 8 ms."""
    found: dict[str, str | bool] = {}
    words = iter(argv)
    for word in words:
        flag, has_value, value = word.partition("=")
        name = flag[2:].replace("-", "_")
        if flag in ("--config", "--theme", "--socket"):
            value = value if has_value else next(words, "")
            if not value:
                return _wrong(f"{flag} needs a value", flag, [])
            found[name] = value
        elif word in ("--read-only", "--ascii", "--plain"):
            found[name] = True
        else:
            flags = [f"--{name.replace('_', '-')}" for name in Options._fields] + ["--help", "--version"]
            return _wrong(f'there is no option "{clean(word, 40)}"', flag, flags)
    return Options(**found)  # type: ignore[arg-type]


def _wrong(what: str, word: str, known: list[str]) -> int:
    hint = did_you_mean(word, known) or "`perftui --help` lists what there is"
    print(f"perftui: {what}; {hint}", file=sys.stderr)
    return WRONG_USAGE


def crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say what nobody foresaw in one line; the traceback only when PERFTUI_DEBUG asks for it."""
    if os.environ.get("PERFTUI_DEBUG"):
        sys.__excepthook__(kind, error, trace)
        return
    import traceback

    frames = traceback.extract_tb(trace)
    where = f" at {os.path.relpath(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    what = clean(f"{kind.__name__}: {error}", 300)
    print(f"perftui: crashed: {what}{where} (PERFTUI_DEBUG=1 shows the traceback)", file=sys.stderr)


if __name__ == "__main__":
    main()
