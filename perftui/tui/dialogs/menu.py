"""A list to choose from, narrowed by typing a few letters: commands, themes, remedies."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.widgets.prompt import Prompt
from perftui.tui.widgets.text import Line, fit, over


class Item(NamedTuple):
    """One entry: what is found by typing, and what it shows."""

    id: str
    words: str
    line: Line


class Menu(Dialog):
    """Lets the user choose an item; `choose` is called with its id after the menu has closed."""

    def __init__(
        self,
        title: str,
        items: Sequence[Item],
        choose: Callable[[str], None],
        *,
        at: str = "",
        moved: Callable[[str], None] | None = None,
        verb: str = "choose",
    ) -> None:
        super().__init__()
        self.title = title
        self._items = items
        self._choose = choose
        self._moved = moved
        self._verb = verb
        self._prompt = Prompt("> ")
        self._at = next((index for index, item in enumerate(items) if item.id == at), 0)

    def matches(self) -> list[Item]:
        """Return the items that have the typed letters in their order, the closest first."""
        scored = [(score(self._prompt.text, item.words), index, item) for index, item in enumerate(self._items)]
        return [item for rank, _, item in sorted(scored, key=lambda each: each[:2]) if rank < NO_MATCH]

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        found = self.matches()
        lines: list[Line] = [self._prompt.draw()]
        for index, item in enumerate(found):
            here = index == self._at
            line = fit([("▶ " if here else "  ", "accent"), *item.line], cells)
            lines.append(over(line, "selected") if here else line)
        return lines if found else [*lines, [("nothing has these letters", "dim")]]

    def foot(self) -> Line:
        """Return what its keys do."""
        return hints(("enter", self._verb), ("esc", "back"))

    def focus_line(self) -> int | None:
        """Return the chosen line."""
        return self._at + 1 if self._at else 0

    def press(self, key: str, character: str | None) -> None:
        """Move with arrows, choose with Enter, leave with Esc; anything else is typed."""
        found = self.matches()
        if key == "escape":
            self.closed = True
        elif key == "enter" and found:
            self.closed = True
            self._choose(found[self._at].id)
        elif key in ("up", "down", "tab", "shift+tab"):
            self._at = max(0, min(len(found) - 1, self._at + (1 if key in ("down", "tab") else -1)))
            if self._moved is not None and found:
                self._moved(found[self._at].id)
        elif self._prompt.press(key, character):
            self._at = 0

    def paste(self, text: str) -> None:
        """Take pasted text as typed letters."""
        self._prompt.paste(text)
        self._at = 0


WITHIN, SCATTERED, NO_MATCH = 10_000, 100_000, 1_000_000
"""Scores from which what was typed stands within words, from which its letters alone do, and for nothing of it."""


def score(typed: str, words: str) -> int:
    """Return how well `words` have what was typed (0 is best): as the beginnings of words, within them, by its letters.

    Each word that was typed counts by itself; NO_MATCH where not even the letters stand there in their order.
    """
    text, wanted = words.casefold(), typed.casefold().split()
    places = [_place(each, text) for each in wanted]
    if NO_MATCH not in places:
        return max(places, default=0)
    at, spread = -1, SCATTERED
    for letter in "".join(wanted):
        following = text.find(letter, at + 1)
        if following < 0:
            return NO_MATCH
        spread += following - at
        at = following
    return spread


def _place(word: str, text: str) -> int:
    """Return where a word begins one of the text, or else stands within one."""
    begins = re.search(rf"\b{re.escape(word)}", text)
    if begins is not None:
        return begins.start()
    within = text.find(word)
    return NO_MATCH if within < 0 else WITHIN + within
