"""A few words that must not be cut off, and what can be done about them."""

from collections.abc import Callable, Sequence

from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.widgets.text import Line, wrapped


class Notice(Dialog):
    """Says something; `go_on` is called when Enter is pressed, where there is anything to go on with."""

    wanted = 84

    def __init__(
        self, title: str, words: Sequence[tuple[str, str]], verb: str = "", go_on: Callable[[], None] | None = None
    ) -> None:
        """`words` are paragraphs, each with its role."""
        super().__init__()
        self.title = title
        self._words = words
        self._verb = verb
        self._go_on = go_on

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        return [[(part, role)] for text, role in self._words for part in wrapped(text, cells)]

    def foot(self) -> Line:
        """Return what its keys do."""
        return hints(*([("enter", self._verb)] if self._go_on is not None else []), ("esc", "back"))

    def press(self, key: str, character: str | None) -> None:
        """Go on with Enter, or back."""
        if key != "enter":
            super().press(key, character)
            return
        self.closed = True
        if self._go_on is not None:
            self._go_on()
