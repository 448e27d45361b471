"""A small form: labelled texts of one line each, checked by whoever takes them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from perftui.core import units
from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.widgets.prompt import Prompt
from perftui.tui.widgets.text import Line, left, wrapped

_LABEL = 12
"""Cells of the labels, at least."""


class Entry(NamedTuple):
    """A text to fill in; one with `choices` is switched between them. `hint` helps while it has the keys."""

    key: str
    label: str
    text: str
    hint: str = ""
    choices: tuple[str, ...] = ()


class Form(Dialog):
    """Asks for texts; `save` is called with those that were changed, and answers by `refuse` or by closing it.

    `head` is what stands above them, `back` is called when it was left with Esc. `verb` is what Enter does. A form that
    is `whole` saves all of its texts, changed or not.
    """

    def __init__(
        self,
        title: str,
        head: Callable[[int], list[Line]],
        entries: Sequence[Entry],
        save: Callable[[dict[str, str]], None],
        back: Callable[[], None] | None = None,
        *,
        verb: str = "save",
        whole: bool = False,
    ) -> None:
        super().__init__()
        self.title = title
        self._verb = verb
        self._whole = whole
        self._head = head
        self._entries = entries
        self._prompts = [Prompt("", entry.text) for entry in entries]
        self._save = save
        self._back = back
        self._at = 0
        self._labels = max(_LABEL, *(cell_len(entry.label) + 1 for entry in entries)) if entries else _LABEL
        self._above = 0
        self._problem = ""
        self._is_saving = False

    @property
    def changes(self) -> dict[str, str]:
        """What was typed and is not what stood there."""
        pairs = zip(self._entries, self._prompts, strict=True)
        return {entry.key: prompt.text.strip() for entry, prompt in pairs if prompt.text.strip() != entry.text}

    @property
    def texts(self) -> dict[str, str]:
        """What stands there now."""
        pairs = zip(self._entries, self._prompts, strict=True)
        return {entry.key: prompt.text.strip() for entry, prompt in pairs}

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
        return [[], *([(line, role)] for line in wrapped(words, cells) or [""])]

    def foot(self) -> Line:
        """Return what its keys do."""
        if self._is_saving:
            return hints(("…", "asking the agent"), ("esc", "back"))
        switch = [("space", "switch")] if self._entries[self._at].choices else []
        following = [("tab", "next")] if len(self._entries) > 1 else []
        return hints(*following, *switch, ("enter", self._verb), ("esc", "back"))

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
        if not self.changes and not self._whole:
            self._problem = "nothing was changed"
            return
        self._problem, self._is_saving = "", True
        self._save(self.texts if self._whole else self.changes)

    def _line(self, index: int, cells: int) -> Line:
        """Return a label with its text; of one that is too long the end, where the cursor is."""
        entry, prompt, here = self._entries[index], self._prompts[index], index == self._at
        labels = min(self._labels, max(_LABEL, cells // 2))
        text, room = prompt.text, max(1, cells - labels - 3)
        while cell_len(text) > room:
            text = text[1:]
        mark: Line = [("▶ " if here else "  ", "accent"), (left(entry.label, labels), "dim")]
        if entry.choices:
            shown = text or units.MISSING
            return [*mark, (shown, "title+selected" if here else "text")]
        return [*mark, (text, "title" if here else "text"), *([(" ", "selected")] if here else [])]
