"""The help: every key and what it does, the glyphs and what they mean."""

from perftui.tui.dialogs.base import Dialog
from perftui.tui.keys import GROUPS, Keymap, shown
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, fit, left

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


class Help(Dialog):
    """Shows the keymap as it is, the user's changes in it."""

    title = "Help"

    def __init__(self, keymap: Keymap) -> None:
        super().__init__()
        self._keymap = keymap

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        lines: list[Line] = []
        for group in GROUPS:
            lines += [[], [(group, "title")]] if lines else [[(group, "title")]]
            for binding in self._keymap.bindings:
                if binding.group == group:
                    keys = " ".join(map(shown, binding.keys))
                    lines.append(
                        [
                            ("  ", "text"),
                            (left(keys, 16), "accent"),
                            *fit([(binding.help, "text")], cells - 34),
                            (binding.id, "dim"),
                        ]
                    )
        lines += [
            [("  ", "text"), (left("ctrl+c", 16), "accent"), ("quit", "text")],
            [],
            [("What the glyphs say", "title")],
        ]
        lines += [[("  ", "text"), (left(glyph, 16), role), (words, "text")] for glyph, role, words in _GLYPHS]
        return [*lines, [], [('The names at the right are for [keys] in perftui.toml: cleanup = "x"', "dim")]]

    def press(self, key: str, character: str | None) -> None:
        """Close with the keys that opened it, too."""
        if self._keymap.find(key) in ("help", "quit", "back"):
            self.closed = True
        else:
            super().press(key, character)
