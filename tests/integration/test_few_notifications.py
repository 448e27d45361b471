"""From readings to notifications, all of it: what flickers, or comes by the thousand, is few messages."""

import pytest

from perftui.alerts.desk import Desk
from perftui.alerts.notify.incidents import Incidents
from perftui.alerts.notify.notification import Notification
from perftui.alerts.rules.rule import Rule
from perftui.config.notify import Route
from perftui.core.reading import Sample
from perftui.core.series import attributes
from tests.unit.alerts.evaluation.scene import Scene, rule

HOUR = 3600


class Told(Scene):
    """A scene whose alerts go through the desk to one route."""

    def __init__(self, *rules: Rule) -> None:
        super().__init__(*rules)
        self._desk = Desk(self.clock)
        self._incidents = Incidents({"slack": Route(exec=("page",))}, self.clock, "web-3")
        self.all: list[Notification] = []

    def second(self, *samples: Sample, jump: float = 0.0) -> None:
        """Let a second pass and read; `jump` is by how much somebody sets the wall clock."""
        self.clock.jump(jump)
        self.read(*samples)
        ended = self._desk.ended(self.engine.take_ended())
        self.all += self._incidents.step(self._desk.judge(self.engine.firing()), ended)


@pytest.mark.parametrize("critical", [None, 0.8])
@pytest.mark.parametrize("clear_for", [0.0, 10.0])
@pytest.mark.parametrize("period", [1, 2, 5, 9])
def test_a_metric_that_crosses_its_level_for_an_hour_is_two_messages_at_most(
    period: int, clear_for: float, critical: float | None
) -> None:
    told = Told(rule(clear_for=clear_for, cooldown=600.0, critical=critical))
    for second in range(HOUR):
        told.second(Sample("load", 0.9 if second // period % 2 else 0.1))
    for _ in range(300):
        told.second(Sample("load", 0.1))
    assert [each.resolved for each in told.all] == [False, True]


def test_a_second_outage_soon_after_the_end_of_the_first_was_told_is_told() -> None:
    told = Told(rule(critical=0.8, hold=10.0, clear_for=10.0, cooldown=600.0))
    for seconds, load in ((120, 0.9), (140, 0.1), (390, 0.9), (140, 0.1)):
        for _ in range(seconds):
            told.second(Sample("load", load))
    assert [each.resolved for each in told.all] == [False, True, False, True]
    lag = told.all[2].created - told.all[0].created - (120 + 140)
    assert abs(lag) <= 1.0


@pytest.mark.parametrize("period", [80, 150, 300])
def test_a_critical_level_crossed_slowly_for_hours_is_a_few_messages_an_hour(period: int) -> None:
    told = Told(rule(critical=0.8, cooldown=600.0))
    for second in range(3 * HOUR):
        told.second(Sample("load", 0.1 if second // period % 2 else 0.9))
    for _ in range(700):
        told.second(Sample("load", 0.1))
    assert [each.resolved for each in told.all] == [False, True] * 4


def test_a_thousand_alerts_of_one_cause_are_three_messages_at_most() -> None:
    told = Told(rule(critical=0.8))
    shards = [attributes({"shard": str(number)}) for number in range(1000)]
    for second in range(120):
        told.second(*(Sample("load", 0.9 if place < second * 100 else 0.1, each) for place, each in enumerate(shards)))
    assert 1 <= len(told.all) <= 3
    last = told.all[-1]
    assert len(last.firing) + last.more == 1000


@pytest.mark.parametrize("jump", [600.0, -600.0, 43_200.0, -43_200.0])
def test_a_wall_clock_that_jumps_tells_nothing_more_and_nothing_less(jump: float) -> None:
    told = Told(rule(hold=30.0, cooldown=600.0))
    for second in range(300):
        told.second(Sample("load", 0.9 if second < 150 else 0.1), jump=jump if second in (20, 100, 160) else 0.0)
    assert [each.resolved for each in told.all] == [False, True]
