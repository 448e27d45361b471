"""What goes to the terminal: the changed cells alone, and a new style only where the style changes.

Textual's own partial update repaints from the left edge of a widget to the change, and resets and restates the
whole style for every segment: seven times the bytes for the same picture.
"""

from collections.abc import Iterable
from functools import lru_cache

from rich.color import ColorSystem
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style
from textual._compositor import Compositor, CompositorUpdate, LayoutUpdate

from perftui.tui.widgets.lines import Piece

RESET = "\x1b[0m"
_SYSTEMS = {"256": ColorSystem.EIGHT_BIT, "truecolor": ColorSystem.TRUECOLOR}


class CellUpdate(CompositorUpdate):
    """Writes exactly these pieces."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._pieces = pieces

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the pieces for a picture of the screen: one on each line."""
        for index, (_, _, segments) in enumerate(self._pieces):
            if index:
                yield Segment.line()
            yield from segments

    def render_segments(self, console: Console) -> str:
        """Return the bytes for the terminal."""
        out: list[str] = []
        style: Style | None = None
        colours = _SYSTEMS.get(console.color_system or "", ColorSystem.STANDARD)
        for y, x, segments in self._pieces:
            out.append(f"\x1b[{y + 1};{x + 1}H")
            for text, own, _ in segments:
                if own is not style:
                    out.append(restyle(style, own, colours))
                    style = own
                out.append(text)
        return "".join([*out, RESET])


class CellCompositor(Compositor):
    """Textual's compositor for a screen of one widget, with updates of that kind."""

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """Return everything; `simplify` is asked for by pictures, which are no business of the terminal."""
        if simplify:
            return super().render_full_update(simplify=True)
        self._dirty_regions.clear()
        chops = self._render_chops(self.size.region, lambda y: True)
        pieces = [(y, x, strip) for y, line in enumerate(chops) for x, strip in line.items() if strip is not None]
        return CellUpdate(pieces)  # type: ignore[return-value]

    def render_partial_update(self) -> LayoutUpdate | None:  # type: ignore[override]
        """Return everything when something changed: what changes by our own drawing does not come through here."""
        return self.render_full_update() if self._dirty_regions else None


@lru_cache(maxsize=1024)
def restyle(old: Style | None, new: Style | None, colours: ColorSystem) -> str:
    """Return the shortest sequence that changes the style of what follows from `old` to `new`."""
    if old == new:
        return ""
    if old is None or new is None or attributes(old) != attributes(new):
        return RESET + (codes(new, colours) if new else "")
    changed = Style(
        color=None if old.color == new.color else new.color,
        bgcolor=None if old.bgcolor == new.bgcolor else new.bgcolor,
    )
    lost = (old.color and not new.color) or (old.bgcolor and not new.bgcolor)
    return RESET + codes(new, colours) if lost else codes(changed, colours)


def attributes(style: Style) -> tuple[bool | None, ...]:
    """Return everything about a style that is not a colour."""
    return (style.bold, style.dim, style.italic, style.underline, style.reverse, style.strike)


def codes(style: Style, colours: ColorSystem) -> str:
    """Return the sequence that sets a style."""
    return style.render("x", color_system=colours).partition("x")[0]
