"""What every confirmation goes by: a key press of its own, once all was in sight, and a reason where one is needed."""

from abc import abstractmethod
from collections.abc import Callable

from perftui.core.clock import Clock
from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.widgets.prompt import Prompt
from perftui.tui.widgets.text import Line, wrapped

CONFIRM_AFTER = 0.4
"""Seconds that the end of a preview must have stood on the screen before a key can confirm it."""
ALONE = 0.1
"""Seconds without another key before and after one that confirms: pasted or queued keys come in bursts."""

AT_ONCE = 0.03
"""Seconds between two characters that no hand keeps up: a terminal without bracketed paste sends them so."""
_PASTED = "it came all at once, as pasted text does: type it key by key"

Later = Callable[[float, Callable[[], None]], object]
"""Runs a function after some seconds."""
Confirmed = Callable[[str, str], None]
"""Takes what was typed to confirm, and the reason."""


class Confirming(Dialog):
    """Asks for a confirmation; `confirmed` is called with what was typed and the reason.

    `confirm` is what must be typed: `y`, one key, or a name, most of it key by key, and Enter. With `needs_reason` a
    reason is asked for first; that may be pasted, the confirmation may not. Nothing confirms what was not on the screen
    to its last line: what is longer has to be scrolled through first. `later` tells whether another key came after the
    one that confirms.
    """

    verb = "apply"

    def __init__(
        self,
        confirm: str,
        clock: Clock,
        later: Later,
        confirmed: Confirmed,
        *,
        needs_reason: bool = False,
        reason: str = "",
    ) -> None:
        super().__init__()
        self._confirm = confirm
        self._clock = clock
        self._later = later
        self._confirmed = confirmed
        self._shown: float | None = None
        self._last_key: float | None = None
        self._keys = 0
        self._at_once = 0
        self._name = Prompt("type ") if confirm != "y" else None
        self._reason = Prompt("reason ", reason) if needs_reason else None
        self._is_reasoning = needs_reason
        self._hint = ""

    @abstractmethod
    def body(self, cells: int) -> list[Line]:
        """Return what is to be confirmed."""

    def others(self) -> list[tuple[str, str]]:
        """Return further keys and what they do."""
        return []

    def press_other(self, key: str) -> bool:
        """Take a further key; return whether it was one."""
        return False

    def drawn(self) -> None:
        """Start counting once its last line stands there: from then on all of it can have been read."""
        if self._shown is None and self.at_end and not self._is_reasoning:
            self._shown = self._clock.monotonic()

    def pinned(self, cells: int) -> list[Line]:
        """Return what to type, or why a key did not count; and what is being typed."""
        words, role = (self._hint, "warning") if self._hint else (self._advice, "dim")
        lines: list[Line] = [[(part, role)] for part in wrapped(words, cells) or [""]]
        if self._reason is not None and self._is_reasoning:
            return [*lines, self._reason.draw(cells)]
        if self._reason is not None:
            lines.append([("reason ", "dim"), *self._reason.draw(cells - 1)[1:2]])
        return [*lines, self._name.draw(cells)] if self._name is not None else lines

    @property
    def _advice(self) -> str:
        if self._is_reasoning:
            return "why? it goes into the record of actions; then enter"
        return f"the name {self._confirm} confirms, then enter" if self._name is not None else ""

    def foot(self) -> Line:
        """Return what its keys do; what confirms comes in once all of it was seen."""
        if self._is_reasoning:
            return hints(("enter", "go on"), ("↓", "read on"), ("esc", "back"))
        back = [("tab", "why")] if self._reason is not None else []
        if self._shown is None and not self.at_end:
            return hints(("pgdn" if back else "↓ pgdn", "read on"), *back, *self.others(), ("esc", "back"))
        return hints(("enter" if self._name else "y", self.verb), *back, *self.others(), ("esc", "back"))

    def press(self, key: str, character: str | None) -> None:
        """Confirm with a separate key press, type a reason or a name, read on, or go back."""
        now = self._clock.monotonic()
        gap = None if self._last_key is None else now - self._last_key
        self._last_key = now
        self._keys += 1
        self._hint = ""
        if key == "escape":
            self.closed = True
        elif self._is_reasoning and self._reason is not None:
            self._reason_key(self._reason, key, character)
        elif key in ("tab", "shift+tab") and self._reason is not None:
            self._is_reasoning = True
        elif key == ("enter" if self._name is not None else "y"):
            self._try(now, gap)
        elif self.press_other(key):
            self._shown = None  # something else lies over it now
        elif self._name is not None:
            self._name_key(self._name, key, character, gap)
        else:
            super().press(key, character)

    def paste(self, text: str) -> None:
        """Take pasted text as a reason alone: it confirms nothing."""
        self._keys += 1
        if self._is_reasoning and self._reason is not None:
            self._reason.paste(text)
            self._hint = ""
        else:
            self._hint = "pasted text confirms nothing: press the keys"

    def _name_key(self, name: Prompt, key: str, character: str | None, gap: float | None) -> None:
        """Type the name, and count what came faster than a hand types; a link that stalls joins a few keys, too."""
        before = name.text
        name.press(key, character)
        if not name.text:
            self._at_once = 0
        elif len(name.text) > len(before) and gap is not None and gap < AT_ONCE:
            self._at_once += 1
        self.scroll(key)

    def _reason_key(self, reason: Prompt, key: str, character: str | None) -> None:
        if key not in ("enter", "tab", "shift+tab"):
            reason.press(key, character)
            self.scroll(key)
        elif not reason.text.strip():
            self._hint = "a reason is needed: type why"
        else:
            self._is_reasoning, self._shown = False, None

    def _try(self, now: float, gap: float | None) -> None:
        if self._shown is None:
            self._hint = "there is more of it: read on with ↓ or pgdn first"
        elif now - self._shown < CONFIRM_AFTER:
            self._hint = "read it first, then press the key again"
        elif gap is not None and gap < ALONE:
            self._hint = "keys came in a burst: press the key once, by itself"
        elif self._name is not None and self._name.text != self._confirm:
            self._hint = f"that is not {self._confirm}"
        elif self._name is not None and self._at_once * 2 >= len(self._name.text):
            self._name.text, self._at_once = "", 0
            self._hint = _PASTED
        else:
            keys = self._keys
            self._later(ALONE, lambda: self._accept(keys))

    def _accept(self, keys: int) -> None:
        """Confirm, unless another key came: then it was a burst."""
        if self.closed:
            return
        if self._keys != keys:
            self._hint = "keys came in a burst: press the key once, by itself"
            return
        self.closed = True
        self._confirmed(self._name.text if self._name else "y", self._reason.text.strip() if self._reason else "")
