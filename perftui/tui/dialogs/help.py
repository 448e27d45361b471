"""The help: every key and what it does, the glyphs and what they mean."""

from perftui.tui.dialogs.base import Dialog
from perftui.tui.keys import GROUPS, Keymap, shown
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, left, wrapped

_GLYPHS = (
    (glyphs.OK, "ok", "as it should be"),
    (glyphs.WARNING, "warning", "a warning fires"),
    (glyphs.CRITICAL, "critical", "critical, or a source that fails"),
    (glyphs.STALE, "stale", "stale: the last figures, dimmed, too old to be the present"),
    (glyphs.UNKNOWN, "dim", "unknown: not asked yet, or found and needs credentials"),
    (glyphs.PAUSED, "warning", "paused; of an alert: silenced or inhibited"),
    (glyphs.ACKED, "warning", "acknowledged: somebody takes care of it"),
    ("–", "dim", "missing: not read, never 0"),
)


_KEYS, _NAMES = 18, 18
"""Cells of the keys, and of the names for `[keys]` at the right."""
_NAMED = 80
"""Cells from which there is room for those names."""


class Help(Dialog):
    """Shows the keymap as it is, the user's changes in it."""

    title = "Help"

    def __init__(self, keymap: Keymap) -> None:
        super().__init__()
        self._keymap = keymap

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        named = cells >= _NAMED
        room = cells - _KEYS - (_NAMES if named else 0)
        lines: list[Line] = []
        for group in GROUPS:
            lines += [[], [(group, "title")]] if lines else [[(group, "title")]]
            for binding in self._keymap.bindings:
                if binding.group == group:
                    keys = " ".join(map(shown, binding.keys))
                    lines += _entry(keys, "accent", binding.help, room, binding.id if named else "")
        lines += [*_entry("ctrl+c", "accent", "quit", room), [], [("What the glyphs say", "title")]]
        for glyph, role, words in _GLYPHS:
            lines += _entry(glyph, role, words, cells - _KEYS)
        where = "The names at the right" if named else "The names of the commands (:)"
        words = f'{where} are for [keys] in perftui.toml: cleanup = "x"'
        return [*lines, [], *([(part, "dim")] for part in wrapped(words, cells))]

    def press(self, key: str, character: str | None) -> None:
        """Close with the keys that opened it, too."""
        if self._keymap.find(key) in ("help", "quit", "back"):
            self.closed = True
        else:
            super().press(key, character)


def _entry(keys: str, role: str, words: str, room: int, name: str = "") -> list[Line]:
    """Return the lines of one key: its words in `room` cells, wrapped, and its name behind the first of them."""
    first, *others = wrapped(words, room - 2) or [""]
    line: Line = [("  ", "text"), (left(keys, _KEYS - 2), role), (left(first, room) if name else first, "text")]
    rest: list[Line] = [[(" " * _KEYS + part, "text")] for part in others]
    return [[*line, (name, "dim")] if name else line, *rest]
