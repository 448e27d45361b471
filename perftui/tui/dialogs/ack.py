"""Taking care of an alert: a note to those who look at it too."""

from collections.abc import Callable, Sequence

from perftui.core.alert import Alert
from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.panes.alert_words import mark_of, name_of, summary_of
from perftui.tui.widgets.prompt import Prompt
from perftui.tui.widgets.text import Line

_SHOWN = 6


class AckDialog(Dialog):
    """Asks for a note; `acknowledge` is called with it."""

    title = "Acknowledge"
    wanted = 76

    def __init__(self, alerts: Sequence[Alert], acknowledge: Callable[[str], None]) -> None:
        super().__init__()
        self._alerts = alerts
        self._acknowledge = acknowledge
        self._prompt = Prompt("note  ")

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        words: Line = [("Marked as yours until it is resolved. A note helps whoever looks next.", "dim")]
        return [*alert_lines(self._alerts), words, [], self._prompt.draw()]

    def foot(self) -> Line:
        """Return what its keys do."""
        return hints(("enter", "acknowledge"), ("esc", "back"))

    def press(self, key: str, character: str | None) -> None:
        """Type the note; Enter sends it, Esc leaves."""
        if key == "enter":
            self.closed = True
            self._acknowledge(self._prompt.text.strip())
        elif key == "escape":
            self.closed = True
        else:
            self._prompt.press(key, character)

    def paste(self, text: str) -> None:
        """Take pasted text as part of the note."""
        self._prompt.paste(text)


def alert_lines(alerts: Sequence[Alert]) -> list[Line]:
    """Return a line for each of the first alerts, and how many more there are."""
    lines: list[Line] = [
        [(f"{glyph} ", role), (f"{alert.source}  ", "text"), (summary_of(alert) or name_of(alert), "text")]
        for alert in alerts[:_SHOWN]
        for glyph, role in [mark_of(alert)]
    ]
    return lines + ([[(f"  and {len(alerts) - _SHOWN} more", "dim")]] if len(alerts) > _SHOWN else [])
