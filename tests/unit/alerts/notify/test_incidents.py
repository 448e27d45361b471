"""Incidents in virtual time: what a route is told of what fires, and what it is spared."""

from perftui.core.alert import AlertState, Severity
from tests.unit.alerts.notify.stage import Told, acked, alert, critical, ended, muted, route, unseen, well


def test_one_alert_is_told_once_after_the_wait_of_its_group_and_at_its_end() -> None:
    told = Told()
    memory = alert()
    assert told.pass_time(10, memory) == []
    (first,) = told.step(memory)
    assert first.title == "warning: cache-1 memory is full"
    assert (first.sequence, first.resolved, first.host, first.severity) == (1, False, "web-1", Severity.WARNING)
    assert told.pass_time(600, memory) == []
    assert told.pass_time(60) == []
    (last,) = told.step()
    assert last.title == "resolved: cache-1 memory is full after 1m40s"
    assert (last.dedup_key, last.sequence, last.resolved) == (first.dedup_key, 2, True)
    assert told.disk == {}


def test_the_next_time_is_another_incident() -> None:
    told = Told()
    told.pass_time(11, alert())
    told.pass_time(61)
    told.pass_time(11, alert())
    first, _, again = told.all
    assert again.dedup_key != first.dedup_key
    assert again.sequence == 1


def test_alerts_of_a_group_are_told_together_the_worst_first() -> None:
    told = Told()
    told.pass_time(5, alert(rule="a"))
    (first,) = told.pass_time(6, alert(rule="a"), critical(rule="z"), critical(rule="y"))
    assert first.title == "3 alerts on cache-1: 2 critical, 1 warning"
    assert [entry.rule for entry in first.firing] == ["y", "z", "a"]


def test_a_new_critical_waits_only_for_its_group_other_news_longer() -> None:
    told = Told()
    told.pass_time(11, alert())
    assert told.pass_time(10, alert(), critical()) == []
    (worse,) = told.step(alert(), critical())
    assert (worse.sequence, worse.severity) == (2, Severity.CRITICAL)
    assert told.pass_time(60, alert(), critical(), alert(rule="other")) == []
    (news,) = told.step(alert(), critical(), alert(rule="other"))
    assert (news.sequence, len(news.firing)) == (3, 3)


def test_a_rise_to_critical_is_urgent_and_a_fall_is_no_news() -> None:
    told = Told()
    told.pass_time(11, alert())
    (worse,) = told.pass_time(11, alert(severity=Severity.CRITICAL))
    assert worse.title == "critical: cache-1 memory is full"
    assert told.pass_time(600, alert()) == []


def test_some_that_end_are_told_and_the_last_closes_the_incident() -> None:
    told = Told()
    told.pass_time(11, alert(rule="a"), alert(rule="b"))
    (part,) = told.pass_time(61, alert(rule="b"))
    assert part.title == "still warning: cache-1 b is full; 1 ended"
    assert not part.resolved
    (last,) = told.pass_time(61)
    assert last.resolved
    assert [entry.rule for entry in last.ended] == ["b"]


def test_one_that_comes_back_before_its_end_was_told_is_no_news() -> None:
    told = Told()
    told.pass_time(11, alert())
    assert told.pass_time(50) == []
    assert told.pass_time(600, alert()) == []


def test_a_short_blip_is_never_told() -> None:
    told = Told()
    told.pass_time(5, alert())
    assert told.pass_time(600) == []


def test_what_ends_because_nobody_looks_any_more_says_so() -> None:
    told = Told()
    told.pass_time(11, alert())
    (last,) = told.pass_time(61, end_as=AlertState.UNKNOWN)
    assert last.resolved
    assert last.title == "ended, state unknown: cache-1 memory is full after 1m40s"
    assert not last.ended[0].known


def test_one_whose_end_nobody_reported_is_closed_all_the_same() -> None:
    told = Told()
    told.pass_time(11, alert())
    told.firing = {}  # as after a rule was taken away
    (last,) = told.pass_time(61)
    assert last.resolved
    assert not last.ended[0].known


def test_one_muted_from_the_start_is_never_told_and_once_unmuted_it_is() -> None:
    told = Told()
    assert told.pass_time(600, muted(alert())) == []
    assert len(told.pass_time(11, alert())) == 1


def test_one_muted_before_its_group_is_told_is_not_told() -> None:
    told = Told()
    told.pass_time(5, alert())
    assert told.pass_time(60, muted(alert())) == []


def test_the_end_of_one_muted_after_it_was_told_is_told() -> None:
    told = Told()
    told.pass_time(11, alert())
    assert told.pass_time(5 * 3600, muted(alert(severity=Severity.CRITICAL))) == []
    (last,) = told.pass_time(61)
    assert last.resolved


def test_an_acknowledged_alert_is_not_repeated_but_its_rise_and_its_end_are_told() -> None:
    told = Told()
    told.pass_time(11, alert())
    assert told.pass_time(9 * 3600, acked(alert())) == []
    (worse,) = told.pass_time(61, acked(alert(severity=Severity.CRITICAL)))
    assert worse.severity is Severity.CRITICAL
    (last,) = told.pass_time(61)
    assert last.resolved


def test_one_acknowledged_before_it_was_told_is_not_told_unless_it_gets_worse_than_that() -> None:
    told = Told()
    told.pass_time(5, alert())
    assert told.pass_time(600, acked(alert())) == []
    (worse,) = told.pass_time(11, acked(critical(rule="memory")))
    assert worse.severity is Severity.CRITICAL


def test_a_rise_that_was_acknowledged_before_it_was_told_is_not_told() -> None:
    told = Told()
    told.pass_time(11, alert())
    told.pass_time(5, critical(rule="memory"))
    assert told.pass_time(600, acked(critical(rule="memory"))) == []


def test_an_ack_covers_no_less_after_a_fall_and_no_more_after_a_gap() -> None:
    told = Told()
    assert told.pass_time(30, acked(critical())) == []
    assert told.pass_time(30, acked(alert(rule="refused"))) == []
    assert told.pass_time(30, acked(critical())) == []
    told.pass_time(30, acked(alert(source="db-1")))
    told.pass_time(30)
    assert len(told.pass_time(11, acked(critical(source="db-1", rule="memory")))) == 1


def test_one_whose_ack_is_taken_back_is_told() -> None:
    told = Told()
    told.pass_time(60, acked(alert()))
    assert len(told.pass_time(11, alert())) == 1


def test_news_beside_an_acknowledged_alert_does_not_name_it_again() -> None:
    told = Told()
    told.pass_time(11, critical())
    (news,) = told.pass_time(61, acked(critical()), alert(rule="other"))
    assert news.title == "warning: cache-1 other is full"
    (end,) = told.pass_time(61, acked(critical()))
    assert (end.title, end.resolved) == ("ended: cache-1 other is full after 1m40s", False)


def test_what_still_fires_is_repeated() -> None:
    told = Told(slack=route(repeat=3600))
    told.pass_time(11, alert())
    (again,) = told.pass_time(3600, alert())
    assert (again.title, again.sequence) == ("still warning: cache-1 memory is full", 2)
    assert told.pass_time(3599, alert()) == []


def test_zero_repeats_never_and_what_is_unknown_is_not_said_to_fire_still() -> None:
    assert len(repeats := Told(slack=route(repeat=0)).pass_time(86400, alert())) == 1, repeats
    told = Told(slack=route(repeat=60))
    told.pass_time(11, alert())
    assert told.pass_time(600, unseen(alert())) == []


def test_what_is_well_just_now_is_not_said_to_fire_still() -> None:
    told = Told(slack=route(repeat=60))
    told.pass_time(11, alert(), critical())
    assert told.pass_time(600, well(alert()), well(critical())) == []
    (again,) = told.step(alert(), well(critical()))
    assert again.title.startswith("still 2 alerts")


def test_what_is_only_for_information_is_not_repeated() -> None:
    told = Told(slack=route(repeat=60))
    told.pass_time(11, alert(severity=Severity.INFO))
    assert told.pass_time(600, alert(severity=Severity.INFO)) == []


def test_a_critical_alert_whose_end_was_told_is_told_anew_at_once() -> None:
    told = Told()
    down = critical(cooldown=600)
    (first,) = told.pass_time(30, down)
    (end,) = told.pass_time(61)
    assert end.resolved
    told.pass_time(60)
    assert told.pass_time(10, down) == []
    (second,) = told.step(down)
    assert (second.title, second.sequence) == (first.title, 1)
    assert second.dedup_key != first.dedup_key


def test_one_whose_end_was_told_among_others_is_told_anew_in_their_conversation() -> None:
    told = Told()
    down = critical(cooldown=600)
    told.pass_time(30, down, alert())
    told.pass_time(90, alert())
    (second,) = told.pass_time(11, down, alert())
    assert second.firing[0].severity is Severity.CRITICAL


def test_a_critical_alert_that_comes_back_as_a_warning_waits_until_it_is_critical() -> None:
    told = Told()
    told.pass_time(11, critical(cooldown=600))
    told.pass_time(61)
    assert told.pass_time(60, alert(rule="refused", cooldown=600)) == []
    assert len(told.pass_time(11, critical(cooldown=600))) == 1


def test_where_no_ends_are_told_the_cooldown_holds_for_critical_alerts_too() -> None:
    told = Told(slack=route(resolved=False))
    told.pass_time(11, critical(cooldown=600))
    told.pass_time(61)
    assert told.pass_time(500, critical(cooldown=600)) == []


def test_firing_anew_waits_for_the_end_of_the_cooldown() -> None:
    told = Told()
    again = alert(cooldown=600)
    told.pass_time(11, again)
    told.pass_time(61)
    assert told.pass_time(548, again) == []
    assert told.step(again)[0].sequence == 1
    assert not [row for row in told.disk if row[0] == "cooldown"]


def test_one_that_is_over_when_the_cooldown_is_over_is_not_told() -> None:
    told = Told()
    told.pass_time(11, alert(cooldown=600))
    told.pass_time(61)
    told.pass_time(300, alert(cooldown=600))
    assert told.pass_time(900) == []


def test_a_rise_in_severity_passes_the_cooldown() -> None:
    told = Told()
    told.pass_time(11, alert(cooldown=600))
    told.pass_time(61)
    (worse,) = told.pass_time(11, alert(severity=Severity.CRITICAL, cooldown=600))
    assert worse.severity is Severity.CRITICAL


def test_routes_take_what_agrees_with_them_and_rules_may_name_theirs() -> None:
    told = Told(
        pager=route(severities=(Severity.CRITICAL,)),
        orders=route(matchers={"source": "orders-*"}),
        mail=route(),
    )
    firing = (critical("orders-db"), alert("cache-1"), alert("cache-2", notify=("mail",)))
    told.pass_time(11, *firing)
    by_route = {each.route: [entry.source for entry in each.firing] for each in told.all if each.route != "mail"}
    assert by_route == {"pager": ["orders-db"], "orders": ["orders-db"]}
    assert {entry.source for each in told.all if each.route == "mail" for entry in each.firing} == {
        "orders-db",
        "cache-1",
        "cache-2",
    }


def test_a_route_groups_by_its_own_labels() -> None:
    told = Told(slack=route(group_by=("rule",)))
    (one,) = told.pass_time(11, alert("a"), alert("b"), alert("c"))
    assert one.title == "3 alerts on 3 sources: 3 warning"


def test_a_route_that_wants_no_ends_hears_none() -> None:
    told = Told(slack=route(resolved=False))
    told.pass_time(11, alert(rule="a"), alert(rule="b"))
    assert told.pass_time(61, alert(rule="a")) == []
    (news,) = told.pass_time(61, alert(rule="a"), alert(rule="c"))
    assert news.ended == ()
    assert told.pass_time(120) == []
    assert told.disk == {}


def test_bodies_are_bounded_and_count_the_rest() -> None:
    told = Told()
    many = [alert(rule=f"r{number:03}") for number in range(300)]
    (first,) = told.pass_time(11, *many)
    assert (len(first.firing), first.more) == (20, 280)
    (part,) = told.pass_time(61, *many[100:])
    assert (len(part.firing), len(part.ended), part.more) == (15, 5, 280)


def test_after_a_restart_the_conversation_goes_on() -> None:
    told = Told()
    told.pass_time(11, alert(cooldown=600))
    told.restart(shift=-500.0)
    assert told.pass_time(30, unseen(alert(cooldown=600))) == []
    assert told.pass_time(30, alert(cooldown=600)) == []
    (last,) = told.pass_time(61)
    assert (last.dedup_key, last.sequence, last.resolved) == (told.all[0].dedup_key, 2, True)
    told.restart(shift=100_000.0)
    assert told.pass_time(400, alert(cooldown=600)) == []
    assert len(told.pass_time(200, alert(cooldown=600))) == 1


def test_one_that_nobody_has_seen_since_a_restart_is_no_news_until_it_is_seen() -> None:
    told = Told()
    assert told.pass_time(300, unseen(alert())) == []
    assert len(told.pass_time(11, alert())) == 1


def test_one_that_ended_while_nobody_watched_is_told_as_ended() -> None:
    told = Told()
    told.pass_time(11, alert())
    told.firing = {}
    told.restart()
    (last,) = told.pass_time(61)
    assert last.resolved


def test_rows_that_cannot_be_read_and_those_of_lost_routes_are_dropped() -> None:
    told = Told(slack=route(), mail=route())
    told.pass_time(11, alert())
    told.disk["incident", "broken"] = b"\xff"
    del told.routes["mail"]
    told.restart()
    told.step(alert())
    assert len(told.disk) == 1


def test_with_a_route_its_incidents_go() -> None:
    told = Told(slack=route(), mail=route())
    told.pass_time(11, alert())
    told.incidents.use({"mail": route()})
    assert [each.route for each in told.pass_time(61)] == ["mail"]
    assert told.disk == {}


def test_alertmanagers_are_not_told() -> None:
    from perftui.config.notify import Route

    assert Told(am=Route(alertmanager="http://h:9093")).pass_time(60, alert()) == []


def test_notes_say_what_became_of_it() -> None:
    told = Told()
    one = alert(cooldown=600)
    assert told.incidents.notes(one.key) == ()
    told.pass_time(3, one)
    assert told.incidents.notes(one.key) == ("slack: next in 8 s with its group",)
    told.pass_time(8, one)
    (note,) = told.incidents.notes(one.key)
    assert note == "told slack 22:13:31"
    told.pass_time(61)
    told.pass_time(9, one)
    (note,) = told.incidents.notes(one.key)
    assert note.startswith("slack: held back, told 1m10s ago, again from ")


def test_a_note_does_not_say_told_of_what_was_not_delivered() -> None:
    told = Told()
    (first,) = told.pass_time(11, alert())
    held = frozenset({("slack", first.dedup_key)})
    assert told.incidents.notes(alert().key, held) == ("queued for slack 22:13:31, not delivered",)
    assert told.incidents.notes(alert().key, frozenset({("mail", first.dedup_key)})) == ("told slack 22:13:31",)


def test_an_alert_that_ended_and_fires_again_at_the_same_moment_goes_on() -> None:
    told = Told()
    told.pass_time(11, alert())
    assert told.incidents.step([alert()], [ended(alert())]) == []
    assert told.pass_time(600, alert()) == []
