"""Moments: how long nobody watched, whatever the wall clock was set to and whether the machine was started anew."""

import pytest

from perftui.core.clock import ManualClock
from perftui.core.moment import Moment, boot_id, elapsed

BEFORE = Moment(monotonic=1000.0, wall=1_700_000_000.0, boot="one")


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        (Moment(monotonic=1090.0, wall=1_700_000_090.0, boot="one"), 90.0),
        (Moment(monotonic=1090.0, wall=1_700_043_200.0, boot="one"), 90.0),
        (Moment(monotonic=1090.0, wall=1_699_900_000.0, boot="one"), 90.0),
        (Moment(monotonic=12.0, wall=1_700_000_300.0, boot="two"), 300.0),
        (Moment(monotonic=99_999.0, wall=1_700_000_300.0, boot="two"), 300.0),
        (Moment(monotonic=12.0, wall=1_699_999_000.0, boot="two"), 0.0),
        (Moment(monotonic=900.0, wall=1_700_000_300.0, boot="one"), 0.0),
    ],
)
def test_within_a_boot_the_monotonic_clock_tells_and_across_boots_the_wall(after: Moment, seconds: float) -> None:
    assert elapsed(BEFORE, after) == seconds


def test_where_boots_cannot_be_told_apart_the_wall_tells() -> None:
    before, after = Moment(monotonic=1000.0, wall=50.0), Moment(monotonic=1.0, wall=80.0)
    assert elapsed(before, after) == 30.0


def test_now_is_this_instant_of_this_boot() -> None:
    clock = ManualClock(monotonic=5.0, wall=9.0)
    assert Moment.now(clock) == Moment(monotonic=5.0, wall=9.0, boot=boot_id())
    assert boot_id() == boot_id()
