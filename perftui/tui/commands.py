"""What each binding does: one short function for each id of the key table."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from perftui.core.errors import ConfigError, PerftuiError
from perftui.tui import alerting, applying, copying, optimising, remedies, settings_menu, thresholds
from perftui.tui.dialogs.details import Details
from perftui.tui.dialogs.help import Help
from perftui.tui.dialogs.menu import Item, Menu
from perftui.tui.dialogs.question import Question
from perftui.tui.keys import Binding, Keymap
from perftui.tui.layout import Box, is_narrow
from perftui.tui.panes import compose
from perftui.tui.panes.alert_filter import AlertFilter
from perftui.tui.panes.content import Row
from perftui.tui.panes.processes import SORTS
from perftui.tui.view import freeze
from perftui.tui.widgets.prompt import Prompt
from perftui.tui.widgets.text import Line, clip, left

if TYPE_CHECKING:
    from perftui.tui.app import PerftuiApp

_SCREENS = {"overview": "system", "host": "processes", "queues": "queues", "caches": "caches",
            "databases": "databases", "services": "services", "endpoints": "endpoints", "alerts": "alerts",
            "actions": "actions"}  # fmt: skip
"""Screen -> the pane that has the keys first."""
_PAGE = 10
_OLD_STAYS = "; the old configuration goes on"


async def run(app: "PerftuiApp", id: str) -> None:
    """Do what the binding of that id does."""
    done = COMMANDS[id](app)
    if done is not None:
        await done


def rows(app: "PerftuiApp") -> list[Row]:
    """Return the rows of the focused pane as they stand."""
    pane = app.view.focus
    box = app.boxes.get(pane, Box(0, 0, 80, 200))
    return compose.visible_rows(pane, app.content(pane, box), app.view, app.clock.monotonic())


def selected(app: "PerftuiApp") -> Row | None:
    """Return the selected row of the focused pane."""
    id = app.view.selected.get(app.view.focus)
    return next((row for row in rows(app) if row.id == id), None)


def _move(app: "PerftuiApp", by: int) -> None:
    found, pane = rows(app), app.view.focus
    if not found:
        return
    ids = [row.id for row in found]
    chosen = app.view.selected.get(pane)
    at = ids.index(chosen) + by if chosen in ids else (by - 1 if by > 0 else len(ids) + by)
    row = found[max(0, min(len(found) - 1, at))]
    app.view.selected[pane] = row.id
    if row.series is not None:
        app.view.series = row.series


def _focus(app: "PerftuiApp", by: int) -> None:
    panes = app.panes()
    if panes:
        at = panes.index(app.view.focus) if app.view.focus in panes else 0
        app.view.focus = panes[(at + by) % len(panes)]


def _go(app: "PerftuiApp", screen: str) -> None:
    width, height = app.size
    view = app.view
    tabbed = is_narrow(width, height) and screen in ("queues", "caches", "databases", "services", "endpoints")
    view.screen = screen
    view.focus = _SCREENS[screen]
    view.maximised = False
    if tabbed:
        view.screen = "overview"
    view.release()


def _back(app: "PerftuiApp") -> None:
    """Undo one step: the filter, maximised, the selection, the pause, the screen; never the console."""
    view = app.view
    if view.filters.pop(view.focus, None):
        view.orders.pop(view.focus, None)
        return
    if view.screen == "alerts" and view.choice:
        view.choice = AlertFilter()
        return
    if view.maximised:
        view.maximised = False
    elif view.selected.pop(view.focus, None) is not None:
        view.series = None
    elif view.frozen is not None:
        _pause(app)
    elif view.screen != "overview":
        _go(app, "overview")


def _filter(app: "PerftuiApp") -> None:
    app.prompt = Prompt("/ ", app.view.filters.get(app.view.focus, ""))


def type_filter(app: "PerftuiApp", key: str, character: str | None) -> None:
    """Take a key into the filter of the focused pane; Enter keeps it and selects a row, Esc clears it."""
    prompt = app.prompt
    if prompt is None:
        return
    if key == "escape":
        prompt.text = ""
    elif key != "enter":
        prompt.press(key, character)
    filter_by(app, prompt.text)
    if key in ("enter", "escape"):
        app.prompt = None
    if key == "enter" and prompt.text and rows(app) and selected(app) is None:
        _move(app, 1)


def filter_by(app: "PerftuiApp", text: str) -> None:
    """Filter the focused pane; its rows find their order afresh."""
    app.view.filters[app.view.focus] = text
    app.view.orders.pop(app.view.focus, None)


def _maximise(app: "PerftuiApp") -> None:
    app.view.maximised = not app.view.maximised


def _pause(app: "PerftuiApp") -> None:
    app.view.frozen = None if app.view.frozen is not None else freeze(app.client.state)
    app.refresh_state()


def _sort(app: "PerftuiApp", by: str) -> None:
    app.view.sort = by
    app.view.orders.pop("processes", None)


def _sort_next(app: "PerftuiApp") -> None:
    order = list(SORTS)
    _sort(app, order[(order.index(app.view.sort) + 1) % len(order)])


def _invert(app: "PerftuiApp") -> None:
    app.view.inverted = not app.view.inverted
    app.view.orders.pop("processes", None)


def _details(app: "PerftuiApp") -> None:
    if selected(app) is None:
        _move(app, 1)
    row = selected(app)
    if row is not None and row.run:
        applying.show(app, row.run)
    elif row is not None and row.alert is not None:
        alerting.details(app, row, row.alert)
    elif row is not None and not _is_more(app, row):
        app.open(Details(lambda: app.shown, row))


def _is_more(app: "PerftuiApp", row: Row) -> bool:
    """Open what stands behind a row that is no alert and no source itself; return whether it was one of those."""
    if row.folded:
        alerting.unfold(app, row)
    elif row.silence is not None:
        alerting.end_silence(app, row.silence)
    return bool(row.folded or row.silence)


def _open(app: "PerftuiApp") -> None:
    row = selected(app)
    if row is not None and row.alert is not None:
        remedies.of_alert(app, row, row.alert, lambda: _details(app))
    else:
        _details(app)


def _help(app: "PerftuiApp") -> None:
    app.open(Help(app.keymap))


def _palette(app: "PerftuiApp") -> None:
    items = [
        Item(binding.id, f"{binding.id} {binding.help}", _entry(binding, app.keymap))
        for binding in app.keymap.bindings
        if binding.id not in ("commands", "up", "down", "back")
    ]
    app.open(Menu("Commands", items, lambda id: app.start(_run_and_draw(app, id), "command"), verb="run"))


def _entry(binding: Binding, keymap: Keymap) -> Line:
    key = keymap.key_of(binding.id)
    return [(left(binding.id, 16), "text"), (left(binding.help, 56), "dim"), (key, "accent")]


async def _run_and_draw(app: "PerftuiApp", id: str) -> None:
    await run(app, id)
    app.draw()


async def _poll(app: "PerftuiApp") -> None:
    row = selected(app)
    if row is None or not row.source:
        app.say("select a source first")
        return
    await _ask(app, app.client.poll(row.source), f"probing {row.source}")


async def _reload(app: "PerftuiApp") -> None:
    def refused(error: PerftuiError) -> str:
        first = re.split(r"[\n␊]", str(error).strip(), maxsplit=1)[0]
        return clip(first, app.size.width - len(_OLD_STAYS) - 4) + _OLD_STAYS

    await _ask(app, _reread(app), "the configuration is read again", refused)


async def _reread(app: "PerftuiApp") -> None:
    """Let the agent and the console itself read the file again; what is wrong in it leaves the console as it is."""
    await app.client.reload()
    if app.reread is not None:
        loaded = await asyncio.to_thread(app.reread)
        if loaded.problems:
            raise ConfigError(loaded.problems[0])
        app.use(loaded.settings)


async def _ask(
    app: "PerftuiApp", request: Awaitable[None], done: str, refused: Callable[[PerftuiError], str] = str
) -> None:
    async def ask() -> None:
        try:
            await request
            app.say(done)
        except PerftuiError as error:
            app.say(refused(error))

    app.start(ask(), "request")


async def _quit(app: "PerftuiApp") -> None:
    """Leave; ask first while an action runs."""
    if app.is_acting:
        words = [[("An action is running. It ends with its agent when this was the last console.", "text")]]
        app.open(Question("Quit?", words, "y", "quit", lambda: app.start(app.leave(), "quit")))
    else:
        await app.leave()


async def interrupt(app: "PerftuiApp") -> None:
    """Quit on Ctrl-C; a second one does not ask."""
    if app.dialogs and isinstance(app.dialogs[-1], Question):
        await app.leave()
    else:
        await _quit(app)


COMMANDS: dict[str, Callable[["PerftuiApp"], Awaitable[None] | None]] = {
    "cleanup": lambda app: remedies.choose(app, "c", selected(app)),
    "warm": lambda app: remedies.choose(app, "w", selected(app)),
    "scale": lambda app: remedies.choose(app, "s", selected(app)),
    "optimise": lambda app: optimising.choose(app, selected(app)),
    "undo": lambda app: remedies.undo(app, selected(app)),
    "renice-up": lambda app: remedies.renice(app, selected(app), -1),
    "renice-down": lambda app: remedies.renice(app, selected(app), 1),
    "signal": lambda app: remedies.signal(app, selected(app)),
    "poll": _poll,
    "ack": lambda app: alerting.acknowledge(app, selected(app)),
    "silence": lambda app: alerting.silence(app, selected(app)),
    "filter-severity": lambda app: alerting.choose(app, AlertFilter.next_severity),
    "filter-state": lambda app: alerting.choose(app, AlertFilter.next_state),
    "filter-source": lambda app: alerting.next_source(app),
    "threshold": lambda app: thresholds.edit_of_alert(app, selected(app)),
    "copy": lambda app: copying.copy(app, selected(app)),
    "handover": copying.hand_over,
    "up": lambda app: _move(app, -1),
    "down": lambda app: _move(app, 1),
    "page-up": lambda app: _move(app, -_PAGE),
    "page-down": lambda app: _move(app, _PAGE),
    "first": lambda app: _move(app, -100_000),
    "last": lambda app: _move(app, 100_000),
    "next-pane": lambda app: _focus(app, 1),
    "previous-pane": lambda app: _focus(app, -1),
    "open": _open,
    "details": _details,
    "back": _back,
    "filter": _filter,
    "maximise": _maximise,
    "pause": _pause,
    "sort-cpu": lambda app: _sort(app, "cpu"),
    "sort-memory": lambda app: _sort(app, "memory"),
    "sort-time": lambda app: _sort(app, "time"),
    "sort-next": _sort_next,
    "invert": _invert,
    **{screen: partial(_go, screen=screen) for screen in _SCREENS},
    "commands": _palette,
    "help": _help,
    "settings": settings_menu.choose,
    "reload": _reload,
    "suspend": lambda app: app.action_suspend_process(),
    "quit": _quit,
}
