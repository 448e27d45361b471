"""How what the agent sends becomes State: pure functions over it."""

import msgspec

from perftui.client.state import State, Track
from perftui.core.action import Run
from perftui.core.reading import Reading, Table
from perftui.core.series import SeriesId
from perftui.core.status import SourceStatus
from perftui.core.wire import AgentState, AlertsView, HistoryChunk, Update

_GONE = b"null"


def merge_update(state: State, update: Update, watched: frozenset[str]) -> set[SeriesId]:
    """Take an update into `state`; return the watched series that are new, whose past is worth asking for."""
    new: set[SeriesId] = set()
    for topic, raw in update.topics.items():
        head, _, name = topic.partition("/")
        gone = bytes(raw) == _GONE
        match head:
            case "reading" if not gone:
                reading = msgspec.json.decode(raw, type=Reading)
                state.readings[name] = reading
                state.wall_offset = reading.wall - reading.monotonic
                new |= extend_tracks(state, reading, watched)
            case "status" if not gone:
                state.sources[name] = msgspec.json.decode(raw, type=SourceStatus)
            case "table" if not gone:
                source, _, table = name.partition("/")
                state.tables[source, table] = msgspec.json.decode(raw, type=Table)
            case "alerts":
                state.alerts = msgspec.json.decode(raw, type=AlertsView)
            case "runs":
                state.runs = msgspec.json.decode(raw, type=tuple[Run, ...])
            case "agent":
                state.agent = msgspec.json.decode(raw, type=AgentState)
            case "status" | "reading" | "table":
                _forget(state, head, name)
    if update.known is not None:
        for name in set(state.sources) - set(update.known):
            _forget(state, "status", name)
    return new


def extend_tracks(state: State, reading: Reading, watched: frozenset[str]) -> set[SeriesId]:
    """Add a reading to the tracks of these metrics; return the series that had none."""
    new: set[SeriesId] = set()
    for sample in reading.samples:
        if sample.metric not in watched:
            continue
        series = SeriesId(reading.source, sample.metric, sample.attributes)
        track = state.tracks.get(series)
        if track is None:
            track = state.tracks[series] = Track()
            new.add(series)
        track.append(reading.wall, sample.value)
    return new


def _forget(state: State, head: str, name: str) -> None:
    if head == "table":
        source, _, table = name.partition("/")
        state.tables.pop((source, table), None)
        return
    state.readings.pop(name, None)
    if head == "status":
        state.sources.pop(name, None)
        for series in [series for series in state.tracks if series.source == name]:
            del state.tracks[series]


def merge_history(state: State, chunk: HistoryChunk) -> None:
    """Take a piece of the past of one series into its track."""
    track = state.tracks.get(SeriesId(chunk.source, chunk.metric, chunk.attributes))
    if track is not None:
        track.backfill(zip(chunk.wall, chunk.values, strict=True))
