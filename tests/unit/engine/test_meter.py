import pytest

from perftui.engine.meter import Meter


class Spent:
    """Time that passes and CPU that is used as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.cpu = 0.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr("time.process_time", lambda: self.cpu)

    def half_a_minute(self, share: float) -> None:
        self.now += 30.0
        self.cpu += 30.0 * share


def test_it_backs_off_step_by_step_over_the_budget_and_comes_back_far_below(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = Spent(monkeypatch)
    measure = Meter()
    factors = []
    for share in (0.5, 0.5, 0.5, 0.5, 0.1, 0.01, 0.01, 0.01, 0.01):
        spent.half_a_minute(share)
        factors.append(measure.judge(sources=20))
    assert factors == [2, 4, 8, 8, 8, 4, 2, 1, 1]


def test_the_budget_grows_with_what_there_is_to_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = Spent(monkeypatch)
    measure = Meter()
    spent.half_a_minute(0.5)
    assert measure.judge(sources=300) == 1


def test_nothing_is_judged_within_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    spent = Spent(monkeypatch)
    measure = Meter()
    spent.now, spent.cpu = 29.0, 29.0
    assert measure.judge(sources=1) == 1
