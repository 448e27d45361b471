"""Counters into rates: what was not seen is never made up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.core.rates import Counters, Delta, share


def test_a_rate_is_the_growth_over_the_measured_interval() -> None:
    counters = Counters()
    assert counters.rate("hits", 100, at=10.0) is None
    assert counters.rate("hits", 150, at=12.5) == 20.0


def test_a_drop_is_a_reset_and_the_next_growth_counts_from_there() -> None:
    counters = Counters()
    counters.rate("hits", 1000, at=1.0)
    assert counters.rate("hits", 3, at=2.0) is None
    assert counters.rate("hits", 8, at=3.0) == 5.0


def test_a_gap_gives_no_rate_across_it() -> None:
    counters = Counters()
    counters.rate("hits", 10, at=1.0)
    assert counters.rate("hits", None, at=2.0) is None
    assert counters.rate("hits", 500, at=3.0) is None
    assert counters.rate("hits", 501, at=4.0) == 1.0


def test_no_time_passed_is_no_rate_and_keeps_the_first_value() -> None:
    counters = Counters()
    counters.rate("hits", 10, at=1.0)
    assert counters.rate("hits", 20, at=1.0) is None
    assert counters.rate("hits", 20, at=0.5) is None
    assert counters.rate("hits", 30, at=2.0) == 20.0


def test_counters_do_not_mix_and_a_reset_forgets_them_all() -> None:
    counters = Counters()
    counters.rate(("rx", "eth0"), 10, at=1.0)
    assert counters.rate(("rx", "eth1"), 10, at=2.0) is None
    counters.reset()
    assert counters.rate(("rx", "eth0"), 20, at=3.0) is None


def test_standing_still_is_a_rate_of_zero_and_not_missing() -> None:
    counters = Counters()
    counters.delta("hits", 7, at=1.0)
    assert counters.delta("hits", 7, at=2.0) == Delta(0, 1.0)


def test_what_is_no_longer_seen_is_forgotten_and_what_is_seen_is_kept() -> None:
    counters = Counters()
    for second in range(600):
        assert counters.rate(("rx", f"veth{second}"), 5, at=float(second)) is None
        counters.rate("rx", second, at=float(second))
    assert counters.rate("rx", 600, at=600.0) == 1.0
    assert len(counters) < 140


def test_a_counter_that_is_polled_once_a_day_is_not_forgotten() -> None:
    counters = Counters()
    days = [counters.rate("jobs", day * 86400, at=day * 86400.0) for day in range(200)]
    assert days[1:] == [1.0] * 199


def test_many_looks_at_once_forget_nothing() -> None:
    counters = Counters()
    for pid in range(500):
        counters.rate(pid, 1, at=10 + pid / 1000)
    assert all(counters.rate(pid, 2, at=11 + pid / 1000) is not None for pid in range(500))


@given(st.lists(st.integers(0, 2**63), min_size=2, max_size=20))
def test_a_rate_is_never_negative(values: list[int]) -> None:
    counters = Counters()
    for second, value in enumerate(values):
        rate = counters.rate("c", value, at=float(second))
        assert rate is None or rate >= 0


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(73, 100, 0.73), (0, 5, 0.0), (5, 0, None), (None, 5, None), (5, None, None), (6, 5, 1.0), (-1, 5, 0.0)],
)
def test_a_share_of_nothing_is_missing(part: float | None, whole: float | None, expected: float | None) -> None:
    assert share(part, whole) == expected
