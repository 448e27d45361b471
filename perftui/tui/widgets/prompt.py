"""A line of text being typed, key by key; it holds no cursor but its end."""

from rich.cells import cell_len

from perftui.core.text import clean
from perftui.tui.widgets.text import Line

LONGEST = 200


class Prompt:
    """What was typed after a label."""

    def __init__(self, label: str, text: str = "") -> None:
        self.label = label
        self.text = text

    def press(self, key: str, character: str | None) -> bool:
        """Take a key; return whether it changed the text."""
        before = self.text
        if key in ("backspace", "ctrl+h"):
            self.text = self.text[:-1]
        elif key == "ctrl+u":
            self.text = ""
        elif character and character.isprintable():
            self.text = (self.text + character)[:LONGEST]
        return self.text != before

    def paste(self, text: str) -> None:
        """Take pasted text as one line, made harmless."""
        self.text = (self.text + clean(text.strip()))[:LONGEST]

    def draw(self, cells: int | None = None) -> Line:
        """Return the label, the text and the cursor; in `cells` cells the end of a text that is longer."""
        text = self.text
        while cells is not None and text and cell_len(self.label) + cell_len(text) + 1 > cells:
            text = text[1:]
        return [(self.label, "accent"), (text, "text"), (" ", "selected")]
