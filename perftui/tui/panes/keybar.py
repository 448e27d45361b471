"""The key bar: the keys of the focused pane first, then those that always work; and the tabs of small screens."""

from collections.abc import Sequence

from perftui.client.state import State
from perftui.core.status import SourceState
from perftui.tui.keys import Binding, Keymap
from perftui.tui.panes import queues
from perftui.tui.panes.sources import worst_first
from perftui.tui.panes.state_words import GOOD, STALE, WARNING
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, fit, width

_TABS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "system": ("sys", "overview", ("system",)),
    "queues": ("queues", "queues", ()),
    "caches": ("caches", "caches", ("redis",)),
    "databases": ("dbs", "databases", ("mysql",)),
    "services": ("svc", "services", ("systemd", "supervisor")),
    "endpoints": ("http", "endpoints", ("http",)),
    "history": ("chart", "", ()),
}
"""Pane -> its short name, the binding that leads there, the kinds of source in it."""

_CHANGING = (
    "cleanup", "warm", "scale", "optimise", "undo", "renice-up", "renice-down", "signal", "ack", "silence",
)  # fmt: skip
_ALWAYS = ("commands", "help", "quit")
"""The bindings that stand at the end of the bar however little room there is."""


def draw(keymap: Keymap, pane: str | None, cells: int, message: str = "", *, read_only: bool = False) -> Line:
    """Return the bar in exactly `cells` cells; a message stands in front of it until the next key.

    What changes something is left out where that is not possible; everything where no pane has the keys.
    """
    line: Line = [(f" {message} ", "warning"), ("  ", "text")] if message else []
    if pane is None:
        return fit(line, cells)
    shown = [
        binding
        for binding in keymap.bindings
        if binding.bar and (not binding.panes or pane in binding.panes) and not (read_only and binding.id in _CHANGING)
    ]
    last = [part for binding in shown if binding.id in _ALWAYS for part in _part(keymap, binding)]
    for binding in sorted(shown, key=lambda binding: pane not in binding.panes):
        part = _part(keymap, binding)
        if binding.id not in _ALWAYS and width(line) + width(part) + width(last) <= cells:
            line += part
    whole = line + last
    return fit(whole if width(whole) <= cells or not message else line, cells)


def _part(keymap: Keymap, binding: Binding) -> Line:
    return [(keymap.key_of(binding.id), "accent"), (f" {binding.bar}  ", "dim")]


def tabs(state: State, panes: Sequence[str], focus: str, cells: int, keymap: Keymap) -> Line:
    """Return these panes as tabs in exactly `cells` cells: key, name, how many, the worst state in each."""
    line: Line = []
    for pane in panes:
        name, key, kinds = _TABS[pane]
        glyph, role = _flag(state, pane, kinds)
        count = len(list(queues.find(state))) if pane == "queues" else len(state.sources_of(*kinds)) if kinds else 0
        here = "+selected" if pane == focus else ""
        line += [
            (f" {keymap.key_of(key)} " if key else " ", "dim" + here),
            (name, ("title" if here else "text") + here),
            (f" {count}" if count > 1 else "", "dim" + here),
            (glyph, role + here),
            (" ", "text" + here),
        ]
    return fit([(text, role) for text, role in line if text], cells)


def _flag(state: State, pane: str, kinds: tuple[str, ...]) -> tuple[str, str]:
    bad = _worst(state, pane, kinds)
    flags = {GOOD: ("", "text"), STALE: (glyphs.STALE, "stale"), WARNING: (glyphs.WARNING, "warning")}
    return flags.get(bad, (glyphs.CRITICAL, "critical"))


def _worst(state: State, pane: str, kinds: tuple[str, ...]) -> int:
    if pane == "queues":
        return max((queue.bad for queue in queues.find(state)), default=GOOD)
    asked = [
        status for status in state.sources_of(*kinds) if status.state not in (SourceState.FOUND, SourceState.WAITING)
    ]
    return max((bad for bad, _ in worst_first(state, asked)), default=GOOD) if kinds else GOOD
