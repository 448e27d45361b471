"""The key bar: the keys of the focused pane first, then those that always work; and the tabs of small screens."""

from collections.abc import Sequence

from perftui.client.state import State
from perftui.tui.keys import Keymap
from perftui.tui.panes import queues
from perftui.tui.panes.sources import worst_first
from perftui.tui.panes.state_words import GOOD, STALE, WARNING
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, fit, width

_NAMES = {
    "system": ("sys", ("system",)), "queues": ("queues", ()), "caches": ("caches", ("redis",)),
    "databases": ("dbs", ("mysql",)), "endpoints": ("http", ("http",)), "history": ("history", ()),
}  # fmt: skip


def draw(keymap: Keymap, pane: str, cells: int, message: str = "") -> Line:
    """Return the bar in exactly `cells` cells; a message stands in front of it until the next key."""
    line: Line = [(f" {message} ", "warning"), ("  ", "text")] if message else []
    shown = [binding for binding in keymap.bindings if binding.bar and (not binding.panes or pane in binding.panes)]
    for binding in sorted(shown, key=lambda binding: pane not in binding.panes):
        part: Line = [(keymap.key_of(binding.id), "accent"), (f" {binding.bar}  ", "dim")]
        if width(line) + width(part) > cells:
            break
        line += part
    return fit(line, cells)


def tabs(state: State, focus: str, cells: int, panes: Sequence[str]) -> Line:
    """Return the tabs in exactly `cells` cells: number, name, the worst state in each, how many."""
    line: Line = []
    for index, pane in enumerate(panes, start=1):
        name, kinds = _NAMES[pane]
        bad = _worst(state, pane, kinds)
        glyph, role = {GOOD: ("", "text"), STALE: (glyphs.STALE, "stale"), WARNING: (glyphs.WARNING, "warning")}.get(
            bad, (glyphs.CRITICAL, "critical")
        )
        count = len(list(queues.find(state))) if pane == "queues" else len(state.sources_of(*kinds)) if len(kinds) else 0
        here = "+selected" if pane == focus else ""
        line += [
            (f" {index} ", "dim" + here),
            (name, ("title" if here else "text") + here),
            (f" {count}" if count > 1 else "", "dim" + here),
            (glyph, role + here),
            (" ", "text" + here),
        ]
    return fit([(text, role) for text, role in line if text], cells)


def _worst(state: State, pane: str, kinds: tuple[str, ...]) -> int:
    if pane == "queues":
        return max((queue.bad for queue in queues.find(state)), default=GOOD)
    return max((bad for bad, _ in worst_first(state, state.sources_of(*kinds))), default=GOOD)
