"""The one screen: its widgets stand where the pure layout says, dialogs above them."""

from collections.abc import Mapping

from textual.geometry import Offset, Region, Size, Spacing
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.screen import Screen
from textual.widget import Widget

from perftui.tui.layout import Box

DIALOG = "dialog"
_NO_MARGIN = Spacing()
_NO_OFFSET = Offset(0, 0)


class Arranged(Layout):
    """Textual's view of boxes that were computed elsewhere: a widget without a box is not shown."""

    name = "arranged"

    def __init__(self) -> None:
        self.boxes: Mapping[str, Box] = {}

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """Return a placement for each widget that has a box; the dialog lies above the others."""
        return [
            WidgetPlacement(Region(*box), _NO_OFFSET, _NO_MARGIN, child, int(child.id == DIALOG))
            for child in children
            if (box := self.boxes.get(child.id or "")) is not None
        ]


class ConsoleScreen(Screen[None], inherit_bindings=False):
    """Holds the header, the tabs, the panes, the key bar and the dialog."""

    DEFAULT_CSS = "ConsoleScreen { overflow: hidden; background: transparent; }"

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._arranged = Arranged()

    @property
    def layout(self) -> Layout:
        """The layout of the widgets."""
        return self._arranged

    def place(self, boxes: Mapping[str, Box]) -> None:
        """Put the widgets where `boxes` says."""
        self._arranged.boxes = boxes
        self.refresh(layout=True)
