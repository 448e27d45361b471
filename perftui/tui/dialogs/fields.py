"""Labels and values under each other: the values start in one column and wrap within it, nothing is cut off."""

from collections.abc import Sequence
from itertools import zip_longest

from perftui.core.action import Line as PlanLine
from perftui.tui.widgets.text import Line, left, width, wrapped

WIDEST_LABEL = 34
"""Cells of the label column, at most."""
_GAP = 2
"""Cells between a label and its value, at least."""
_NARROW = 50
"""Below this many cells the label column takes no more than a third."""

Field = tuple[str, Line]


def field(label: str, text: str, role: str = "text") -> Field:
    """Return a label with one text."""
    return label, [(text, role)]


def change(line: PlanLine) -> Field:
    """Return what changes, as before → after."""
    if not line.after:
        return field(line.label, line.before)
    before: Line = [(line.before, "text"), (" → ", "dim")] if line.before else []
    return line.label, [*before, (line.after, "title")]


def columns(fields: Sequence[Field], cells: int) -> list[Line]:
    """Return the fields as lines of at most `cells` cells."""
    longest = max((len(label) for label, _ in fields), default=0) + _GAP
    labels = min(longest, WIDEST_LABEL, cells // 3 if cells < _NARROW else cells)
    lines: list[Line] = []
    for label, value in fields:
        named, parts = wrapped(label, labels - _GAP), _wrapped(value, cells - labels)
        for name, part in zip_longest(named, parts):
            lines.append([(left(name or "", labels), "dim"), *(part or [])])
    return lines


def _wrapped(value: Line, cells: int) -> list[Line]:
    """Return a value on one line where it fits, else each of its spans wrapped by itself."""
    if width(value) <= cells:
        return [value]
    lines: list[Line] = []
    for text, role in value:
        if text.strip() == "→":
            continue
        mark = "→ " if lines else ""
        parts = wrapped(text, cells - len(mark))
        lines += [[((mark if at == 0 else " " * len(mark)) + part, role)] for at, part in enumerate(parts)]
    return lines
