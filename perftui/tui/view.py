"""What the console remembers between two drawings: where the eyes and the hands are."""

import dataclasses
from collections import deque
from dataclasses import dataclass, field

from perftui.client.state import State, Track
from perftui.core.series import SeriesId
from perftui.tui.panes.alert_filter import AlertFilter

HOLD = 5.0
"""Seconds that the order of rows holds still after a key."""


@dataclass
class View:
    """The screen, the focus, and what is selected, filtered, sorted and held still in each pane.

    `notes` are lines of the console's own, by what they are about. `choice` filters the screen of the alerts, whose
    folded rows stand open where they are in `unfolded` (None: all of them).
    """

    screen: str = "overview"
    focus: str = "system"
    maximised: bool = False
    selected: dict[str, str] = field(default_factory=dict)
    filters: dict[str, str] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    orders: dict[str, list[str]] = field(default_factory=dict)
    last_key: float = -HOLD
    sort: str = "cpu"
    inverted: bool = False
    series: SeriesId | None = None
    frozen: State | None = None
    message: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    choice: AlertFilter = field(default_factory=AlertFilter)
    unfolded: frozenset[str] | None = frozenset()

    def release(self) -> None:
        """Let the rows find their order afresh: the key that opens a screen is no reason to hold it still."""
        self.orders.clear()
        self.last_key = -HOLD

    def held(self, now: float) -> bool:
        """Return whether the order of rows holds still at this moment (monotonic seconds)."""
        return now - self.last_key < HOLD


def freeze(state: State) -> State:
    """Return a copy of the state that stays as it is while the polling goes on."""
    return dataclasses.replace(
        state,
        sources=dict(state.sources),
        readings=dict(state.readings),
        tables=dict(state.tables),
        tracks={series: _copy(track) for series, track in state.tracks.items()},
    )


def _copy(track: Track) -> Track:
    copy = Track()
    copy.wall, copy.values = deque(track.wall, track.wall.maxlen), deque(track.values, track.values.maxlen)
    return copy
