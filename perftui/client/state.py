"""The one State that is drawn, wherever it came from: live, remote, a moment of the past, or a recording."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from perftui.core.action import ActionInfo, AuditRow, Run
from perftui.core.catalogue import CATALOGUE
from perftui.core.metric import Metric
from perftui.core.reading import Reading, Sample, Table
from perftui.core.series import Attributes, SeriesId
from perftui.core.status import SourceState, SourceStatus, stale_after
from perftui.core.wire import AgentState, AlertsView, Welcome

TRACK_LENGTH = 900


class Link(StrEnum):
    """How the console stands with its agent; `silent`: it is attached, and tells nothing though it should."""

    CONNECTING = "connecting"
    LIVE = "live"
    SILENT = "silent"
    LOST = "lost"


class Track:
    """The recent past of one series: wall seconds and values side by side, oldest first, None where missing."""

    __slots__ = ("values", "wall")

    def __init__(self) -> None:
        self.wall: deque[float] = deque(maxlen=TRACK_LENGTH)
        self.values: deque[float | None] = deque(maxlen=TRACK_LENGTH)

    def append(self, wall: float, value: float | None) -> None:
        """Add the newest point; where the clock was set back it takes the place of what lies after it."""
        while self.wall and self.wall[-1] >= wall:
            self.wall.pop()
            self.values.pop()
        self.wall.append(wall)
        self.values.append(value)

    def backfill(self, points: Iterable[tuple[float, float | None]]) -> None:
        """Merge `points` of the past with those that are here."""
        merged = dict(points) | dict(zip(self.wall, self.values, strict=True))
        self.wall = deque(sorted(merged), maxlen=TRACK_LENGTH)
        self.values = deque((merged[wall] for wall in self.wall), maxlen=TRACK_LENGTH)


@dataclass
class State:
    """Everything that the panes draw from. `now` and `wall` are the agent's clocks, advanced by the console.

    `wall_offset` is how far the two lay apart at the newest reading: a wall clock may be set, and suspends may happen.
    """

    now: float = 0.0
    wall: float = 0.0
    wall_offset: float = 0.0
    link: Link = Link.CONNECTING
    link_note: str = ""
    own_notes: tuple[str, ...] = ()
    welcome: Welcome | None = None
    agent: AgentState | None = None
    sources: dict[str, SourceStatus] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    tables: dict[tuple[str, str], Table] = field(default_factory=dict)
    alerts: AlertsView = field(default_factory=AlertsView)
    runs: tuple[Run, ...] = ()
    actions: tuple[ActionInfo, ...] = ()
    audit: tuple[AuditRow, ...] = ()
    tracks: dict[SeriesId, Track] = field(default_factory=dict)

    @property
    def knows_what_fires(self) -> bool:
        """Whether silence of the alerts means that nothing fires: the agent talks and has looked at every source."""
        states = [status.state for status in self.sources.values()]
        return self.link is Link.LIVE and bool(states) and SourceState.WAITING not in states

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the lines on the agent and on how this console stands with it."""
        return self.own_notes + (self.agent.notes if self.agent else ())

    def metric(self, name: str, source: str = "") -> Metric | None:
        """Return what is known of a metric: the catalogue's word, or the source's own declaration."""
        known = CATALOGUE.get(name)
        if known is not None or source not in self.sources:
            return known
        return next((metric for metric in self.sources[source].metrics if metric.name == name), None)

    def sources_of(self, *kinds: str) -> list[SourceStatus]:
        """Return the sources of these kinds, by name."""
        return sorted((status for status in self.sources.values() if status.kind in kinds), key=lambda each: each.name)

    def samples(self, source: str, metric: str) -> Iterator[Sample]:
        """Yield the latest samples of a metric, one for each set of attributes."""
        reading = self.readings.get(source)
        if reading is not None:
            yield from (sample for sample in reading.samples if sample.metric == metric)

    def value(self, source: str, metric: str, attributes: Attributes = ()) -> float | None:
        """Return the latest value of a series; None when it is missing: never 0."""
        for sample in self.samples(source, metric):
            if sample.attributes == attributes:
                return sample.value
        return None

    def age(self, source: str) -> float | None:
        """Return the seconds since the source's last reading, None when there is none."""
        reading = self.readings.get(source)
        return None if reading is None else max(0.0, self.now - reading.monotonic)

    def is_stale(self, source: str) -> bool:
        """Return whether the source's figures are too old to be taken for the present.

        Without the agent that is so once the next figures are overdue: nobody polls.
        """
        age, status = self.age(source), self.sources.get(source)
        if age is None or status is None:
            return True
        limit = 2 * status.interval if self.link in (Link.LOST, Link.SILENT) else stale_after(status.interval)
        return age > limit or status.state is SourceState.STALE

    def track(self, source: str, metric: str, attributes: Attributes = ()) -> Track | None:
        """Return the recent past of a series, None when it is not watched."""
        return self.tracks.get(SeriesId(source, metric, attributes))
