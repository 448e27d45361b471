"""The panes as plain text, for pipes and screen readers: the same facts, no frame, no colour, no Textual."""

from perftui.client.state import State
from perftui.tui.layout import Box
from perftui.tui.panes import compose, header
from perftui.tui.panes.state_words import trouble
from perftui.tui.view import View
from perftui.tui.widgets.text import plain

_PANES = ("alerts", "system", "queues", "caches", "databases", "endpoints")
_TALL = 1000


def render_plain(state: State, width: int) -> str:
    """Return every pane below the other, the alerts first, in lines of at most `width` characters."""
    blocks = [_heading(state, width)]
    for pane in _PANES:
        found = compose.content(pane, state, View(screen="alerts", unfolded=None), Box(0, 0, width + 4, _TALL))
        if not found.rows and pane not in ("alerts", "system"):
            continue
        note = plain(found.note)
        lines = [found.title + (f" ({note})" if note else "")]
        lines += [plain(line) for line in found.head]
        lines += [plain(line) for row in found.rows for line in row.lines]
        lines += [] if found.rows else [found.empty]
        lines += [plain(found.foot)] if found.foot else []
        blocks.append("\n".join(line.rstrip() for line in lines))
    return "\n\n".join(blocks) + "\n"


def _heading(state: State, width: int) -> str:
    """Return the header and a line for each source that is not as it should be."""
    troubles = {name: trouble(state, state.sources[name]) for name in sorted(state.sources)}
    lines = [f"{name}: {words}" for name, words in troubles.items() if words]
    return "\n".join([plain(header.draw(state, width)).rstrip(), *lines])
