"""A bar in eighths of a cell, with the marks of the levels on the part that is still free."""

from perftui.tui.widgets.text import Line

_EIGHTHS = " ▏▎▍▌▋▊▉"
FULL, EMPTY, MARK = "█", "─", "┊"


def bar(share: float | None, cells: int, role: str, marks: dict[str, float] | None = None) -> Line:
    """Return `share` (0..1; None is an empty bar) in `cells` cells; `marks` maps a role to where its level is."""
    if cells <= 0:
        return []
    eighths = 0 if share is None else round(min(1.0, max(0.0, share)) * cells * 8)
    whole, part = divmod(eighths, 8)
    used = whole + (1 if part else 0)
    free: Line = [(EMPTY, "faint")] * (cells - used)
    for mark, level in (marks or {}).items():
        at = min(cells - 1, int(level * cells)) - used
        if at >= 0:
            free[at] = (MARK, mark)
    filled = FULL * whole + (_EIGHTHS[part] if part else "")
    return ([(filled, role)] if filled else []) + merge(free)


def merge(line: Line) -> Line:
    """Return the line with neighbours of one role made one span."""
    out: Line = []
    for text, role in line:
        if out and out[-1][1] == role:
            out[-1] = (out[-1][0] + text, role)
        else:
            out.append((text, role))
    return out
