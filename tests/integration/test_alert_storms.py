"""Many alerts at once, and alerts that flicker: few notifications, and nothing lost."""

import random

import pytest

from perftui.alerts.notify.incident import RESTLESS_WAIT
from perftui.core.alert import Alert, Severity
from tests.unit.alerts.notify.stage import Told, alert, critical, route


def storm(count: int, sources: int) -> list[Alert]:
    """Return `count` alerts spread over `sources`, every third critical."""
    return [
        alert(
            f"host-{number % sources}",
            f"rule-{number // sources}",
            Severity.CRITICAL if number % 3 == 0 else Severity.WARNING,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("sources", [1, 1000, 50])
@pytest.mark.parametrize("seed", range(2))
def test_a_thousand_alerts_of_one_cause_are_at_most_three_notifications(sources: int, seed: int) -> None:
    told = Told()
    alerts = storm(1000, sources)
    random.Random(seed).shuffle(alerts)
    for second in range(10):
        told.step(*alerts[: (second + 1) * 100])
    told.pass_time(240, *alerts)
    assert 1 <= len(told.all) <= 3
    assert sum(len(each.firing) + each.more for each in told.all) >= 1000
    assert told.incidents.notes(alerts[-1].key)[0].startswith("told slack ")
    told.pass_time(240)
    assert len(told.all) <= 5
    assert told.all[-1].resolved
    told.pass_time(3600)
    assert told.disk == {}


def test_the_first_of_a_storm_alone_and_the_rest_at_once() -> None:
    told = Told()
    alerts = storm(1000, 1000)
    told.pass_time(9, alerts[0])
    told.pass_time(240, *alerts)
    assert len(told.all) == 2
    told.pass_time(240)
    assert len(told.all) == 4


@pytest.mark.parametrize("period", [1, 7, 9, 11, 13])
def test_one_that_flickers_for_an_hour_is_at_most_two_notifications(period: int) -> None:
    told = Told()
    for _ in range(3600 // (2 * period)):
        told.pass_time(period, critical(cooldown=600))
        told.pass_time(period)
    told.pass_time(120)
    assert len(told.all) == 2
    assert told.all[-1].resolved


def test_one_that_comes_and_goes_slowly_is_held_by_its_cooldown() -> None:
    told = Told()
    for _ in range(20):
        told.pass_time(90, alert(cooldown=600))
        told.pass_time(90)
    assert len(told.all) <= 14


@pytest.mark.parametrize("cooldown", [0, 600])
@pytest.mark.parametrize("shift", [0.0, -1000.0])
def test_a_critical_one_that_comes_and_goes_slowly_is_not_believed_to_be_over_after_the_third_time(
    cooldown: int, shift: float
) -> None:
    told = Told()
    for number in range(40):
        told.pass_time(90, critical(cooldown=cooldown))
        told.pass_time(90)
        if shift and number in (2, 4):
            told.restart(shift)
    assert [each.resolved for each in told.all] == [False, True] * 3 + [False]
    assert told.pass_time(int(RESTLESS_WAIT) - 90) == []
    (end,) = told.step()
    assert end.resolved
    told.pass_time(3600)
    told.pass_time(11, critical())
    assert [each.resolved for each in told.pass_time(61)] == [True]
    told.pass_time(3600)
    assert told.disk == {}


def test_one_that_is_not_believed_to_be_over_does_not_hold_up_the_ends_of_others() -> None:
    told = Told()
    for _ in range(3):
        told.pass_time(90, critical())
        told.pass_time(90)
    told.pass_time(90, critical(), alert())
    (other,) = told.pass_time(90)
    assert ([entry.rule for entry in other.ended], other.resolved) == (["memory"], False)
    assert told.pass_time(500) == []
    (last,) = told.pass_time(11)
    assert ([entry.rule for entry in last.ended], last.resolved) == (["refused"], True)


def test_a_new_critical_trouble_goes_before_the_rises_of_known_ones() -> None:
    told = Told()
    known = [f"host-{number}" for number in range(8)]
    for number in range(8):
        told.pass_time(60, *(alert(host) for host in known[: number + 1]))
    worse = [alert(host, severity=Severity.CRITICAL) for host in known]
    told.pass_time(20, *worse)
    told.pass_time(41, *worse, critical("other"))
    places = [place for place, each in enumerate(told.all[8:]) if each.firing[0].source == "other"]
    assert places == [2]


def test_groups_that_come_due_together_are_one_digest_with_one_end() -> None:
    told = Told()
    alerts = [critical(f"host-{number}") for number in range(3)]
    (digest,) = told.pass_time(60, *alerts)
    assert digest.title == "3 alerts on 3 sources: 3 critical"
    (part,) = told.pass_time(61, *alerts[1:])
    assert (part.dedup_key, part.resolved) == (digest.dedup_key, False)
    (last,) = told.pass_time(61)
    assert (last.dedup_key, last.resolved) == (digest.dedup_key, True)


def test_two_groups_are_two_incidents() -> None:
    told = Told()
    one, two = told.pass_time(60, alert("a"), alert("b"))
    assert one.dedup_key != two.dedup_key


def test_what_a_storm_brings_later_joins_its_digest_and_all_of_it_is_told() -> None:
    told = Told()
    alerts = [critical(f"host-{number}") for number in range(300)]
    for second in range(300):
        told.step(*alerts[: second + 1])
    told.pass_time(120, *alerts)
    assert len({each.dedup_key for each in told.all}) <= 3
    assert len(told.all) <= 2 + (300 + 120) / 30
    assert all(told.incidents.notes(each.key)[0].startswith("told") for each in alerts)


def test_the_rate_limit_lets_the_most_urgent_go_first_and_loses_nothing() -> None:
    told = Told(slack=route(group_interval=10))
    told.pass_time(11, alert("a"), alert("b"))
    first = told.pass_time(12, alert("a", rule="new"), alert("a"), alert("b"), critical("c"))
    assert first == []
    told.pass_time(60, alert("a", rule="new"), alert("a"), alert("b"), critical("c"))
    later = told.all[2:]
    assert [each.severity for each in later] == [Severity.CRITICAL, Severity.WARNING]


def test_incidents_that_end_together_are_closed_together_and_leave_room_for_what_is_new() -> None:
    told = Told()
    alerts = [alert(f"host-{number}") for number in range(8)]
    for number in range(8):
        told.pass_time(60, *alerts[: number + 1])
    assert len({each.dedup_key for each in told.all}) == 8
    closed = told.pass_time(61, critical("new"))[1:]
    assert [each.resolved for each in closed] == [True] * 8
    assert len(told.pass_time(60, critical("new"), critical("newer"))) == 1


def test_a_note_says_when_the_rate_limit_lets_it_through() -> None:
    told = Told()
    told.pass_time(11, alert("a"), alert("b"))
    told.pass_time(11, alert("a"), alert("b"), alert("c"))
    assert told.incidents.notes(alert("c").key) == ("slack: next in 19 s with its group",)


@pytest.mark.parametrize("jump", [600.0, -600.0, 43200.0, -43200.0])
def test_jumps_of_the_wall_clock_change_nothing(jump: float) -> None:
    def play(told: Told, jump: float) -> list[tuple[int, str, int, bool]]:
        seen = []
        for second in range(1, 2000):
            if second in (5, 300, 905):
                told.clock.jump(jump)
            firing = [critical()] if second < 900 or second > 1500 else []
            seen += [(second, each.route, each.sequence, each.resolved) for each in told.step(*firing)]
        return seen

    settings = route(repeat=600)
    assert play(Told(slack=settings), jump) == play(Told(slack=settings), 0.0)
