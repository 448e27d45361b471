"""Marks on the axis of a chart: where they happened, never over another word, the newest first."""

import pytest

from perftui.core.series import SeriesId
from perftui.tui.panes.moments import Moment, acted, happened, with_marks
from perftui.tui.widgets.text import plain, width
from tests.support import acts, states

AXIS = [("    02:00" + " " * 14 + "02:07" + " " * 15 + "now", "dim")]


def marked(*moments: Moment) -> str:
    line = with_marks(AXIS, moments, lambda wall: wall / 100, 4, 42)
    assert width(line) == width(AXIS)
    return plain(line)


def test_a_mark_stands_where_it_happened() -> None:
    assert marked(Moment(25, "▲c", "accent")).index("▲c") == 4 + 10


@pytest.mark.parametrize("wall", [0, 50, 99.9], ids=["begin", "middle", "end"])
def test_a_mark_never_covers_the_time(wall: float) -> None:
    assert marked(Moment(wall, "▲c", "accent")) == plain(AXIS)


@pytest.mark.parametrize("wall", [-5, 101])
def test_what_is_out_of_sight_has_no_mark(wall: float) -> None:
    assert marked(Moment(wall, "▲c", "accent")) == plain(AXIS)


def test_of_two_at_one_place_the_newer_one_is_shown() -> None:
    assert "▲w" in marked(Moment(25, "▲c", "accent"), Moment(25.5, "▲w", "accent"))


def test_every_action_is_marked_once_with_the_key_of_its_picker() -> None:
    moments = acted(acts.with_actions(states.incident()))
    assert [moment.words for moment in moments] == ["▲o", "▲c", "▲c", "▲c", "▲r"]


def test_the_alerts_of_the_series_are_marked_too() -> None:
    state = states.incident()
    alert = state.alerts.firing[0]
    words = [moment.words for moment in happened(state, SeriesId(alert.source, alert.metric, alert.attributes))]
    assert words == ["✖"]
