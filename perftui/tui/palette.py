"""Turns lines of our own into Textual's strips, in the colours of a theme."""

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from perftui.core.text import clean
from perftui.tui.theme import Theme
from perftui.tui.widgets.glyphs import to_ascii
from perftui.tui.widgets.text import Line


class Palette:
    """The styles of a theme, combined once and kept; `ascii` draws nothing beyond ASCII."""

    def __init__(self, theme: Theme, *, ascii: bool = False) -> None:
        self.theme = theme
        self.ascii = ascii
        self._styles: dict[str, Style] = {}

    def style(self, role: str) -> Style:
        """Return the style of a role, or of several laid over each other with `+`."""
        known = self._styles.get(role)
        if known is None:
            parts = [self.theme.roles["background"], *(self.theme.roles[part] for part in role.split("+"))]
            known = self._styles[role] = Style.combine(parts)
        return known

    def strip(self, line: Line) -> Strip:
        """Return a line as Textual takes it."""
        return Strip(self.segments(line))

    def segments(self, line: Line) -> list[Segment]:
        """Return a line as one Segment for each run of one style."""
        segments: list[Segment] = []
        text, style = "", None
        for part, role in line:
            own = self.style(role)
            if own is style:
                text += self.safe(part)
                continue
            if text:
                segments.append(Segment(text, style))
            text, style = self.safe(part), own
        if text:
            segments.append(Segment(text, style))
        return segments

    def safe(self, text: str) -> str:
        """Return text that the terminal takes for text, whatever came through."""
        if not text.isprintable():
            text = clean(text, limit=len(text) + 1)
        return to_ascii(text) if self.ascii else text
