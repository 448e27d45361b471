import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.config.duration import Duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("1.5m", 90), ("1h30m", 5400), ("7d", 604800), ("1 h 5 s", 3605)]
)
def test_reads_what_people_write(text: str, seconds: float) -> None:
    assert Duration.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "30", "s", "-3s", "3 parsecs", "1h-5m", "٣٠", "nan", "1e3s"])
def test_refuses_what_has_no_unit_or_meaning(text: str) -> None:
    with pytest.raises(ValueError, match='is not a duration; write it like "500ms"'):
        Duration.parse(text)


@given(st.integers(min_value=0, max_value=10**11))
def test_what_it_writes_it_reads_again(milliseconds: int) -> None:
    duration = Duration(milliseconds / 1000)
    assert Duration.parse(duration.text) == pytest.approx(duration)
