"""Lines as plain data: a span is text with the role of its colour, a line is a list of spans.

Roles are names of a theme (`text`, `dim`, `warning`); `a+b` lays one over the other (`warning+selected`).
"""

import textwrap
from collections.abc import Iterable

from rich.cells import cell_len, chop_cells, set_cell_size

from perftui.core.text import clean

Span = tuple[str, str]
Line = list[Span]

ELLIPSIS = "…"


def width(line: Iterable[Span]) -> int:
    """Return the cells that a line takes."""
    return sum([len(text) if text.isascii() else cell_len(text) for text, _ in line])


def plain(line: Iterable[Span]) -> str:
    """Return the text of a line without its roles."""
    return "".join(text for text, _ in line)


def clip(text: str, cells: int) -> str:
    """Return `text` in at most `cells` cells, ending in `…` where something was cut."""
    text = text if text.isprintable() else clean(text)
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + ELLIPSIS if cells > 0 else ""


def clip_words(text: str, cells: int) -> str:
    """Return `text` in at most `cells` cells, cut between words: a figure among them stays whole or goes."""
    cut = clip(text, cells)
    if cut == text:
        return cut
    kept = cut.removesuffix(ELLIPSIS)
    if text[len(kept) : len(kept) + 1].strip():
        kept = kept.rpartition(" ")[0] or kept
    return kept.rstrip(" ,:") + ELLIPSIS


def wrapped(text: str, cells: int) -> list[str]:
    """Return `text` in lines of at most `cells` cells (10 at least), broken between words, or within one too long."""
    cells = max(10, cells)
    if text.isascii():
        return textwrap.wrap(text, cells, break_on_hyphens=False)
    lines: list[str] = []
    for word in text.split():
        for part in chop_cells(word, cells):
            if lines and cell_len(lines[-1]) + 1 + cell_len(part) <= cells:
                lines[-1] += f" {part}"
            else:
                lines.append(part)
    return lines


def left(text: str, cells: int) -> str:
    """Return `text` in exactly `cells` cells, at the left."""
    text = clip(text, cells)
    return text + " " * (cells - cell_len(text))


def right(text: str, cells: int) -> str:
    """Return `text` in exactly `cells` cells, at the right."""
    text = clip(text, cells)
    return " " * (cells - cell_len(text)) + text


def crop(line: Iterable[Span], cells: int) -> Line:
    """Return at most the first `cells` cells of a line, with `…` as the last where something was cut."""
    line = [(text if text.isprintable() else clean(text), role) for text, role in line]
    if width(line) <= cells:
        return line
    out: Line = []
    room = cells
    for text, role in line:
        size = cell_len(text)
        if size >= room:
            out.append((clip(text if size > room else text + ELLIPSIS, room), role))
            break
        out.append((text, role))
        room -= size
    return out


def fit(line: Iterable[Span], cells: int, align: str = "left") -> Line:
    """Return a line of exactly `cells` cells: cropped, or padded on the other side of `align`.

    Every line of a pane comes through here: what is not printable is made visible before it is measured.
    """
    line = [(text if text.isprintable() else clean(text), role) for text, role in line]
    space = cells - width(line)
    if space < 0:
        line = crop(line, cells)
        space = cells - width(line)
    if not space:
        return line
    return [*line, (" " * space, "text")] if align == "left" else [(" " * space, "text"), *line]


def between(start: Line, end: Line, cells: int) -> Line:
    """Return `start` at the left and `end` at the right of exactly `cells` cells; `start` gives way."""
    end = crop(end, cells)
    return [*fit(start, cells - width(end)), *end]


def over(line: Iterable[Span], role: str) -> Line:
    """Return the line with `role` laid over each span: a selection, or a stale row."""
    return [(text, f"{own}+{role}") for text, own in line]


def dimmed(line: Iterable[Span]) -> Line:
    """Return the line with nothing but the role of what explains."""
    return [(text, "dim") for text, _ in line]


def joined_within(parts: Iterable[Line], cells: int, gap: str = "  ") -> Line:
    """Return as many of the parts as fit whole into `cells` cells, `gap` between each two."""
    out: Line = []
    for part in parts:
        longer = join([out, part], gap)
        if width(longer) > cells:
            break
        out = longer
    return out


def join(parts: Iterable[Line], gap: str = "  ") -> Line:
    """Return the parts that have something in them, `gap` between each two."""
    out: Line = []
    for part in parts:
        if part:
            out += [(gap, "text"), *part] if out else part
    return out
