"""The contract of a dialog: it draws itself as lines and takes every key while it is on top."""

from abc import ABC, abstractmethod
from typing import ClassVar

from perftui.tui.layout import Box
from perftui.tui.widgets.frame import frame
from perftui.tui.widgets.text import Line


class Dialog(ABC):
    """Something that lies over the panes until it is closed; `closed` ends it."""

    title: str = ""
    wanted: ClassVar[int] = 90
    """The width it would like, in cells."""

    def __init__(self) -> None:
        self.closed = False
        self.offset = 0

    @abstractmethod
    def body(self, cells: int) -> list[Line]:
        """Return everything it says, in lines of at most `cells` cells."""

    def foot(self) -> Line:
        """Return what its keys do."""
        return hints(("esc", "back"))

    def focus_line(self) -> int | None:
        """Return the index of the line that must be in view."""
        return None

    def press(self, key: str, character: str | None) -> None:
        """Take a key. Esc closes it; arrows scroll what is too long."""
        if key == "escape":
            self.closed = True
        elif key in ("down", "j", "pagedown"):
            self.offset += 10 if key == "pagedown" else 1
        elif key in ("up", "k", "pageup"):
            self.offset -= 10 if key == "pageup" else 1

    def paste(self, text: str) -> None:  # noqa: B027 - nothing is what most dialogs do with it
        """Take pasted text: nothing, unless it is asked for text."""

    def drawn(self) -> None:  # noqa: B027 - only a preview counts from here
        """Be told that it stands on the screen now."""

    def draw(self, width: int, height: int) -> tuple[Box, list[Line]]:
        """Return where it stands on a screen of this size, and its lines with the frame."""
        cells = min(self.wanted, width - (4 if width > 60 else 0))
        body = self.body(cells - 4)
        tall = min(len(body) + 2, height - (4 if height > 20 else 0))
        room = tall - 2
        at = self.focus_line()
        if at is not None:
            self.offset = min(max(self.offset, at - room + 1), at)
        self.offset = max(0, min(self.offset, len(body) - room))
        box = Box((width - cells) // 2, (height - tall) // 2, cells, tall)
        shown = body[self.offset : self.offset + room]
        return box, frame(self.title, [], shown, cells, tall, focused=True, foot=self.foot())


def hints(*pairs: tuple[str, str]) -> Line:
    """Return keys and what they do, as the lower edge of a dialog shows them."""
    line: Line = []
    for key, what in pairs:
        line += [("   " if line else "", "text"), (key, "accent"), (f" {what}", "dim")]
    return line
