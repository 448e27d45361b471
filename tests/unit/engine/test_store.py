from perftui.core.reading import Reading, Sample
from perftui.engine.store import SourceHistory


def reading(wall: float, **values: float) -> Reading:
    samples = tuple(Sample(name, value) for name, value in values.items())
    return Reading(source="s", monotonic=wall, wall=wall, duration=0.0, samples=samples)


def test_series_share_one_time_axis_and_missing_samples_are_gaps() -> None:
    history = SourceHistory(capacity=10)
    history.add(reading(1, a=1.0))
    history.add(reading(2, a=2.0, b=20.0))
    history.add(reading(3, b=30.0))
    assert list(history.points("a", ())) == [(1, 1.0), (2, 2.0), (3, None)]
    assert list(history.points("b", ())) == [(2, 20.0), (3, 30.0)]
    assert list(history.points("c", ())) == []


def test_only_the_last_readings_are_kept() -> None:
    history = SourceHistory(capacity=3)
    for wall in range(10):
        history.add(reading(wall, a=float(wall)))
    assert list(history.points("a", ())) == [(7, 7.0), (8, 8.0), (9, 9.0)]


def test_a_series_that_comes_back_after_long_absence_has_only_gaps_between() -> None:
    history = SourceHistory(capacity=3)
    history.add(reading(0, a=1.0))
    for wall in range(1, 6):
        history.add(reading(wall, b=0.0))
    history.add(reading(6, a=2.0))
    assert list(history.points("a", ())) == [(4, None), (5, None), (6, 2.0)]


def test_series_that_are_gone_for_good_are_forgotten() -> None:
    history = SourceHistory(capacity=100)
    history.add(reading(0, gone=1.0))
    for wall in range(1, 300):
        history.add(reading(wall, a=1.0))
    assert len(history) == 1


def test_the_number_of_series_is_bounded() -> None:
    history = SourceHistory(capacity=2)
    history.add(reading(0, **{f"m{number}": 1.0 for number in range(3000)}))
    assert len(history) == 2000
