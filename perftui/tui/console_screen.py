"""The one screen of Textual's, which everything is drawn on."""

from textual.screen import Screen

from perftui.tui.compositor import CellCompositor, CellUpdate
from perftui.tui.widgets.lines import LinesWidget, Piece


class ConsoleScreen(Screen[None], inherit_bindings=False):
    """The one screen: Textual's own keys do nothing on it."""

    DEFAULT_CSS = "ConsoleScreen { overflow: hidden; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._compositor = CellCompositor()

    def write(self, widget: LinesWidget, pieces: list[Piece]) -> None:
        """Write what changed of the widget that fills the screen: Textual would take 16 ms for its timer and layers."""
        if widget in self._compositor.visible_widgets and not self.app._batch_count:
            self.app._display(self, CellUpdate(pieces))
        else:
            widget.refresh()
