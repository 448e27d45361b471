"""A small form: labelled texts of one line each, checked by whoever takes them."""

import textwrap
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.widgets.prompt import Prompt
from perftui.tui.widgets.text import Line, left

_LABEL = 12


class Entry(NamedTuple):
    """A text to fill in; one with `choices` is switched between them. `hint` helps while it has the keys."""

    key: str
    label: str
    text: str
    hint: str = ""
    choices: tuple[str, ...] = ()


class Form(Dialog):
    """Asks for texts; `save` is called with those that were changed, and answers by `refuse` or by closing it.

    `head` is what stands above them, `back` is called when it was left with Esc.
    """

    def __init__(
        self,
        title: str,
        head: Callable[[int], list[Line]],
        entries: Sequence[Entry],
        save: Callable[[dict[str, str]], None],
        back: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.title = title
        self._head = head
        self._entries = entries
        self._prompts = [Prompt("", entry.text) for entry in entries]
        self._save = save
        self._back = back
        self._at = 0
        self._above = 0
        self._problem = ""
        self._is_saving = False

    @property
    def changes(self) -> dict[str, str]:
        """What was typed and is not what stood there."""
        pairs = zip(self._entries, self._prompts, strict=True)
        return {entry.key: prompt.text.strip() for entry, prompt in pairs if prompt.text.strip() != entry.text}

    def refuse(self, problem: str) -> None:
        """Stay open with what was typed, and say why it was not taken."""
        self._problem, self._is_saving = problem, False

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        head = self._head(cells)
        self._above = len(head) + 1
        return [*head, [], *(self._line(index, cells) for index in range(len(self._entries)))]

    def pinned(self, cells: int) -> list[Line]:
        """Return what is wrong, or else what helps with the text that has the keys."""
        words, role = (self._problem, "warning") if self._problem else (self._entries[self._at].hint, "dim")
        return [[], *([(line, role)] for line in textwrap.wrap(words, max(10, cells)) or [""])]

    def foot(self) -> Line:
        """Return what its keys do."""
        if self._is_saving:
            return hints(("…", "saving"), ("esc", "back"))
        switch = [("space", "switch")] if self._entries[self._at].choices else []
        return hints(("tab", "next"), *switch, ("enter", "save"), ("esc", "back"))

    def focus_line(self) -> int | None:
        """Return the line that has the keys; the head comes back into sight with the first one."""
        return self._above + self._at if self._at else 0

    def press(self, key: str, character: str | None) -> None:
        """Move with Tab and arrows, type, switch with Space; Enter saves, Esc leaves."""
        entry, prompt = self._entries[self._at], self._prompts[self._at]
        if key == "escape":
            self.closed = True
            if self._back is not None:
                self._back()
        elif self._is_saving:
            return
        elif key == "enter":
            self._finish()
        elif key in ("tab", "down", "shift+tab", "up"):
            self._at = (self._at + (1 if key in ("tab", "down") else -1)) % len(self._entries)
        elif not entry.choices:
            self._problem = ""
            prompt.press(key, character)
        elif key in ("space", "left", "right"):
            self._problem = ""
            step = -1 if key == "left" else 1
            prompt.text = entry.choices[(entry.choices.index(prompt.text) + step) % len(entry.choices)]

    def paste(self, text: str) -> None:
        """Take pasted text where text is typed."""
        if not self._entries[self._at].choices and not self._is_saving:
            self._problem = ""
            self._prompts[self._at].paste(text)

    def _finish(self) -> None:
        if not self.changes:
            self._problem = "nothing was changed"
            return
        self._problem, self._is_saving = "", True
        self._save(self.changes)

    def _line(self, index: int, cells: int) -> Line:
        """Return a label with its text; of one that is too long the end, where the cursor is."""
        entry, prompt, here = self._entries[index], self._prompts[index], index == self._at
        text, room = prompt.text, max(1, cells - _LABEL - 3)
        while cell_len(text) > room:
            text = text[1:]
        mark: Line = [("▶ " if here else "  ", "accent"), (left(entry.label, _LABEL), "dim")]
        if entry.choices:
            return [*mark, (text, "title+selected" if here else "text")]
        return [*mark, (text, "title" if here else "text"), *([(" ", "selected")] if here else [])]
