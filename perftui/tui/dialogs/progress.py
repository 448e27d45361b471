"""A run from its first step to its proof: how far, what was done and what was not, what the readings show."""

from collections.abc import Callable
from typing import NamedTuple

from perftui.core import units
from perftui.core.action import Outcome, Proof, Run
from perftui.core.clock import Clock
from perftui.tui.dialogs.base import Dialog, hints
from perftui.tui.dialogs.confirm import CONFIRM_AFTER
from perftui.tui.dialogs.fields import Field, change, columns, field
from perftui.tui.panes.runs import OUTCOMES, PROOFS, can_undo, is_watched, state_of
from perftui.tui.panes.state_words import clock_time
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.bar import bar
from perftui.tui.widgets.text import Line, wrapped

_NOT_PROVED = (Outcome.FAILED, Outcome.INTERRUPTED)
_SHORT = (Outcome.PARTIAL, Outcome.CANCELLED, Outcome.FAILED)
"""The ends at which not all that was planned may have been reached."""


class Does(NamedTuple):
    """What the keys of a progress do: cancel it, take it back, show the chart of what is watched."""

    cancel: Callable[[], None]
    undo: Callable[[], None]
    chart: Callable[[Run], None]


class Progress(Dialog):
    """Follows a run to its proof; leaving it stops nothing. `run` and `now` (wall seconds) are asked at each drawing.

    `note` says what stands above it: who started it, where that was not this console.
    """

    wanted = 96

    def __init__(
        self,
        run: Callable[[], Run | None],
        now: Callable[[], float],
        clock: Clock,
        does: Does,
        note: Callable[[Run], str] | None = None,
    ) -> None:
        super().__init__()
        self._run = run
        self._now = now
        self._clock = clock
        self._does = does
        self._note = note
        self._shown: float | None = None
        self._first: Run | None = None

    def begin(self, run: Run) -> None:
        """Show this one until the agent tells more of it."""
        self._first = run

    @property
    def _now_runs(self) -> Run | None:
        return self._run() or self._first

    def drawn(self) -> None:
        """Keep when it was first seen: a key that was meant for what stood there before cancels nothing."""
        if self._shown is None:
            self._shown = self._clock.monotonic()

    def body(self, cells: int) -> list[Line]:
        """Return what it says."""
        run = self._now_runs
        if run is None:
            self.title = "Applying"
            return [[("waiting for the agent", "dim")]]
        self.title = _title(run)
        words = self._note(run) if self._note is not None else ""
        note: list[Line] = [[(part, "dim")] for part in wrapped(words, cells)]
        lines = [*note, *_worse(run, cells), *_head(run, self._now(), cells)]
        if run.outcome is Outcome.RUNNING:
            lines.append(bar(run.fraction, cells, "accent"))
        lines += [[(part, "text")] for part in wrapped(run.message, cells)]
        return lines + columns([*_counts(run), *map(change, run.lines), *_proof(run, self._now()), *_after(run)], cells)

    def foot(self) -> Line:
        """Return what its keys do."""
        run = self._now_runs
        if run is None or run.outcome is Outcome.RUNNING:
            return hints(("x", "cancel"), ("esc", "leave it running"))
        undo = [("u", "undo")] if can_undo(run) else []
        chart = [("enter", "watch the chart")] if run.plan.watches else []
        return hints(*undo, *chart, ("esc", "leave it" if is_watched(run) else "back"))

    def press(self, key: str, character: str | None) -> None:
        """Cancel with x, take back with u, go to the chart with Enter; Esc leaves it, whatever it does."""
        run = self._now_runs
        if run is None or run.outcome is Outcome.RUNNING:
            if key == "x":
                self._cancel()
            else:
                super().press(key, character)
        elif key == "u" and can_undo(run):
            self._does.undo()
        elif key in ("enter", "q"):
            self.closed = True
            if key == "enter" and run.plan.watches:
                self._does.chart(run)
        else:
            super().press(key, character)

    def _cancel(self) -> None:
        if self._shown is not None and self._clock.monotonic() - self._shown >= CONFIRM_AFTER:
            self._does.cancel()


def _title(run: Run) -> str:
    if run.outcome is Outcome.RUNNING:
        return "Applying"
    at = "" if run.done is None else f" {clock_time(run.done)} UTC"
    return f"{run.outcome.value.capitalize()}{at}"


def _worse(run: Run, cells: int) -> list[Line]:
    """Return what comes before everything else: that it is worse than before, and what can be done now."""
    if run.proof is not Proof.WORSE:
        return []
    advice = "u takes it back" if can_undo(run) else "undone" if run.undone else "there is no undo for it"
    words = f"{glyphs.CRITICAL} it is worse than before: {advice}"
    return [[(part, "critical")] for part in wrapped(words, cells)]


def _head(run: Run, now: float, cells: int) -> list[Line]:
    glyph, role = OUTCOMES[run.outcome]
    words = f"{run.plan.title}  {state_of(run, now)}"
    parts = wrapped(words, cells - 2)
    return [[(f"{glyph} " if index == 0 else "  ", role), (part, "title")] for index, part in enumerate(parts)]


def _counts(run: Run) -> list[Field]:
    """Return how many of its targets were changed, left out and failed."""
    if not (run.applied or run.left or run.failed):
        return []
    missed = run.plan.count - run.applied - run.left - run.failed if run.outcome in _SHORT else 0
    return [
        field("changed", f"{run.applied:,}"),
        *([field("left alone", f"{run.left:,}", "text")] if run.left else []),
        *([field("failed", f"{run.failed:,}", "critical")] if run.failed else []),
        *([field("not reached", f"{missed:,}", "warning")] if missed > 0 else []),
    ]


def _proof(run: Run, now: float) -> list[Field]:
    if run.outcome is Outcome.RUNNING or (run.outcome in _NOT_PROVED and not run.proof_lines):
        return []
    fields = [change(each) for each in run.proof_lines]
    if not is_watched(run):
        return [*fields, field("proof", *PROOFS[run.proof])]
    return [*fields, field("proof", _watching(run, now), "accent")]


def _watching(run: Run, now: float) -> str:
    passed = max(0.0, now - (run.done or now))
    if passed >= run.plan.window or not run.plan.window:
        return f"{glyphs.PENDING} reading again"
    whole, window = round(passed), run.plan.window
    progress = f"{whole} of {window:.0f} s" if window < 100 else f"{units.seconds(whole)} of {units.seconds(window)}"
    return f"{glyphs.PENDING} watching, {progress}"


def _after(run: Run) -> list[Field]:
    passed = [field("passed", f"{', '.join(run.passed)} by break-glass", "warning")] if run.passed else []
    reason = [field("reason", run.reason)] if run.reason else []
    undone = [field("undone", "it was taken back")] if run.undone else []
    undo = [field("undo", run.undo.title or run.undo.action)] if run.undo and can_undo(run) else []
    return [*passed, *reason, *undone, *undo]
