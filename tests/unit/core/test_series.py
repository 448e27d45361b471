"""Series: canonical attributes, and rings that keep the newest samples in order."""

from hypothesis import given
from hypothesis import strategies as st

from perftui.core.series import Ring, SeriesId, attributes


def test_attributes_have_one_order() -> None:
    assert attributes({"state": "wait", "queue": "mail"}) == (("queue", "mail"), ("state", "wait"))
    assert SeriesId("a", "m", attributes({"b": "1", "a": "2"})) == SeriesId("a", "m", attributes({"a": "2", "b": "1"}))


def test_a_missing_sample_stays_missing() -> None:
    ring = Ring(3)
    ring.extend([1.0, None, 0.0])
    assert list(ring) == [1.0, None, 0.0]


@given(st.integers(1, 12), st.lists(st.none() | st.floats(allow_nan=False)))
def test_a_ring_keeps_the_newest_in_order(capacity: int, values: list[float | None]) -> None:
    ring = Ring(capacity)
    ring.extend(values)
    assert list(ring) == values[-capacity:]
    assert len(ring) == min(capacity, len(values))
    assert ring.count == len(values)
