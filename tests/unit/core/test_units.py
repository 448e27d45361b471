"""Numbers as the screen shows them."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.core.metric import Kind, Metric, gauge, rate, ratio
from perftui.core.units import show, show_metric

MIB = 1024.0**2


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 %"),
        (0.004, "0.4 %"),
        (0.05, "5 %"),
        (0.0523, "5.2 %"),
        (0.0999, "10 %"),
        (0.73, "73 %"),
        (0.805, "80 %"),
        (0.9735, "97 %"),
        (0.998, "99.8 %"),
        (0.99999, "99.9 %"),
        (1.0, "100 %"),
        (1.37, "137 %"),
    ],
)
def test_ratios_are_per_cent_and_only_all_of_it_is_a_hundred(value: float, shown: str) -> None:
    assert str(show(value, "1", kind=Kind.RATIO)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "0.98 KiB"),
        (1536, "1.5 KiB"),
        (3.1 * 1024**3, "3.1 GiB"),
        (1023.9 * MIB, "1 GiB"),
        (24.94 * 1024**3, "24.9 GiB"),
        (5e18, "4441 PiB"),
        (-2048, "-2 KiB"),
    ],
)
def test_bytes_are_in_binary_units(value: float, shown: str) -> None:
    assert str(show(value, "By")) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0 s"),
        (0.0000004, "0.4 µs"),
        (0.000052, "52 µs"),
        (0.0004, "0.4 ms"),
        (0.0123, "12.3 ms"),
        (0.9996, "1 s"),
        (1.04, "1 s"),
        (12.34, "12.3 s"),
        (59.6, "1m"),
        (130, "2m10s"),
        (3600, "1h"),
        (3661, "1h01m"),
        (86400 * 9 + 4 * 3600, "9d4h"),
        (86400, "1d"),
        (-0.25, "-250 ms"),
        (-130, "-2m10s"),
    ],
)
def test_durations_are_read_at_a_glance(value: float, shown: str) -> None:
    assert str(show(value, "s")) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (12_400, "{job}", "12.4k"),
        (999, "{job}", "999"),
        (999.6, "{job}", "1k"),
        (84.0, "{job}/s", "84"),
        (61.24, "{job}/s", "61.2"),
        (0.0002, "1/s", "0"),
        (-0.0002, "1/s", "0"),
        (2_500_000, "1", "2.5M"),
        (41.2 * MIB, "By/s", "41.2 MiB/s"),
        (67.5, "Cel", "67.5 °C"),
    ],
)
def test_counts_rates_and_temperatures(value: float, unit: str, shown: str) -> None:
    assert str(show(value, unit)) == shown


def test_missing_is_a_dash_and_never_zero() -> None:
    for metric in (gauge("a", "By", ""), rate("b", "1/s", ""), ratio("c", "")):
        assert str(show_metric(metric, None)) == "–"


def test_the_unit_stands_apart_so_that_it_can_be_dimmed() -> None:
    assert show(12_400, "{job}") == ("12.4", "k")
    assert show(0.5, "1", kind=Kind.RATIO) == ("50", "%")


@pytest.mark.parametrize("unit", ["s", "By", "By/s", "1", "Cel", "{job}"])
@pytest.mark.parametrize("make", [gauge, rate])
def test_what_is_no_number_is_shown_all_the_same(make: Callable[[str, str, str], Metric], unit: str) -> None:
    shown = [str(show_metric(make("a", unit, ""), value)) for value in (math.inf, -math.inf, math.nan)]
    assert shown == ["∞", "-∞", "–"]
    assert str(show(math.inf, "1", kind=Kind.RATIO)) == "∞"


@given(st.floats(-1e15, 1e15), st.sampled_from(["By", "By/s", "{job}", "Cel", "s"]))
def test_numbers_stay_short_and_never_show_a_negative_zero(value: float, unit: str) -> None:
    shown = show(value, unit)
    assert not shown.number.startswith("-0") or float(shown.number) != 0
    if unit in ("By", "{job}"):
        assert len(shown.number.lstrip("-").replace(".", "")) <= 4
