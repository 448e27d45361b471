"""A remedy step by step: the preview, its confirmation, progress, and the proof."""

import textwrap
from collections.abc import Callable

from perftui.core import units
from perftui.core.action import Outcome, Plan, Run
from perftui.core.clock import Clock
from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.dialogs.fields import Field, change, columns, field
from perftui.tui.panes.runs import OUTCOMES, PROOFS, state_of
from perftui.tui.widgets.bar import bar
from perftui.tui.widgets.prompt import Prompt
from perftui.tui.widgets.text import Line

CONFIRM_AFTER = 0.4
"""Seconds that the end of a preview must have stood on the screen before a key can confirm it."""
ALONE = 0.1
"""Seconds without another key before and after one that confirms: pasted or queued keys come in bursts."""


class Preview(Dialog):
    """Shows a plan; `confirmed` is called with what was typed once it was confirmed by a key press of its own.

    Nothing confirms what was not on the screen to its last line: what is longer has to be scrolled through first.
    `later` runs a function after some seconds: the key counts when nothing else came in between.
    """

    def __init__(
        self,
        plan: Plan,
        clock: Clock,
        later: Callable[[float, Callable[[], None]], object],
        confirmed: Callable[[str], None],
        *,
        production: bool = False,
    ) -> None:
        super().__init__()
        self.title = "Preview"
        self.plan = plan
        self._clock = clock
        self._later = later
        self._confirmed = confirmed
        self._production = production
        self._shown: float | None = None
        self._last_key: float | None = None
        self._keys = 0
        self._prompt = Prompt("type ") if plan.confirm != "y" else None
        self._hint = ""

    def drawn(self) -> None:
        """Start counting once its last line stands there: from then on all of it can have been read."""
        if self._shown is None and self.at_end:
            self._shown = self._clock.monotonic()

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        plan = self.plan
        lines: list[Line] = [[(plan.title, "title")]]
        if self._production:
            lines.append([("production: ", "warning"), ("this target is marked so", "text")])
        warnings = [field("warning", text, "warning") for text in plan.warnings]
        return lines + columns([*warnings, *map(change, plan.lines), *_facts(plan)], cells)

    def pinned(self, cells: int) -> list[Line]:
        """Return what to type, or why a key did not count; and the name that is being typed."""
        if self._prompt is None:
            return [[(self._hint, "warning")]]
        words = (self._hint, "warning") if self._hint else (f"the name {self.plan.confirm} confirms, then enter", "dim")
        return [[words], self._prompt.draw()]

    def foot(self) -> Line:
        """Return what its keys do; what confirms comes in once all of it was seen."""
        if self._shown is None and not self.at_end:
            return hints(("↓ pgdn", "read on"), ("esc", "back"))
        return hints(("enter" if self._prompt else "y", "apply"), ("esc", "back"))

    def press(self, key: str, character: str | None) -> None:
        """Confirm with a separate key press, or go back."""
        now = self._clock.monotonic()
        gap = None if self._last_key is None else now - self._last_key
        self._last_key = now
        self._keys += 1
        self._hint = ""
        if key == "escape":
            self.closed = True
        elif self._confirms(key):
            self._try(now, gap)
        elif self._prompt is not None:
            self._prompt.press(key, character)
            self.scroll(key)
        else:
            super().press(key, character)

    def paste(self, text: str) -> None:
        """Take no pasted text: it confirms nothing."""
        self._keys += 1
        self._hint = "pasted text confirms nothing: press the keys"

    def _confirms(self, key: str) -> bool:
        return key == ("enter" if self._prompt is not None else "y")

    def _try(self, now: float, gap: float | None) -> None:
        if self._shown is None:
            self._hint = "there is more of it: read on with ↓ or pgdn first"
        elif now - self._shown < CONFIRM_AFTER:
            self._hint = "read it first, then press the key again"
        elif gap is not None and gap < ALONE:
            self._hint = "keys came in a burst: press the key once, by itself"
        elif self._prompt is not None and self._prompt.text != self.plan.confirm:
            self._hint = f"that is not {self.plan.confirm}"
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
        self._confirmed(self._prompt.text if self._prompt else "y")


class Progress(Dialog):
    """Follows a run to its proof; leaving it stops nothing."""

    def __init__(self, run: Callable[[], Run | None], now: Callable[[], float], cancel: Callable[[], None]) -> None:
        super().__init__()
        self._run = run
        self._now = now
        self._cancel = cancel

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        run = self._run()
        if run is None:
            self.title = "Applying"
            return [[("waiting for the agent", "dim")]]
        glyph, role = OUTCOMES[run.outcome]
        self.title = "Applying" if run.outcome is Outcome.RUNNING else f"{run.outcome.value.capitalize()}"
        lines: list[Line] = [[(f"{glyph} ", role), (run.plan.title, "text"), (f"  {state_of(run, self._now())}", role)]]
        if run.outcome is Outcome.RUNNING:
            lines.append(bar(run.fraction, cells, "accent"))
        lines += [[(part, "text")] for part in textwrap.wrap(run.message, cells)]
        fields = [change(each) for each in run.lines]
        if run.outcome in (Outcome.SUCCEEDED, Outcome.CANCELLED):
            words, tone = PROOFS[run.proof]
            fields.append(field("proof", words, tone))
        lines += columns(fields, cells)
        return lines

    def foot(self) -> Line:
        """Return what its keys do."""
        run = self._run()
        if run is not None and run.outcome is not Outcome.RUNNING:
            return hints(("esc", "back"))
        return hints(("x", "cancel"), ("esc", "leave it running"))

    def press(self, key: str, character: str | None) -> None:
        """Cancel with x; leave with Esc, or with Enter when it is over."""
        run = self._run()
        over = run is not None and run.outcome is not Outcome.RUNNING
        if key == "x" and not over:
            self._cancel()
        else:
            super().press("escape" if over and key in ("enter", "q") else key, character)


def _facts(plan: Plan) -> list[Field]:
    """Return what is to be known of a plan besides what it changes."""
    takes = "" if plan.estimate is None else f"about {units.seconds(plan.estimate)}"
    undo = "can be undone" if plan.reversible else "cannot be undone"
    return [
        field("risk", ", ".join(filter(None, [plan.risk.value, undo, takes]))),
        *(field("rests on", text) for text in plan.rests_on),
        *(field("unknown", text) for text in plan.unknown),
        field("same as", plan.command),
    ]
