"""A question that one key answers, and everything else takes back."""

from collections.abc import Callable

from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.widgets.text import Line


class Question(Dialog):
    """Asks; `yes` is called when `key` is pressed."""

    wanted = 72

    def __init__(self, title: str, words: list[Line], key: str, verb: str, yes: Callable[[], None]) -> None:
        super().__init__()
        self.title = title
        self._words = words
        self._key = key
        self._verb = verb
        self._yes = yes

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        return self._words

    def foot(self) -> Line:
        """Return what its keys do."""
        return hints((self._key, self._verb), ("esc", "back"))

    def press(self, key: str, character: str | None) -> None:
        """Say yes, or go back."""
        self.closed = True
        if key == self._key:
            self._yes()
