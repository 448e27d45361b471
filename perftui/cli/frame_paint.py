"""Lines of the early frame: spans, boxes and bars, painted with the 16 colours that every terminal has.

Standard library only, as all of the early frame: what the console's own widgets do here needs Textual's libraries.
"""

import os

from perftui.core.text import clean

Span = tuple[str, str]
Line = list[Span]
"""Spans of text and role; the roles are the keys of `_COLOURS`."""

_COLOURS = {"text": "", "dim": "2", "title": "1", "ok": "32", "warning": "33", "critical": "1;31", "accent": "36"}
_ATTRIBUTES = {"text": "", "dim": "2", "title": "1", "ok": "", "warning": "1", "critical": "1;7", "accent": "1"}
_GAP = 6
"""Blank cells from which a move of the cursor is shorter."""
_EIGHTHS = " ▏▎▍▌▋▊▉"
_ASCII = str.maketrans("◌●▲✖│┌┐└┘─█▉▊▋▌▍▎▏…–↑↓·", "~o!X|++++-#####---~-^v.")


def cells(text: str) -> int:
    """Return the columns that `text` takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def fit(line: Line, columns: int) -> Line:
    """Return `line` in exactly `columns` columns: cut, or padded at the right."""
    fitted: Line = []
    left = columns
    for text, role in line:
        while cells(text) > left:
            text = text[:-1]
        fitted.append((text, role))
        left -= cells(text)
    return [*fitted, (" " * left, "text")]


def bar(share: float | None, columns: int, role: str) -> Line:
    """Return `share` (0..1, None is an empty bar) as a bar in eighths of a column."""
    eighths = round(min(1.0, max(0.0, share or 0.0)) * columns * 8)
    full, part = divmod(eighths, 8)
    filled = "█" * full + (_EIGHTHS[part] if part else "")
    return [(filled, role), ("─" * (columns - len(filled)), "dim")]


def box(title: str, note: str, rows: list[Line], columns: int, height: int) -> list[Line]:
    """Return a pane of exactly this size around `rows`; what does not fit is left out."""
    inner = columns - 4
    tail = f" {note} ─┐" if note else "─┐"
    line = "─" * max(0, columns - cells(title) - cells(tail) - 4)
    top: Line = [("┌─ ", "dim"), (title, "title"), (f" {line}{tail}", "dim")]
    body = (rows + [[] for _ in range(height)])[: height - 2]
    bottom: Line = [("└" + "─" * (columns - 2) + "┘", "dim")]
    return [top, *([("│ ", "dim"), *fit(row, inner), (" │", "dim")] for row in body), bottom]


class Painter:
    """Turns lines into bytes for one terminal: its encoding, its wish for colour, ASCII alone or more."""

    def __init__(self, encoding: str, *, ascii_only: bool = False) -> None:
        self._codes = _ATTRIBUTES if os.environ.get("NO_COLOR") else _COLOURS
        self._ascii = ascii_only or os.environ.get("TERM") == "linux" or "utf" not in encoding.lower()

    def paint(self, line: Line) -> bytes:
        """Return `line` as it goes to a blank line of the terminal, every character of it harmless.

        In few bytes: a pseudo-terminal takes 4 KB at once, and on a busy host the rest of a frame comes 10 ms later.
        """
        parts = []
        last = ""
        for text, role in line:
            if role == "text" and len(text) > _GAP and text.isspace():
                parts.append(f"\x1b[{len(text)}C")
                continue
            code = self._codes[role]
            if code != last and text:
                parts.append(f"\x1b[{'0;' if last else ''}{code}m" if code else "\x1b[m")
                last = code
            parts.append(text if text.isprintable() else clean(text))
        painted = "".join([*parts, "\x1b[m" if last else ""])
        if self._ascii:
            return painted.translate(_ASCII).encode("ascii", "replace")
        return painted.encode("utf-8", "replace")
