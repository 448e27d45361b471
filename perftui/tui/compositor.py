"""What goes to the terminal: the changed cells alone, and a new style only where the style changes.

Textual's own partial update repaints from the left edge of a widget to the change, and resets and restates the
whole style for every segment: seven times the bytes for the same picture.
"""

from functools import lru_cache

from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style
from textual._compositor import ChopsUpdate, Compositor, LayoutUpdate

RESET = "\x1b[0m"
_SYSTEMS = {"256": ColorSystem.EIGHT_BIT, "truecolor": ColorSystem.TRUECOLOR}


class CellUpdate(ChopsUpdate):
    """Writes exactly the cells of its spans."""

    def render_segments(self, console: Console) -> str:
        """Return the bytes for the terminal."""
        out: list[str] = []
        style: Style | None = None
        colours = _SYSTEMS.get(console.color_system or "", ColorSystem.STANDARD)
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                if strip is None or x >= right or end <= left:
                    continue
                start = max(x, left)
                out.append(f"\x1b[{y + 1};{start + 1}H")
                for segment in strip.crop(start - x, min(end, right) - x):
                    out.append(restyle(style, segment.style, colours))
                    out.append(segment.text)
                    style = segment.style
        return "".join([*out, RESET])


class CellCompositor(Compositor):
    """Textual's compositor with updates of that kind."""

    def render_full_update(self, simplify: bool = False) -> LayoutUpdate:
        """Return everything; `simplify` is asked for by pictures, which are no business of the terminal."""
        if simplify:
            return super().render_full_update(simplify=True)
        self._dirty_regions.clear()
        width, height = self.size
        chops = self._render_chops(self.size.region, lambda y: True)
        ends = [cut[1:] for cut in self.cuts]
        return CellUpdate(chops, [(y, 0, width) for y in range(height)], ends)  # type: ignore[return-value]

    def render_partial_update(self) -> ChopsUpdate | None:
        """Return what changed, or None."""
        update = super().render_partial_update()
        return None if update is None else CellUpdate(update.chops, update.spans, update.chop_ends)


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
