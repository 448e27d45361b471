"""The silences and how notifications get on, below the alerts of their screen."""

import textwrap
from collections.abc import Mapping

from perftui.client.state import State
from perftui.core import units
from perftui.core.alert import Silence
from perftui.core.matcher import matches
from perftui.tui.panes.content import Row
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.text import Line, clip_words, left, right, width

_LEFT = 12


def silence_rows(state: State, cells: int) -> list[Row]:
    """Return a row for each silence, the next to end first; Enter offers to end it. The last says how many more."""
    rows = [_row(state, silence, cells) for silence in state.alerts.silences]
    more = state.alerts.counts.silences - len(rows)
    return [*rows, _more(more)] if more > 0 else rows


def covered(state: State, matchers: Mapping[str, str]) -> int:
    """Return how many alerts that fire now, as far as they are in view, have these labels."""
    return sum(matches(matchers, alert.labels) for alert in state.alerts.firing)


def words_of(matchers: Mapping[str, str]) -> str:
    """Return what matchers are about: `rule=cpu source=web-3`."""
    return " ".join(f"{label}={pattern}" for label, pattern in matchers.items()) or "everything"


def remaining(state: State, silence: Silence) -> str:
    """Return how long a silence still holds."""
    return f"{units.seconds(max(0.0, round(silence.expires - state.now)))} left"


def _row(state: State, silence: Silence, cells: int) -> Row:
    start: Line = [
        (f"{glyphs.PAUSED} ", "accent"),
        (left("silence", 9), "dim") if cells >= 64 else ("", "dim"),
        (right(remaining(state, silence), _LEFT) + "  ", "text"),
        (f"{left(_author(silence), 24 if cells >= 110 else 12)} ", "text"),
    ]
    end: Line = [(f"  holds {silence.holds} back", "dim")]
    room = max(0, cells - width(start) - width(end))
    words = words_of(silence.matchers) + (f"  {silence.comment}" if silence.comment else "")
    line = [span for span in start if span[0]] + [(left(clip_words(words, room), room), "text"), *end]
    return Row(f"silence {silence.id}", (line,), silence=silence)


def _more(count: int) -> Row:
    return Row("more silences", ([(f"  … and {count} more silences", "text")],))


def _author(silence: Silence) -> str:
    return f"{silence.author} ({silence.origin})" if silence.origin else silence.author


def delivery_lines(state: State, cells: int) -> list[Line]:
    """Return how notifications get on, in at most two lines."""
    delivery = state.alerts.delivery
    if delivery.off:
        return [[(clip_words(f"notifications: off, {delivery.off}", cells), "dim")]]
    counts = [(delivery.waiting, "waiting"), (delivery.dropped, "dropped"), (delivery.sent, "sent")]
    words = [f"{count} {word}" for count, word in counts if count] + list(delivery.problems)
    role = "warning" if delivery.dropped or delivery.problems else "dim"
    lines = textwrap.wrap(f"notifications: {', '.join(words) or 'none yet'}", cells, max_lines=2, placeholder="…")
    return [[(line, role)] for line in lines]
