"""perftui.toml into Settings, strictly: every mistake in the file is one line that names the place and the way out."""

import hashlib
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from perftui.config.checks import INTERVALS, check_duration, check_texts
from perftui.config.decode import Problems, decode
from perftui.config.remedy_tables import ACTION_TABLES, read_remedies
from perftui.config.routes import read_routes
from perftui.config.settings import Settings
from perftui.config.sources import read_sources
from perftui.config.surroundings import surroundings
from perftui.config.tables import STANDARD_INTERVAL, TopTable
from perftui.core.errors import ConfigError

LARGEST = 1 << 20
TABLES = ("sources", "rules", "inhibitions", "notify", *ACTION_TABLES)
"""What is read by itself, beside the keys above the first table."""
_TOML_PLACE = re.compile(r" \(at (.*)\)$")


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What could be read of a file, and the lines that say what could not; each source stands or falls by itself."""

    settings: Settings
    problems: tuple[str, ...] = ()


def load(path: Path, *, must_exist: bool = False) -> Settings:
    """Return the settings in `path`; without such a file the defaults. Raises ConfigError, one line a problem."""
    loaded = read(path, must_exist=must_exist)
    if loaded.problems:
        raise ConfigError("\n".join(loaded.problems))
    return loaded.settings


def read(path: Path, *, must_exist: bool = False) -> Loaded:
    """Return what is right in `path` and what is wrong with it; `must_exist` when the user named the file.

    With anything wrong everything is read-only: what could not be read may have said `read_only` or `production`.
    """
    problems = Problems(path.name)
    content, mode = _content(path, must_exist, problems)
    return _understood(path, content, mode, problems)


def read_content(path: Path, content: bytes, mode: int) -> Loaded:
    """Return what `read` would, if `content` stood in `path` with these permission bits."""
    return _understood(path, content, mode, Problems(path.name))


def _understood(path: Path, content: bytes, mode: int, problems: Problems) -> Loaded:
    document = parsed(content, problems)
    top = _top(document, problems)
    sources = read_sources(document.get("sources", {}), top, mode, problems)
    rules, inhibitions = (tables_of(document, name, problems) for name in ("rules", "inhibitions"))
    notify = read_routes(document.get("notify", {}), mode, problems)
    remedies = read_remedies(document, surroundings(document, sources, mode, problems, discover=top.discover))
    read_only = top.read_only or bool(problems.lines)
    settings = Settings(
        sources=tuple(msgspec.structs.replace(source, read_only=source.read_only or read_only) for source in sources),
        interval=top.interval,
        discover=top.discover,
        read_only=read_only,
        theme=top.theme,
        ascii=top.ascii,
        bell=top.bell,
        keys=top.keys,
        rules=rules,
        inhibitions=inhibitions,
        notify=notify,
        actions=remedies.actions,
        warm=remedies.warm,
        files=remedies.files,
        scale=remedies.scale,
        cdn=remedies.cdn,
        runbooks=remedies.runbooks,
        path=str(path),
        digest=digest_of(content),
    )
    return Loaded(settings=settings, problems=tuple(problems.lines))


def digest_of(content: bytes) -> str:
    """Return what tells one configuration from another; empty for none."""
    return hashlib.sha256(content).hexdigest()[:12] if content else ""


def _content(path: Path, must_exist: bool, problems: Problems) -> tuple[bytes, int]:
    """Return the bytes and the permission bits of the file; nothing and 0600 where there is none."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        if must_exist:
            problems.add((), f"there is no such file in {path.parent}")
        return b"", 0o600
    except OSError as error:
        problems.add((), f"cannot be read: {error.strerror}")
        return b"", 0o600
    if len(content) > LARGEST:
        problems.add((), "is larger than 1 MiB; is it the right file?")
        return b"", mode
    return content, mode


def parsed(content: bytes, problems: Problems) -> dict[str, Any]:
    """Return what a TOML file holds; nothing once `problems` says what is wrong with it as a whole."""
    try:
        document = tomllib.loads(content.decode())
        check_texts(document, (), problems)
        return document
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        problems.add((), f"line {line}: is not UTF-8 text")
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        reason = _TOML_PLACE.sub("", str(error))
        problems.add((), f"{place[1]}: {reason}" if place else reason)
    except RecursionError:
        problems.add((), "is nested too deeply")
    return {}


def tables_of(document: dict[str, Any], name: str, problems: Problems) -> tuple[dict[str, Any], ...]:
    """Return the `[[name]]` tables as they are written."""
    tables = document.get(name, [])
    if isinstance(tables, list) and all(isinstance(table, dict) for table in tables):
        return tuple(tables)
    problems.add((), f"{name} must be tables: write [[{name}]] before each")
    return ()


def _top(document: dict[str, Any], problems: Problems) -> TopTable:
    own = {key: value for key, value in document.items() if key not in TABLES}
    top = decode(TopTable, own, (), problems, TABLES)
    assert top is not None, "every key has a default"
    if check_duration("interval", top.interval, INTERVALS, (), problems):
        return top
    return msgspec.structs.replace(top, interval=STANDARD_INTERVAL)
