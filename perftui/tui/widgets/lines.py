"""The widget under the panes: it keeps the lines it shows and repaints only the cells that changed."""

from collections.abc import Iterator

from rich.cells import cell_len
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from perftui.tui.palette import Palette
from perftui.tui.widgets.text import Line

MOVE, RESTYLE = 9, 11
"""Bytes that a new run costs (move the cursor, set a style), and that another style within a run costs."""


class LinesWidget(Widget, inherit_bindings=False):
    """Shows lines of exactly its own width, in the colours of its palette."""

    DEFAULT_CSS = "LinesWidget { width: 100%; height: 100%; }"

    def __init__(self, palette: Palette, *, id: str) -> None:
        super().__init__(id=id)
        self._palette = palette
        self._lines: list[Line] = []
        self._strips: list[Strip] = []

    def show(self, lines: list[Line], palette: Palette) -> None:
        """Show these lines; only what differs from the last ones is drawn."""
        if palette is not self._palette or len(lines) != len(self._lines):
            self._palette = palette
            self._lines = lines
            self._strips = [palette.strip(line) for line in lines]
            self.refresh()
            return
        regions = []
        for y, (old, new) in enumerate(zip(self._lines, lines, strict=True)):
            if old != new:
                self._strips[y] = self._palette.strip(new)
                regions += [Region(start, y, end - start, 1) for start, end in changed(old, new)]
        self._lines = lines
        if regions:
            self.refresh(*regions)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of a region; no style of Textual's lies over them."""
        width, style = self.size.width, self._palette.style("text")
        strips = (self._strips[y] if y < len(self._strips) else Strip.blank(width, style) for y in crop.line_range)
        return [strip.adjust_cell_length(width, style).crop(crop.x, crop.right) for strip in strips]


def cells(line: Line) -> list[tuple[str, str]]:
    """Return the line cell by cell; the second cell of a wide character is empty."""
    out: list[tuple[str, str]] = []
    for text, role in line:
        if text.isascii():
            out += [(character, role) for character in text]
            continue
        for character in text:
            size = cell_len(character)
            if size == 0 and out:
                out[-1] = (out[-1][0] + character, role)
            else:
                out += [(character, role), ("", role)][: max(1, size)]
    return out


def changed(old: Line, new: Line) -> Iterator[tuple[int, int]]:
    """Yield the runs of cells (start, end) in which two lines of one width differ."""
    before, after = cells(old), cells(new)
    if len(before) != len(after):
        yield 0, max(len(before), len(after))
        return
    start = end = -1
    for at, (was, now) in enumerate(zip(before, after, strict=True)):
        if was == now:
            continue
        if start >= 0 and _is_far(after, end, at):
            yield start, end
            start = at
        elif start < 0:
            start = at
        end = at + 1
    if start >= 0:
        yield start, end


def _is_far(line: list[tuple[str, str]], end: int, at: int) -> bool:
    """Return whether jumping from `end` to `at` costs fewer bytes than repainting what lies between."""
    if at - end >= MOVE:
        return True
    restyles = sum(line[index - 1][1] != line[index][1] for index in range(end, at + 1))
    return at - end + RESTYLE * restyles >= MOVE
