"""The frame of a pane, drawn as text: title at the left, note at the right, focus visible."""

from collections.abc import Sequence

from perftui.tui.widgets.text import Line, clip, crop, fit, width


def frame(
    title: str, note: Line, lines: Sequence[Line], cells: int, height: int, *, focused: bool, foot: Line
) -> list[Line]:
    """Return exactly `height` lines of exactly `cells` cells: `foot` lies on the lower edge."""
    edge = "focus" if focused else "frame"
    inner = cells - 4
    body = [fit(line, inner) for line in lines[: height - 2]]
    body += [[(" " * inner, "text")]] * (height - 2 - len(body))
    return [
        _top(title, note, cells, edge, focused),
        *([("│ ", edge), *line, (" │", edge)] for line in body),
        _bottom(foot, cells, edge),
    ]


def _top(title: str, note: Line, cells: int, edge: str, focused: bool) -> Line:
    name = clip(title, cells - 6)
    start: Line = [("┌─ ", edge), (name, "title+focus" if focused else "title"), (" ", edge)]
    note = crop(note, cells - width(start) - 5)
    end: Line = [(" ", edge), *note, (" ─┐", edge)] if note else [("─┐", edge)]
    return [*start, ("─" * (cells - width(start) - width(end)), edge), *end]


def _bottom(foot: Line, cells: int, edge: str) -> Line:
    foot = crop(foot, cells - 6)
    start: Line = [("└─ ", edge), *foot, (" ", edge)] if foot else [("└", edge)]
    return [*start, ("─" * (cells - width(start) - 1), edge), ("┘", edge)]
