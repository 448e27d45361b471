"""Columns of fixed width: names at the left, numbers at the right, nothing ever out of line."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from perftui.tui.widgets.text import Line, fit

GAP = 2
COUNT, RATIO, DURATION, BYTES, BYTES_RATE, BYTES_OF = 5, 6, 7, 8, 10, 14
"""Cells of the widest figure: `12.4k`, `99.9 %`, `0.17 ms` or `999d23h`, `99.9 MiB`, `99.9 MiB/s`, `0.098/1.95 GiB`."""


class Column(NamedTuple):
    """One column: its title, its cells, and how soon it is left out where the width is short (0 stays)."""

    title: str
    cells: int
    align: Literal["left", "right"] = "right"
    rank: int = 0
    grow: int = 0
    """Cells that it may take beyond `cells` where there is room."""


def choose(columns: Sequence[Column], cells: int) -> list[tuple[int, int]]:
    """Return (index, cells) of the columns that fit: the highest ranks go first, then the first ones grow."""
    kept = list(range(len(columns)))
    while _total([columns[index].cells for index in kept]) > cells and any(columns[index].rank for index in kept):
        kept.remove(max(kept, key=lambda index: (columns[index].rank, index)))
    room = max(0, cells - _total([columns[index].cells for index in kept]))
    chosen = []
    for index in kept:
        extra = min(room, columns[index].grow)
        room -= extra
        chosen.append((index, columns[index].cells + extra))
    return chosen


def _total(widths: list[int]) -> int:
    return sum(widths) + GAP * max(0, len(widths) - 1)


def head(columns: Sequence[Column], chosen: Sequence[tuple[int, int]]) -> Line:
    """Return the line of titles."""
    return row([[(column.title, "dim")] for column in columns], columns, chosen)


def row(cells: Sequence[Line], columns: Sequence[Column], chosen: Sequence[tuple[int, int]]) -> Line:
    """Return one line: a cell a column, each fitted to its column's width."""
    line: Line = []
    for index, room in chosen:
        if line:
            line.append((" " * GAP, "text"))
        line += fit(cells[index], room, columns[index].align)
    return line
