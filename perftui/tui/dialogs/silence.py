"""A silence: how wide, how long and why, with how many alerts it holds back now."""

import textwrap
from collections.abc import Callable, Sequence
from typing import NamedTuple

from perftui.client.state import State
from perftui.config.duration import Duration
from perftui.core.alert import Alert
from perftui.core.matcher import literal
from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.panes.alert_words import instance_of
from perftui.tui.panes.silence_rows import covered
from perftui.tui.widgets.prompt import Prompt
from perftui.tui.widgets.text import Line, fit, left, over

LENGTHS = ("15m", "1h", "4h", "24h")
_WIDE, _LONG, _WHY = range(3)
"""The fields, in the order of Tab."""
_HINTS = (
    "They are shown as silenced, and call nobody.",
    "Choose, or type a length such as 90m.",
    "Why, for whoever finds them silenced.",
)
_LABEL, _COUNT = 10, 14
_SHORTEST, _LONGEST = 60.0, 30 * 86400.0
"""Seconds that the agent takes."""
_OWN = frozenset({"rule", "source", "metric", "severity", "kind", "host"})
"""Labels of an alert that hide an attribute of the same name."""

Send = Callable[[dict[str, str], float, str], None]


class Scope(NamedTuple):
    """How wide a silence may be: in words, and as matchers."""

    words: str
    matchers: dict[str, str]


def scopes(alerts: Sequence[Alert]) -> list[Scope]:
    """Return what can be silenced from these alerts of one rule, the narrowest first."""
    first, sources = alerts[0], {alert.source for alert in alerts}
    rule, source = {"rule": literal(first.rule)}, {"source": literal(first.source)}
    everywhere = Scope(f"{first.rule} everywhere", rule)
    if len(sources) > 1:
        return [everywhere]
    here = [Scope(f"{first.rule} on {first.source}", rule | source), Scope(f"everything of {first.source}", source)]
    attributes = {name: literal(value) for name, value in first.attributes if name not in _OWN}
    if len(alerts) == 1 and attributes:
        here.insert(0, Scope(f"this alert: {first.rule} {instance_of(first)}", rule | source | attributes))
    elif len(alerts) == 1:
        here[0] = Scope(f"this alert: {first.rule} on {first.source}", rule | source)
    return [*here, everywhere]


class SilenceDialog(Dialog):
    """Asks how wide, how long and why; `send` is called with matchers, seconds and comment.

    It stays open until it is told what came of that: by `refuse`, or by closing it.
    """

    title = "Silence"
    wanted = 84

    def __init__(self, state: Callable[[], State], alerts: Sequence[Alert], send: Send) -> None:
        super().__init__()
        self._state = state
        self._send = send
        self._scopes = scopes(alerts)
        self._scope, self._length, self._field = 0, LENGTHS.index("1h"), _WIDE
        self._typed, self._comment = Prompt(""), Prompt("")
        self._problem = ""
        self._is_sending = False

    def refuse(self, problem: str) -> None:
        """Say why it was not taken."""
        self._problem, self._is_sending = problem, False

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        lines = [self._scope_line(index, cells) for index in range(len(self._scopes))]
        lines += [[], self._length_line(), [], self._comment_line(), []]
        if self._problem:
            return [*lines, *([(line, "warning")] for line in textwrap.wrap(self._problem, max(10, cells)))]
        return [*lines, [(_HINTS[self._field], "dim")]]

    def foot(self) -> Line:
        """Return what its keys do."""
        choose = {_WIDE: [("↑↓", "choose")], _LONG: [("←→", "choose")]}.get(self._field, [])
        return hints(("tab", "next"), *choose, ("enter", "silence"), ("esc", "back"))

    def press(self, key: str, character: str | None) -> None:
        """Move with Tab, choose with arrows, type a length or a comment; Enter sends, Esc leaves."""
        if key == "escape":
            self.closed = True
        if self.closed or self._is_sending:
            return
        self._problem = ""
        if key == "enter":
            self._finish()
        elif key in ("tab", "shift+tab"):
            self._field = (self._field + (1 if key == "tab" else -1)) % 3
        elif self._field == _WIDE:
            step = {"down": 1, "j": 1, "up": -1, "k": -1}.get(key, 0)
            self._scope = max(0, min(len(self._scopes) - 1, self._scope + step))
        elif self._field == _LONG and key in ("left", "right", "up", "down"):
            self._typed.text = ""
            step = 1 if key in ("right", "down") else -1
            self._length = max(0, min(len(LENGTHS) - 1, self._length + step))
        else:
            (self._typed if self._field == _LONG else self._comment).press(key, character)

    def paste(self, text: str) -> None:
        """Take pasted text as a length where one is typed, else as part of the comment."""
        (self._typed if self._field == _LONG else self._comment).paste(text)

    def _finish(self) -> None:
        try:
            seconds = Duration.parse(self._typed.text or LENGTHS[self._length])
        except ValueError as error:
            self._problem, self._field = str(error), _LONG
            return
        if not _SHORTEST <= seconds <= _LONGEST:
            self._problem, self._field = "a silence lasts from 1 minute to 30 days", _LONG
            return
        self._is_sending = True
        self._send(self._scopes[self._scope].matchers, float(seconds), self._comment.text.strip())

    def _scope_line(self, index: int, cells: int) -> Line:
        words, matchers = self._scopes[index]
        count, state = covered(self._state(), matchers), self._state()
        counts = state.alerts.counts
        everything = counts.critical + counts.warning + counts.info + counts.silenced + counts.inhibited
        atleast = "≥" if everything > len(state.alerts.firing) else ""
        chosen = index == self._scope
        fires = f"{atleast}{count} {'fires' if count == 1 else 'fire'} now"
        line: Line = [
            (left("how wide" if index == 0 else "", _LABEL), "dim"),
            ("▶ " if chosen else "  ", "accent"),
            *fit([(words, "text")], max(10, cells - _LABEL - 2 - _COUNT)),
            *fit([(fires, "dim")], _COUNT, "right"),
        ]
        return self._marked(line, _WIDE) if chosen else line

    def _length_line(self) -> Line:
        line: Line = [(left("how long", _LABEL - 2), "dim")]
        for index, length in enumerate(LENGTHS):
            chosen = index == self._length and not self._typed.text
            line += [("  ▶ " if chosen else "    ", "accent"), (length, "title" if chosen else "dim")]
        if self._field != _LONG:
            return [*line, (f" {self._typed.text}", "title")]
        return [*self._marked(line, _LONG), ("  or ", "dim"), *self._typed.draw()]

    def _comment_line(self) -> Line:
        typed = self._comment.draw() if self._field == _WHY else [(self._comment.text, "text")]
        return [(left("comment", _LABEL), "dim"), *typed]

    def _marked(self, line: Line, field: int) -> Line:
        """Return the line as selected while its field has the keys."""
        return over(line, "selected") if self._field == field else line
