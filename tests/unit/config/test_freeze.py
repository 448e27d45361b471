"""Freeze windows: each week and once, around midnight and the end of the week."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.config.freeze import DAYS, WEEK, covers, holds, parse, words
from perftui.config.remedies import Freeze

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
MINUTES = st.integers(0, 7 * 24 * 60 - 1)


def weekly(minute: int) -> str:
    return f"{DAYS[minute // 1440]} {minute % 1440 // 60:02d}:{minute % 60:02d}"


@given(start=MINUTES, length=st.integers(1, 7 * 24 * 60 - 1), at=MINUTES, weeks=st.integers(-3000, 3000))
def test_a_weekly_window_holds_from_its_start_for_its_length(start: int, length: int, at: int, weeks: int) -> None:
    freeze = Freeze(start=weekly(start), until=weekly((start + length) % 10080))
    wall = MONDAY.timestamp() + weeks * WEEK + at * 60
    inside = (at - start) % 10080
    end = holds(freeze, wall)
    assert (end is not None) == (inside < length)
    if end is not None:
        assert end == wall + (length - inside) * 60
        assert holds(freeze, end) is None


def test_a_weekend() -> None:
    freeze = Freeze(start="fri 16:00", until="mon 08:00")
    friday = MONDAY + timedelta(days=4, hours=16)
    assert holds(freeze, friday.timestamp() - 1) is None
    end = holds(freeze, friday.timestamp())
    assert end == (MONDAY + timedelta(days=7, hours=8)).timestamp()
    assert words(end, friday.timestamp()) == "mon 08:00"


def test_once_and_its_end_is_told_with_its_date_when_it_is_far() -> None:
    freeze = Freeze(start="2026-12-24 00:00", until="2027-01-02 06:30")
    start = datetime(2026, 12, 24, tzinfo=UTC).timestamp()
    end = datetime(2027, 1, 2, 6, 30, tzinfo=UTC).timestamp()
    assert [holds(freeze, wall) for wall in (start - 1, start, end - 1, end)] == [None, end, end, None]
    assert words(end, start) == "2027-01-02 06:30"


@pytest.mark.parametrize(
    ("start", "until", "says"),
    [
        ("friday 16:00", "mon 08:00", 'from "friday 16:00" is no time'),
        ("fri 24:00", "mon 08:00", "is no time"),
        ("fri 16:00", "mon 8:00", 'until "mon 8:00" is no time'),
        ("2026-02-30 00:00", "2026-03-01 00:00", "is no time"),
        ("fri 16:00", "2026-12-24 00:00", "must be written alike"),
        ("fri 16:00", "fri 16:00", "is not after"),
        ("2026-12-24 00:00", "2026-12-23 00:00", "is not after"),
        ("", "", "is no time"),
    ],
)
def test_what_is_no_window_is_said(start: str, until: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse(start, until)


def test_the_sources_are_patterns() -> None:
    freeze = Freeze(start="fri 16:00", until="mon 08:00", sources=("db-*", "cache-1"))
    assert [covers(freeze, name) for name in ("db-7", "cache-1", "cache-12")] == [True, True, False]
    assert covers(Freeze(start="", until=""), "anything")
