"""The contract of a dialog: it draws itself as lines and takes every key while it is on top."""

from abc import ABC, abstractmethod
from typing import ClassVar

from perftui.tui.layout import Box
from perftui.tui.widgets.frame import frame
from perftui.tui.widgets.text import Line, clip
from perftui.tui.widgets.text import width as width_of


class Dialog(ABC):
    """Something that lies over the panes until it is closed; `closed` ends it."""

    title: str = ""
    wanted: ClassVar[int] = 90
    """The width it would like, in cells."""
    tables: frozenset[str] = frozenset()
    """The topics of the tables that it shows."""

    def __init__(self) -> None:
        self.closed = False
        self.offset = 0
        self.at_end = False
        """Whether the last line of the body stands on the screen."""
        self._room = 1

    @abstractmethod
    def body(self, cells: int) -> list[Line]:
        """Return everything it says, in lines of at most `cells` cells."""

    def pinned(self, cells: int) -> list[Line]:
        """Return the lines that stay below the body, however far that is scrolled."""
        return []

    def foot(self) -> Line:
        """Return what its keys do."""
        return hints(("esc", "back"))

    def focus_line(self) -> int | None:
        """Return the index of the line that must be in view."""
        return None

    def focus_lines(self) -> tuple[int, int] | None:
        """Return the indexes of the first and the last line that must be in view; the first, where there is no room."""
        at = self.focus_line()
        return None if at is None else (at, at)

    def press(self, key: str, character: str | None) -> None:
        """Take a key. Esc closes it; arrows scroll what is too long."""
        if key == "escape":
            self.closed = True
        else:
            self.scroll({"j": "down", "k": "up"}.get(key, key))

    def scroll(self, key: str) -> None:
        """Move by a line or by what fits, if it is a key for that; a page leaves one line in sight."""
        page = max(1, self._room - 1)
        self.offset += {"down": 1, "pagedown": page, "up": -1, "pageup": -page}.get(key, 0)

    def paste(self, text: str) -> None:  # noqa: B027 - nothing is what most dialogs do with it
        """Take pasted text: nothing, unless it is asked for text."""

    def drawn(self) -> None:  # noqa: B027 - only a preview counts from here
        """Be told that it stands on the screen now."""

    def draw(self, width: int, height: int) -> tuple[Box, list[Line]]:
        """Return where it stands on a screen of this size, and its lines with the frame."""
        cells = min(self.wanted, width - (4 if width > 60 else 0))
        body, pinned = self.body(cells - 4), self.pinned(cells - 4)
        tall = min(len(body) + len(pinned) + 2, height - (4 if height > 20 else 0))
        room = self._room = max(1, tall - 2 - len(pinned))
        if (span := self.focus_lines()) is not None:
            self.offset = min(max(self.offset, span[1] - room + 1), span[0])
        self.offset = max(0, min(self.offset, len(body) - room))
        self.at_end = self.offset + room >= len(body)
        box = Box((width - cells) // 2, (height - tall) // 2, cells, tall)
        shown = [*body[self.offset : self.offset + room], *pinned]
        place = self._place(len(body))
        title = clip(self.title, cells - 9 - width_of(place))
        return box, frame(title, place, shown, cells, tall, focused=True, foot=self.foot())

    def _place(self, total: int) -> Line:
        """Return which lines of the body are in sight, where it is longer than that."""
        if total <= self._room:
            return []
        arrows = ("↑" if self.offset else " ") + (" " if self.at_end else "↓")
        return [(f"{self.offset + 1}-{min(total, self.offset + self._room)} of {total} ", "dim"), (arrows, "accent")]


def hints(*pairs: tuple[str, str]) -> Line:
    """Return keys and what they do, as the lower edge of a dialog shows them."""
    line: Line = []
    for key, what in pairs:
        line += [("   " if line else "", "text"), (key, "accent"), (f" {what}", "dim")]
    return line
