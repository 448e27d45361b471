"""Theme and keys as the user's file has them; what cannot be used is told, and no obstacle."""

from collections.abc import Mapping

from perftui.config.settings import Settings
from perftui.core.errors import ConfigError
from perftui.tui.keys import Keymap
from perftui.tui.theme import Theme, load


def usable_keys(settings: Settings, notes: dict[str, str]) -> Keymap:
    """Return the user's keys, or else the standard ones with a note."""
    try:
        return Keymap(settings.keys)
    except ConfigError as error:
        notes["keys"] = f"{error}; the standard keys are used"
        return Keymap({})


def usable_theme(settings: Settings, environ: Mapping[str, str], notes: dict[str, str]) -> Theme:
    """Return the user's theme, or else the standard one with a note."""
    try:
        return load(settings.theme, environ)
    except ConfigError as error:
        notes["theme"] = f"{error}; the standard theme is used"
        return load(Settings().theme, environ)
