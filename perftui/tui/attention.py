"""What calls the user's eyes and ears: a box and the bell for what has become critical, at most once a second."""

from perftui.client.state import Link, State
from perftui.core.alert import Alert, Severity
from perftui.core.wire import AlertsView
from perftui.tui.layout import Box
from perftui.tui.panes.alert_words import name_of
from perftui.tui.panes.state_words import clock_time
from perftui.tui.widgets import glyphs
from perftui.tui.widgets.frame import frame
from perftui.tui.widgets.text import Line, clip, clip_words

SHOWN = 6.0
"""Seconds that the box stands unless a key comes."""
PACE = 1.0
"""Seconds between two calls at least, however many alerts fire."""
SETTLED, PATIENCE = 2.0, 15.0
"""Seconds after which what fires is news: since every source was looked at, or at the latest since the link stood."""
_CELLS = 52


class Attention:
    """Notices critical alerts that are new, unless they are held back or taken care of; times are monotonic seconds.

    What fires while the console still learns how things stand is no news.
    """

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self._count = 0
        self._news: list[Alert] = []
        self._unseen = 0
        self._shown: list[Alert] = []
        self._more = 0
        self._until = 0.0
        self._last = -PACE
        self._linked: float | None = None
        self._looked: float | None = None

    def observe(self, state: State, now: float) -> bool:
        """Take in what fires; return whether to ring now."""
        if state.link is Link.LIVE:
            self._compare(state.alerts, settled=self._is_settled(state, now))
        if not self._news or now - self._last < PACE:
            return False
        if now >= self._until:
            self._shown, self._more = [], 0
        self._shown = [*self._news, *self._shown]
        self._more += self._unseen
        self._news, self._unseen = [], 0
        self._last, self._until = now, now + SHOWN
        return True

    def dismiss(self) -> None:
        """Take the box away."""
        self._until = 0.0

    def draw(self, width: int, now: float) -> tuple[Box, list[Line]] | None:
        """Return the box at the top right and where it stands; None while there is nothing to say."""
        if now >= self._until:
            return None
        cells = min(_CELLS, width)
        first, more = self._shown[0], len(self._shown) - 1 + self._more
        lines: list[Line] = [
            [(clip(first.source, cells - 14) + "  ", "title"), (clock_time(first.since), "dim")],
            [(clip_words(first.summary or name_of(first), cells - 4), "text")],
        ]
        if more:
            lines.append([(f"and {more} more", "text")])
        title, high = f"{glyphs.CRITICAL} critical", len(lines) + 2
        return Box(width - cells, 1, cells, high), frame(title, [], lines, cells, high, focused=True, foot=[])

    def _is_settled(self, state: State, now: float) -> bool:
        if self._linked is None:
            self._linked = now
        if self._looked is None and state.knows_what_fires:
            self._looked = now
        return now - self._linked >= PATIENCE or (self._looked is not None and now - self._looked >= SETTLED)

    def _compare(self, view: AlertsView, *, settled: bool) -> None:
        """Note what is critical and was not before; what was held back and no longer is counts as new.

        A bounded view hides some of very many: those are counted, and what it drops and shows again is no news.
        """
        loud = {each.key: each for each in view.firing if each.severity is Severity.CRITICAL and not each.mutes}
        news = [each for key, each in loud.items() if key not in self._known and each.ack is None]
        is_whole = view.counts.critical <= len(loud)
        if settled:
            self._news += news
            self._unseen += max(0, view.counts.critical - self._count - len(news)) if news and not is_whole else 0
        self._known = frozenset(loud) if is_whole else self._known | frozenset(loud)
        self._count = view.counts.critical
