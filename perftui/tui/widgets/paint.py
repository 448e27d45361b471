"""Boxes of lines painted side by side and over each other onto one screen of lines."""

from collections.abc import Iterable
from typing import Protocol

from rich.cells import cell_len, split_text

from perftui.tui.widgets.text import Line, Span, fit, width


class Place(Protocol):
    """Where a box stands: its left column and first line."""

    @property
    def x(self) -> int:
        """The column of its left edge."""

    @property
    def y(self) -> int:
        """The line of its upper edge."""

    @property
    def width(self) -> int:
        """How many cells each of its lines takes."""


def paint(parts: Iterable[tuple[Place, list[Line]]], cells: int, height: int) -> list[Line]:
    """Return exactly `height` lines of `cells` cells; a later part covers an earlier one."""
    screen: list[list[tuple[Place, Line]]] = [[] for _ in range(height)]
    for place, lines in parts:
        for y, line in enumerate(lines, start=place.y):
            if 0 <= y < height:
                screen[y].append((place, line))
    return [_flatten(pieces, cells) for pieces in screen]


def _flatten(pieces: list[tuple[Place, Line]], cells: int) -> Line:
    line: Line = []
    reached = 0
    for place, piece in pieces:
        if place.x == reached:
            line = line + piece if line else piece
            reached += place.width
        else:
            line = covered(fit(line, cells), place.x, piece)
            reached = cells
    return line if reached == cells else fit(line, cells)


def covered(line: Line, x: int, piece: Line) -> Line:
    """Return the line with `piece` over its cells from `x` on."""
    before, rest = cut(line, x)
    return [*before, *piece, *cut(rest, width(piece))[1]]


def part(line: Line, start: int, end: int) -> Line:
    """Return the cells of a line from `start` to before `end`."""
    out: Line = []
    x = 0
    for text, role in line:
        size = len(text) if text.isascii() else cell_len(text)
        if start <= x and x + size <= end:
            out.append((text, role))
        elif x < end and x + size > start:
            rest = cut([(text, role)], max(0, start - x))[1]
            out += cut(rest, end - max(x, start))[0]
        x += size
        if x >= end:
            break
    return out


def cut(line: Line, cells: int) -> tuple[Line, Line]:
    """Return the first `cells` cells of a line, and the rest; a wide character on the edge becomes blanks."""
    before: Line = []
    left = cells
    for index, (text, role) in enumerate(line):
        size = cell_len(text)
        if size <= left:
            before.append((text, role))
            left -= size
            continue
        first, second = _halves(text, left)
        after: list[Span] = [(second, role), *line[index + 1 :]]
        return ([*before, (first, role)] if first else before), after
    return before, []


def _halves(text: str, cells: int) -> tuple[str, str]:
    if text.isascii():
        return text[:cells], text[cells:]
    return split_text(text, cells)
