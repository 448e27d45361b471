"""The widget under the panes: it keeps the lines it shows and repaints only the cells that changed."""

from collections.abc import Iterable, Iterator

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from perftui.tui.palette import Palette
from perftui.tui.widgets.paint import part
from perftui.tui.widgets.text import Line, plain, width

Piece = tuple[int, int, Iterable[Segment]]
"""Cells in a row that changed: their line, their first column, and what they show."""
MOVE, RESTYLE = 9, 11
"""Bytes that a new run costs (move the cursor, set a style), and that another style within a run costs."""
LONG = 32
"""Cells of a stretch that is drawn whole when it has several spans."""


class LinesWidget(Widget, inherit_bindings=False):
    """Shows lines of exactly its own width, in the colours of its palette."""

    DEFAULT_CSS = "LinesWidget { width: 100%; height: 100%; }"

    def __init__(self, palette: Palette, *, id: str) -> None:
        super().__init__(id=id)
        self._palette = palette
        self.lines: list[Line] = []
        """What is shown."""

    def show(self, lines: list[Line], palette: Palette) -> list[Piece]:
        """Show these lines; return the pieces that differ from the last ones."""
        old, self.lines = self.lines, lines
        if palette is not self._palette or len(lines) != len(old):
            self._palette = palette
            return [(y, 0, palette.segments(line)) for y, line in enumerate(lines)]
        return [
            (y, start, palette.segments(part(line, start, end)))
            for y, (before, line) in enumerate(zip(old, lines, strict=True))
            if before != line
            for start, end in changed(before, line)
        ]

    def render_lines(self, crop: Region) -> list[Strip]:
        """Return the strips of a region, when Textual draws all of it; no style of Textual's lies over them."""
        width, style = self.size.width, self._palette.style("text")
        strips = (self._palette.strip(line) for line in self.lines[crop.y : crop.bottom])
        found = [strip.adjust_cell_length(width, style).crop(crop.x, crop.right) for strip in strips]
        return found + [Strip.blank(crop.width, style)] * (crop.height - len(found))


def changed(old: Line, new: Line) -> Iterator[tuple[int, int]]:
    """Yield the runs of cells (start, end) in which two lines of one width differ."""
    start = end = -1
    style = ""
    for left, right, role in _differences(old, new):
        if start >= 0 and left - end + (RESTYLE if role != style else 0) >= MOVE:
            yield start, end
            start = left
        elif start < 0:
            start = left
        end, style = right, role
    if start >= 0:
        yield start, end


def _differences(old: Line, new: Line) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, role) of what differs between the places where spans of both lines end together."""
    x = i = j = 0
    while i < len(old) and j < len(new):
        if old[i] == new[j]:
            x += cell_len(new[j][0])
            i, j = i + 1, j + 1
            continue
        first_i, first_j = i, j
        old_end, new_end = x + cell_len(old[i][0]), x + cell_len(new[j][0])
        i, j = i + 1, j + 1
        while old_end != new_end and (i < len(old) if old_end < new_end else j < len(new)):
            if old_end < new_end:
                old_end, i = old_end + cell_len(old[i][0]), i + 1
            else:
                new_end, j = new_end + cell_len(new[j][0]), j + 1
        yield from _trimmed(old[first_i:i], new[first_j:j], x)
        x = new_end
    if i < len(old) or j < len(new):
        yield from _trimmed(old[i:], new[j:], x)


def _trimmed(old: Line, new: Line, x: int) -> Iterator[tuple[int, int, str]]:
    """Yield what differs without the cells that are the same at both ends; `x` is where the spans begin.

    A long stretch of several spans is another thing altogether (a dialog, another pane), not worth a look at each cell.
    """
    combines = _combines(old) or _combines(new)
    if combines or (len(new) > 1 and width(new) > LONG):
        yield max(0, x - combines), x + width(new), (new or old)[0][1]
        return
    before, after = cells(old), cells(new)
    first, last = 0, len(after)
    if len(before) == last:
        while first < last and before[first] == after[first]:
            first += 1
        while last > first and before[last - 1] == after[last - 1]:
            last -= 1
    if first < last:
        yield x + first, x + last, new[0][1]


def _combines(line: Line) -> bool:
    """Return whether the line begins with a mark that belongs to the character before it."""
    first = plain(line)[:1]
    return not first.isascii() and cell_len(first) == 0


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
                out += [(character, role), ("", role)][:size]
    return out
