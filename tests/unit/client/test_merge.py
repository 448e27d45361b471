import msgspec

from perftui.client.agent_client import AgentClient
from perftui.client.merge import merge_history, merge_update
from perftui.client.state import State, Track
from perftui.core.reading import Reading, Sample, Table
from perftui.core.series import SeriesId
from perftui.core.status import SourceStatus
from perftui.core.wire import AlertsView, HistoryChunk, Update

WATCHED = frozenset({"redis.hit_ratio"})
SERIES = SeriesId("cache-1", "redis.hit_ratio", ())


def update(sequence: int, **topics: object) -> Update:
    raws = {name.replace("__", "/"): msgspec.Raw(msgspec.json.encode(state)) for name, state in topics.items()}
    return Update(sequence, raws)


def reading(wall: float, value: float) -> Reading:
    samples = (Sample("redis.hit_ratio", value), Sample("redis.other", 1.0))
    return Reading(source="cache-1", monotonic=wall, wall=wall, duration=0.0, samples=samples)


def test_an_update_becomes_state() -> None:
    state = State()
    status = SourceStatus(name="cache-1", kind="redis")
    table = Table(columns=("a",), rows=(("x",),))
    topics = {"status__a": status, "reading__cache-1": reading(1, 0.5), "table__a__b": table, "alerts": AlertsView()}
    merge_update(state, update(1, **topics), WATCHED)
    assert state.sources == {"a": status}
    assert state.value("cache-1", "redis.hit_ratio") == 0.5
    assert state.tables == {("a", "b"): table}


def test_watched_series_grow_a_track_and_new_ones_are_named_once() -> None:
    state = State()
    assert merge_update(state, update(1, **{"reading__cache-1": reading(1, 0.5)}), WATCHED) == {SERIES}
    assert merge_update(state, update(2, **{"reading__cache-1": reading(2, 0.6)}), WATCHED) == set()
    assert list(state.tracks[SERIES].values) == [0.5, 0.6]
    assert len(state.tracks) == 1


def test_history_fills_what_was_before_and_what_was_missed() -> None:
    state = State()
    merge_update(state, update(1, **{"reading__cache-1": reading(5, 0.5)}), WATCHED)
    chunk = HistoryChunk(source="cache-1", metric="redis.hit_ratio", wall=[3.0, 4.0, 5.0], values=[0.3, None, 0.9])
    merge_history(state, chunk)
    track = state.tracks[SERIES]
    assert list(zip(track.wall, track.values, strict=True)) == [(3.0, 0.3), (4.0, None), (5.0, 0.5)]


def test_null_means_gone() -> None:
    state = State()
    status = SourceStatus(name="cache-1", kind="redis")
    merge_update(state, update(1, **{"status__cache-1": status, "reading__cache-1": reading(1, 0.5)}), WATCHED)
    merge_update(state, update(2, **{"status__cache-1": None}), WATCHED)
    assert (state.sources, state.readings, state.tracks) == ({}, {}, {})


def test_sources_that_a_full_state_does_not_know_are_forgotten() -> None:
    state = State()
    old, new = SourceStatus(name="old", kind="redis"), SourceStatus(name="new", kind="redis")
    merge_update(state, update(1, status__old=old), WATCHED)
    full = update(1, status__new=new)
    full.known = ("new", "one that follows in the next part")
    merge_update(state, full, WATCHED)
    assert list(state.sources) == ["new"]


def test_unknown_topics_and_fields_are_tolerated() -> None:
    state = State()
    merge_update(state, update(1, weather={"sun": True}, status__a={"name": "a", "kind": "x", "more": 1}), WATCHED)
    assert state.sources["a"].kind == "x"


def test_a_track_goes_on_when_the_clock_is_set_back() -> None:
    track = Track()
    for wall, value in ((100.0, 1.0), (101.0, 2.0), (50.0, 3.0), (51.0, 4.0)):
        track.append(wall, value)
    assert list(zip(track.wall, track.values, strict=True)) == [(50.0, 3.0), (51.0, 4.0)]


def test_the_wall_clock_follows_the_newest_reading() -> None:
    state = State()
    merge_update(state, update(1, **{"reading__cache-1": reading(5, 0.5)}), WATCHED)
    assert state.wall_offset == 0.0
    jumped = msgspec.structs.replace(reading(6, 0.5), wall=6 + 3600.0)
    merge_update(state, update(2, **{"reading__cache-1": jumped}), WATCHED)
    assert state.wall_offset == 3600.0


def test_a_metric_watched_later_has_its_newest_figure_at_once() -> None:
    client = AgentClient()
    merge_update(client.state, update(1, **{"reading__cache-1": reading(1, 0.5)}), frozenset())
    client.watch(WATCHED)
    assert list(client.state.tracks[SERIES].values) == [0.5]
    client.watch(frozenset())
    assert client.state.tracks == {}
