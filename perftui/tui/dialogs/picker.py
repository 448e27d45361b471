"""What can be done, as a list to choose from: each offer with its target, what speaks for it, its risk and its undo."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from perftui.core.action import Offer, Risk
from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.dialogs.menu import NO_MATCH, SCATTERED, WITHIN, score
from perftui.tui.widgets.prompt import Prompt
from perftui.tui.widgets.text import Line, dimmed, fit, left, over, width, wrapped

_RISKS = {Risk.LOW: "text", Risk.MEDIUM: "warning", Risk.HIGH: "critical"}
_SUBJECT = 28
"""Cells of what it works on, where there is room for a line of columns."""
_WIDE = 84


class Choice(NamedTuple):
    """An offer as it is shown: `group` heads it and those after it, `production` when its target is marked so."""

    offer: Offer
    group: str = ""
    production: bool = False
    subject: str = ""


class Picker(Dialog):
    """Lists what the agent offers; `choose` is called with an offer and leaves the picker open beneath what follows.

    It opens before the agent has answered: `show` brings the offers, whose order then stays as it is, and `tell` a line
    about what goes on or went wrong. `details` shows more of what it was opened on, where nothing can be chosen.
    """

    wanted = 104

    def __init__(self, title: str, choose: Callable[[Offer], None], details: Callable[[], None] | None = None) -> None:
        super().__init__()
        self.title = title
        self._details = details
        self._choose = choose
        self._choices: Sequence[Choice] | None = None
        self._nothing = ""
        self._words = ("", "dim")
        self._prompt = Prompt("> ")
        self._at = 0
        self._span: tuple[int, int] | None = None

    def show(self, choices: Sequence[Choice], nothing: str) -> None:
        """Show these; `nothing` is why there are none."""
        self._choices, self._nothing, self._at = choices, nothing, 0
        self._at = next((index for index, each in enumerate(choices) if not each.offer.blocked), 0)

    def tell(self, words: str, role: str = "dim") -> None:
        """Say what goes on, or what went wrong, below the list."""
        self._words = (words, role)

    def matches(self) -> list[Choice]:
        """Return the choices that have what was typed: in the words of their names first, then anywhere.

        Among equals they stay in the order in which they came; where none has the words, the letters are enough.
        """
        ranked = [(_rank(self._prompt.text, each), each) for each in self._choices or ()]
        best = min((rank for rank, _ in ranked), default=_SCATTERED)
        most = _SCATTERED if best == _SCATTERED else _ANYWHERE
        return [each for rank, each in sorted(ranked, key=lambda pair: pair[0]) if rank <= most]

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        self._span = None
        if self._choices is None:
            return [[("asking the agent what can be done", "dim")]]
        if not self._choices:
            return [[(part, "text")] for part in wrapped(self._nothing, cells)]
        found = self.matches()
        lines: list[Line] = [self._prompt.draw(cells)]
        group = ""
        for index, choice in enumerate(found):
            if choice.group and choice.group != group:
                lines += [[(part, "dim")] for part in wrapped(choice.group, cells)]
            group = choice.group
            entry = _entry(choice, cells, here=index == self._at)
            if index == self._at:
                self._span = (len(lines) if index else 0, len(lines) + len(entry) - 1)
            lines += entry
        return lines if found else [*lines, [("nothing has these letters", "dim")]]

    def pinned(self, cells: int) -> list[Line]:
        """Return what goes on, or went wrong."""
        words, role = self._words
        return [[(part, role)] for part in wrapped(words, cells)]

    def foot(self) -> Line:
        """Return what its keys do."""
        if not self._choices:
            return hints(*([("d", "details")] if self._can_detail else []), ("esc", "back"))
        return hints(("enter", "preview"), ("↑↓", "choose"), ("abc", "filter"), ("esc", "back"))

    def focus_lines(self) -> tuple[int, int] | None:
        """Return the lines of the chosen entry."""
        return self._span

    def press(self, key: str, character: str | None) -> None:
        """Move with arrows, choose with Enter, leave with Esc; anything else is typed."""
        found = self.matches()
        self._words = ("", "dim")
        if key == "escape":
            self.closed = True
        elif key == "enter":
            self._enter(found)
        elif key == "d" and self._details is not None and self._can_detail:
            self.closed = True
            self._details()
        elif key in ("up", "down", "tab", "shift+tab", "pageup", "pagedown", "home", "end"):
            self._move(key, len(found))
        elif self._choices and self._prompt.press(key, character):
            self._at = 0

    def paste(self, text: str) -> None:
        """Take pasted text as typed letters."""
        if self._choices:
            self._prompt.paste(text)
            self._at = 0

    @property
    def _can_detail(self) -> bool:
        """Whether `d` shows the details: nothing is there that letters could narrow."""
        return self._details is not None and self._choices is not None and not self._choices

    def _enter(self, found: list[Choice]) -> None:
        if not found:
            self.closed = not self._choices and self._choices is not None
        elif found[self._at].offer.blocked:
            self.tell(f"not now: {found[self._at].offer.blocked}", "warning")
        else:
            self._choose(found[self._at].offer)

    def _move(self, key: str, total: int) -> None:
        steps = {"up": -1, "shift+tab": -1, "pageup": -5, "pagedown": 5, "home": -total, "end": total}
        self._at = max(0, min(total - 1, self._at + steps.get(key, 1)))


def subject_of(offer: Offer, subject: str) -> str:
    """Return what an offer works on: its target, or a thing on it."""
    return f"{offer.target}/{subject}" if subject else offer.target


_NAMED, _ANYWHERE, _SCATTERED, _NOT = range(4)


def _rank(typed: str, choice: Choice) -> int:
    """Return how well a choice has what was typed: in its names, anywhere, by its letters alone, or not."""
    offer = choice.offer
    names = f"{offer.title} {offer.action}"
    if score(typed, names) < WITHIN:
        return _NAMED
    found = score(typed, f"{names} {subject_of(offer, choice.subject)} {offer.note}")
    return _NOT if found == NO_MATCH else _SCATTERED if found >= SCATTERED else _ANYWHERE


def _entry(choice: Choice, cells: int, *, here: bool) -> list[Line]:
    """Return the lines of an entry in exactly `cells` cells: nothing of it is cut off but by a break between words."""
    offer = choice.offer
    start: Line = [("▶ " if here else "  ", "accent")]
    end: Line = [
        (left(offer.risk.value, 7), _RISKS[offer.risk]),
        ("undo yes" if offer.reversible else "undo no ", "dim"),
    ]
    room = max(10, cells - width(start) - width(end) - 2)
    subject = subject_of(offer, choice.subject)
    titles = wrapped(offer.title, room - (_SUBJECT + 2 if cells >= _WIDE else 0)) or [""]
    beside = cells >= _WIDE and cell_len(subject) <= _SUBJECT
    named: Line = [("  ", "text"), (left(subject, _SUBJECT), "dim")] if beside else []
    first = fit([(titles[0], "text")], room - width(named))
    lines: list[Line] = [[*start, *first, *named, ("  ", "text"), *end]]
    lines += [[("  ", "text"), (part, "text")] for part in titles[1:]]
    lines += [[("  ", "text"), *part] for part in _below(choice, "" if beside else subject, max(10, cells - 2))]
    if offer.blocked:
        lines = [dimmed(line) for line in lines]
    fitted = [fit(line, cells) for line in lines]
    return [over(line, "selected") for line in fitted] if here else fitted


def _below(choice: Choice, subject: str, cells: int) -> list[Line]:
    """Return what stands under the title: the subject where it has no column, production, the note, what blocks it."""
    offer = choice.offer
    words = ", ".join(filter(None, [subject, offer.note]))
    parts = [f"not now: {offer.blocked}"] if offer.blocked else []
    lines: list[Line] = [[("production", "warning")]] if choice.production else []
    texts = wrapped(words, cells - (12 if lines else 0)) if words else []
    if lines and texts:
        lines = [[("production  ", "warning"), (texts.pop(0), "dim")]]
    lines += [[(text, "dim")] for text in texts]
    return lines + [[(text, "dim")] for part in parts for text in wrapped(part, cells)]
