"""A rule changed in perftui.toml on the disk: checked as a whole first, then replaced in one step."""

import itertools
import os
import stat
import threading
from collections.abc import Mapping
from pathlib import Path

from perftui.alerts.rules.edit import edited
from perftui.alerts.rules.file import rule_book
from perftui.config.load import LARGEST, Loaded, read_content
from perftui.config.replace import replace_file
from perftui.core.aside import ask_aside
from perftui.core.errors import ConfigError, DeadlineExceeded
from perftui.core.text import clean

DEADLINE = 5.0
"""Seconds that the disk has to read, write and sync."""
_numbers = itertools.count()
_one_at_a_time = threading.Lock()


async def change_rule(path: Path, name: str, changes: Mapping[str, str], deadline: float = DEADLINE) -> str:
    """Change a rule in the file `path`, made where there is none; return its new text. Raises ConfigError, one line.

    `changes` are those of `rules.edit.edited`. Nothing is written when the whole file would not be right then, or when
    somebody else wrote it meanwhile.
    """
    given_up = threading.Event()
    try:
        return await ask_aside(
            path.name,
            lambda: _change(path, name, changes, given_up, deadline),
            deadline,
            key=("change of a rule", next(_numbers)),
        )
    except DeadlineExceeded as error:
        raise ConfigError(f"{error}; nothing was changed") from error
    except OSError as error:
        raise ConfigError(clean(f"{path} cannot be written: {error.strerror or type(error).__name__}")) from error
    finally:
        given_up.set()


def _change(path: Path, name: str, changes: Mapping[str, str], given_up: threading.Event, deadline: float) -> str:
    if not _one_at_a_time.acquire(timeout=deadline):
        raise ConfigError(f"{path.name}: an earlier change still waits for the disk")
    try:
        content, mode = _content(path)
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path.name}: is not UTF-8 text") from error
        new = edited(text, name, changes).encode()
        if new != content:
            _check(path, content, new, mode)
            replace_file(path, new, lambda: _check_same(path, content, given_up))
        return new.decode()
    finally:
        _one_at_a_time.release()


def _content(path: Path) -> tuple[bytes, int]:
    """Return what is in the file now, and its mode; nothing where there is none."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
            return content, stat.S_IMODE(os.fstat(file.fileno()).st_mode)
    except FileNotFoundError:
        return b"", 0o600


def _check(path: Path, old: bytes, new: bytes, mode: int) -> None:
    """Raise ConfigError for the first mistake in the new file, those that it did not have before first."""
    problems = _problems(read_content(path, new, mode))
    if problems:
        before = _problems(read_content(path, old, mode))
        fresh = [line for line in problems if line not in before]
        raise ConfigError((fresh or [f"mend this first: {problems[0]}"])[0])


def _problems(loaded: Loaded) -> tuple[str, ...]:
    return (*loaded.problems, *rule_book(loaded.settings).problems)


def _check_same(path: Path, before: bytes, given_up: threading.Event) -> None:
    if given_up.is_set():
        raise ConfigError(f"{path.name} took too long")
    if _content(path)[0] != before:
        raise ConfigError(f"{path.name} was changed by somebody else meanwhile; look at it and try again")
