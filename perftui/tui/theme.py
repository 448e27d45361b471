"""Themes: a style for each role, read from TOML files and checked before they are used."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.errors import StyleSyntaxError
from rich.style import Style

from perftui.config.paths import themes_dir
from perftui.core.errors import ConfigError
from perftui.core.text import clean, did_you_mean

ROLES = {
    "background": "the colour that lies under everything, such as `on #101418`",
    "text": "figures and names",
    "dim": "units, titles of columns, what explains",
    "faint": "the empty part of a bar, the grid of a chart",
    "title": "titles of panes",
    "frame": "the frame of a pane",
    "focus": "the frame and title of the pane that has the keys",
    "accent": "keys, the cursor of a prompt",
    "bar": "a bar, sparkline or curve that says nothing bad",
    "ok": "the state ok",
    "warning": "the state warning, and its level",
    "critical": "the state critical, and its level",
    "stale": "figures too old to be the present",
    "past": "another moment than now: paused",
    "selected": "the selected row, laid over the others",
}
_SHIPPED = (Path(__file__).parent / "themes", Path(__file__).parents[2] / "themes")


@dataclass(frozen=True)
class Theme:
    """A checked theme: a rich Style for each name of `ROLES`."""

    name: str
    roles: Mapping[str, Style]
    description: str = ""


def _mono() -> Theme:
    plain = dict.fromkeys(ROLES, "")
    marked = plain | {
        "dim": "dim", "faint": "dim", "frame": "dim", "stale": "dim", "title": "bold", "focus": "bold not dim",
        "accent": "bold", "warning": "bold", "critical": "bold reverse", "past": "reverse", "selected": "reverse",
    }  # fmt: skip
    return Theme("no colour", {role: Style.parse(style) for role, style in marked.items()}, "NO_COLOR is set")


MONO = _mono()
"""What NO_COLOR asks for: bold, dim and reverse, no colour at all."""


def limited(environ: Mapping[str, str]) -> str | None:
    """Return what the terminal limits us to: `no colour`, `ansi16`, or None for any theme."""
    if environ.get("NO_COLOR"):
        return MONO.name
    term, colour = environ.get("TERM", ""), environ.get("COLORTERM", "").lower()
    many = "256" in term or "direct" in term or "kitty" in term or colour in ("truecolor", "24bit")
    return None if many else "ansi16"


def folders() -> Iterator[Path]:
    """Yield the folders that themes are read from, the user's own first."""
    yield themes_dir()
    yield from _SHIPPED


def names() -> list[str]:
    """Return the names of all themes there are."""
    found = {path.stem for folder in folders() if folder.is_dir() for path in folder.glob("*.toml")}
    return sorted(found)


def load(name: str, environ: Mapping[str, str] = os.environ) -> Theme:
    """Return a theme by name, or what the terminal limits us to. Raises ConfigError with one line."""
    limit = limited(environ)
    if limit == MONO.name:
        return MONO
    wanted = name if limit is None else limit
    for folder in folders():
        path = folder / f"{wanted}.toml"
        if path.is_file():
            return read(path)
    raise ConfigError(f'there is no theme "{clean(wanted, 40)}"; there are {", ".join(names())}')


def read(path: Path) -> Theme:
    """Return the theme in a file, every role checked. Raises ConfigError naming file, role and what is wrong."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"theme {path.name}: {clean(str(error))}") from error
    roles = content.get("roles")
    if not isinstance(roles, dict):
        raise ConfigError(f"theme {path.name}: it has no table [roles]")
    for role in roles:
        if role not in ROLES:
            hint = did_you_mean(role, ROLES) or "there are " + ", ".join(ROLES)
            raise ConfigError(f'theme {path.name}: there is no role "{clean(role, 40)}"; {hint}')
    missing = [role for role in ROLES if role not in roles]
    if missing:
        raise ConfigError(f"theme {path.name}: the role {missing[0]} is missing ({ROLES[missing[0]]})")
    styles = {role: _style(path, role, roles[role]) for role in ROLES}
    return Theme(path.stem, styles, clean(str(content.get("description", "")), 80))


def _style(path: Path, role: str, text: object) -> Style:
    try:
        style = Style.parse(text) if isinstance(text, str) else None
    except StyleSyntaxError:
        style = None
    if style is None or style.link or style.blink or style.blink2:
        raise ConfigError(
            f'theme {path.name}: {role} = "{clean(str(text), 40)}" is not a style such as "bold #ff5f5f on color(234)"'
        )
    return style
