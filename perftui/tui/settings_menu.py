"""F2: what can be set from here."""

from typing import TYPE_CHECKING

from perftui.tui import thresholds
from perftui.tui.dialogs.menu import Item, Menu
from perftui.tui.theme import limited, names
from perftui.tui.widgets.text import left

if TYPE_CHECKING:
    from perftui.tui.app import PerftuiApp

_CHOICES = {"theme": "the colours of the screen", "thresholds": "from which values on an alert fires"}


def choose(app: "PerftuiApp") -> None:
    """Let the user choose what to set."""
    items = [
        Item(name, f"{name} {words}", [(left(name, 14), "text"), (words, "dim")]) for name, words in _CHOICES.items()
    ]
    app.open(Menu("Settings", items, lambda id: theme(app) if id == "theme" else thresholds.choose(app)))


def theme(app: "PerftuiApp") -> None:
    """Let the user choose a theme; each shows while it is looked at."""
    limit, before = limited(app.environ), app.palette.theme.name
    if limit is not None:
        app.say(f"this terminal has {limit}: no other theme can be shown")
        return
    items = [Item(name, name, [(name, "text")]) for name in names()]
    app.open(Menu("Theme", items, app.use_theme, at=before, moved=app.use_theme))
