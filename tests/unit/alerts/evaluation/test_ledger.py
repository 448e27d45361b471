"""Episodes that outlive the agent, and rules that change under them."""

import msgspec
import pytest

from perftui.alerts.evaluation.episode import KeptEpisode
from perftui.alerts.kept import Outage
from perftui.alerts.rules.rule import Rule
from perftui.core.alert import AlertState, Severity
from perftui.core.clock import ManualClock
from tests.unit.alerts.evaluation.scene import KNOWN, SOURCE, Scene, rule

LOAD = rule(critical=0.9, hold=20, clear_for=5)
BAD, WORSE, GOOD = 0.75, 0.95, 0.5


@pytest.mark.parametrize("shift", [0.0, -900.0, 1e6])
@pytest.mark.parametrize("away", [0.5, 600.0, 7200.0])
def test_what_fires_is_there_at_once_and_unknown_until_it_is_seen(away: float, shift: float) -> None:
    before = Scene(LOAD).play(*[BAD] * 30)
    before.look(kind="redis", address="10.0.0.5:6379")
    since = before.alert.since
    after = before.restarted(away, LOAD, shift=shift)
    assert after.alert.state is AlertState.UNKNOWN
    assert (after.alert.since, after.alert.kind, after.alert.host) == (since, "redis", "10.0.0.5")
    assert after.alert.summary == "load 75 % above 70 %"
    began = after.clock.monotonic() - (after.alert.began or 0.0)
    assert began == pytest.approx(29 + away)
    after.play(BAD)
    assert (after.alert.state, after.alert.since) == (AlertState.FIRING, since)
    after.play(*[GOOD] * 5)
    assert after.firing
    assert after.play(GOOD).firing == []
    assert after.save() == {"episode": {}}


@pytest.mark.parametrize("shift", [0.0, -900.0, 1e6])
def test_what_is_pending_goes_on_with_the_time_that_it_had_spent(shift: float) -> None:
    before = Scene(LOAD).play(*[BAD] * 11)
    after = before.restarted(3000.0, LOAD, shift=shift).play(*[BAD] * 9)
    assert after.firing == [], "10 s before and 9 after"
    assert after.play(BAD, BAD).firing


def test_a_time_of_another_clock_does_not_hold_up_an_alert_for_days() -> None:
    before = Scene(LOAD).play(*[BAD] * 15)
    before.save()
    after = Scene(LOAD)
    after.clock.advance(-900.0)
    after.engine.restore(before.store, Outage())
    assert after.play(*[BAD] * 21).firing


def test_an_alert_of_a_source_that_is_watched_no_longer_leaves_after_an_hour() -> None:
    after = Scene(LOAD).play(*[BAD] * 30).restarted(5.0, LOAD)
    for _ in range(3601):
        after.clock.advance(1.0)
        after.look(source="another")
    assert after.firing == []
    assert after.steps[-1][1] == "ended unknown"


def test_what_is_pending_starts_over_after_a_long_outage() -> None:
    after = Scene(LOAD).play(*[BAD] * 19).restarted(3601.0, LOAD).play(*[BAD] * 20)
    assert after.firing == []
    assert after.play(BAD).firing


def test_what_is_pending_waits_for_a_source_that_is_slow_to_come_back() -> None:
    after = Scene(LOAD).play(*[BAD] * 15).restarted(10.0, LOAD).play(*[None] * 30)
    assert after.pending.hold == 20
    after.play(*[BAD] * 4)
    assert after.firing == []
    assert after.play(BAD, BAD, BAD).firing
    lost = Scene(LOAD).play(*[BAD] * 15).restarted(10.0, LOAD).play(*[None] * 70)
    assert lost.engine.pending() == []
    assert lost.save() == {"episode": {}}


def test_a_severity_that_was_about_to_rise_goes_on_too() -> None:
    after = Scene(LOAD).play(*[BAD] * 21, *[WORSE] * 11).restarted(100.0, LOAD).play(*[WORSE] * 9)
    assert after.alert.severity is Severity.WARNING
    assert after.play(WORSE, WORSE).alert.severity is Severity.CRITICAL


def test_being_well_starts_anew_after_a_restart_and_keep_firing_for_goes_on() -> None:
    after = Scene(LOAD).play(*[BAD] * 21, *[GOOD] * 4).restarted(1.0, LOAD).play(*[GOOD] * 5)
    assert after.firing
    assert after.play(GOOD).firing == []
    long = rule(keep_firing_for=600)
    after = Scene(long).play(BAD).restarted(300.0, long).play(*[GOOD] * 299)
    assert after.firing
    assert after.play(GOOD).firing == []


def test_a_window_needs_its_time_again_before_anything_is_said() -> None:
    average = rule(aggregate="avg", over=60, hold=40)
    after = Scene(average).play(*[BAD] * 51).restarted(600.0, average).play(*[BAD] * 30)
    assert after.pending.hold == 40
    assert after.pending.why == "avg over 1m of load above 70 % for 40 s; unknown until its window of 1m is half full"
    assert after.play(*[BAD] * 19).firing == [], "20 s before; the time in which the window filled does not count"
    after.play(BAD, BAD)
    assert after.alert.why == "avg over 1m of load above 70 % for 40 s"


def test_only_what_happens_is_written_not_every_value() -> None:
    scene = Scene(LOAD)
    scene.play(BAD, GOOD, BAD, GOOD)
    assert not scene.engine.take_changes(), "a short peak"
    scene.play(*[BAD] * 7)
    assert len(scene.engine.take_changes()) == 1
    scene.play(0.76, 0.77)
    assert not scene.engine.take_changes()
    scene.play(*[0.78] * 14)
    assert scene.firing
    assert len(scene.engine.take_changes()) == 1
    scene.play(0.8, GOOD, 0.79, GOOD)
    assert not scene.engine.take_changes()


def test_what_ended_is_kept_until_somebody_has_taken_it() -> None:
    scene = Scene(rule()).play(BAD)
    scene.save()
    scene.clock.advance(1.0)
    scene.engine.forget(SOURCE)
    assert len(scene.save()["episode"]) == 1
    scene.engine.take_ended()
    assert scene.save() == {"episode": {}}


def test_what_is_kept_has_all_it_needs() -> None:
    (body,) = Scene(LOAD).play(*[BAD] * 25).save()["episode"].values()
    kept = msgspec.msgpack.decode(body, type=KeptEpisode)
    assert (kept.rule, kept.source, kept.metric, kept.severity) == ("load", SOURCE, "load", Severity.WARNING)


def test_rows_that_cannot_be_read_are_dropped_and_the_others_are_not() -> None:
    scene = Scene(rule()).play(BAD)
    scene.save()["episode"] |= {"broken": b"\xc1", "of another version": msgspec.msgpack.encode({"rule": 3})}
    after = scene.restarted(1.0, rule())
    assert len(after.firing) == 1
    assert len(after.save()["episode"]) == 1


def test_a_rule_that_is_gone_after_a_restart_leaves_its_alert_as_unknown() -> None:
    after = Scene(rule()).play(BAD).restarted(1.0).play(BAD)
    assert [(alert.state, alert.rule, alert.since) for alert in after.ended] == [
        (AlertState.UNKNOWN, "load", after.clock.wall() - 2)
    ]
    assert after.save() == {"episode": {}}


def test_a_changed_rule_takes_its_alerts_along() -> None:
    scene = Scene(rule(critical=0.9), rule("gone", warning=0.6)).play(WORSE)
    scene.engine.use([rule(warning=0.5, summary="{value} is too much", notify=("pager",))], {})
    assert [(alert.rule, alert.severity.value, alert.notify) for alert in scene.engine.firing()] == [
        ("load", "warning", ("pager",))
    ]
    assert [(alert.rule, alert.state) for alert in scene.engine.take_ended()] == [("gone", AlertState.UNKNOWN)]
    scene.play(0.6)
    assert (scene.alert.level, scene.alert.summary) == (0.5, "0.6 is too much")
    assert scene.play(0.4).firing == []


def test_what_clears_by_another_level_is_told_with_the_level_that_it_was_beyond() -> None:
    scene = Scene(rule(critical=0.9, clear_for=10)).play(BAD)
    assert scene.alert.summary == "load 75 % above 70 %"
    changed = rule(warning=0.8, critical=0.9, clear_for=10)
    scene.engine.use([changed], KNOWN)
    for _ in range(3):
        scene.play(0.6)
        assert (scene.alert.summary, scene.alert.level_text) == ("load 75 % above 70 %", "80 %")
    after = scene.restarted(1.0, changed)
    assert (after.alert.summary, after.alert.level_text) == ("load 75 % above 70 %", "80 %")
    after.play(0.85)
    assert after.alert.summary == "load 85 % above 80 %"
    after.play(0.5)
    assert after.restarted(1.0, changed).alert.summary == "load 85 % above 80 %"


def test_the_same_value_beyond_another_level_is_told_with_it() -> None:
    scene = Scene(rule()).play(BAD)
    scene.engine.use([rule(warning=0.5)], KNOWN)
    assert scene.alert.summary == "load 75 % above 70 %"
    assert scene.play(BAD).alert.summary == "load 75 % above 50 %"


@pytest.mark.parametrize(
    "other",
    [
        rule(metric="jobs"),
        rule(below=True),
        rule(sources=("db-*",)),
        rule(attributes={"cpu": "1"}),
        rule(enabled=False),
    ],
)
def test_a_rule_that_is_about_something_else_now_ends_its_alert_as_unknown(other: object) -> None:
    scene = Scene(rule()).play(BAD)
    scene.engine.use([other], {})  # type: ignore[list-item]
    assert scene.firing == []
    assert [alert.state for alert in scene.engine.take_ended()] == [AlertState.UNKNOWN]


def test_a_pending_alert_goes_on_by_the_new_time() -> None:
    scene = Scene(rule(hold=100)).play(*[BAD] * 10)
    scene.engine.use([rule(hold=10)], {})
    assert scene.play(BAD).firing


def test_windows_stay_when_only_levels_change_and_begin_anew_when_they_do() -> None:
    scene = Scene(rule(aggregate="avg", over=60)).play(*[0.6] * 60)
    scene.engine.use([rule(aggregate="avg", over=60, warning=0.5)], {"load": scene.engine._checks["load"].metric})
    assert scene.play(0.6).firing
    scene.engine.use([rule(aggregate="max", over=60, warning=0.5)], {})
    scene.play(0.6)
    assert scene.alert.state is AlertState.UNKNOWN
    assert scene.play(*[0.6] * 30).alert.state is AlertState.FIRING


def test_a_killed_agent_leaves_what_was_last_seen_not_what_fired() -> None:
    told = rule("jobs", "jobs", warning=100, keep_firing_for=300)
    before = Scene(told).play(338, metric="jobs")
    before.save()
    before.play(*[5930] * 5, metric="jobs")
    seen = before.alert.seen
    before.engine.refresh()
    before.save()
    assert before.play(*[5930] * 3, metric="jobs").engine.take_changes() == {}
    after = killed(before, told, seconds=20.0, shift=-900.0)
    assert (after.alert.value, after.alert.summary) == (5930, "jobs 5.93k above 100")
    assert after.alert.seen == (seen or 0) - 900
    after.play(5940, metric="jobs")
    assert after.alert.seen == after.clock.monotonic()


def test_what_was_well_goes_on_to_be_kept_firing_for_as_long_as_was_left() -> None:
    told = rule(keep_firing_for=300, clear_for=5)
    before = Scene(told).play(BAD)
    before.save()
    before.play(*[GOOD] * 270)
    assert before.alert.clears_after == 299
    before.engine.refresh()
    before.save()
    after = killed(before, told, seconds=2.0)
    assert (after.alert.value, after.alert.summary) == (GOOD, "load 75 % above 70 %")
    after.play(*[GOOD] * 27)
    assert after.alert.state is AlertState.FIRING
    assert after.play(GOOD).firing == []


def test_what_was_not_seen_since_the_last_time_is_not_kept_again() -> None:
    scene = Scene(rule()).play(BAD).fail(1)
    scene.engine.refresh()
    scene.save()
    scene.fail(10)
    scene.engine.refresh()
    assert not scene.engine.take_changes()
    peak = Scene(rule(hold=60)).play(BAD)
    peak.engine.refresh()
    assert not peak.engine.take_changes(), "a short peak is not worth a write"


def test_what_is_kept_of_an_episode_that_waits_catches_up_too() -> None:
    before = Scene(LOAD).play(*[BAD] * 11)
    again = before.restarted(10.0, LOAD).play(*[None] * 30)
    again.engine.refresh()
    after = again.restarted(10.0, LOAD).play(*[BAD] * 9)
    assert after.firing == [], "10 s before and 9 after; the 30 s without it do not count"
    assert after.play(BAD, BAD).firing


def test_what_was_kept_gives_its_history_to_what_is_open_already() -> None:
    slow = rule("slow", warning=0.7, hold=60)
    before = Scene(LOAD, slow).play(*[WORSE] * 41)
    kept, since = before.save(), {alert.rule: alert.since for alert in before.engine.firing()}
    assert since.keys() == {"load"}
    live = Scene(LOAD, slow, clock=ManualClock(before.clock.monotonic() + 30, before.clock.wall() + 30))
    live.play(*[BAD] * 10)
    assert [alert.rule for alert in live.engine.pending()] == ["load", "slow"]
    live.engine.restore(kept, Outage(seconds=40.0))
    assert live.firing == [("load", AlertState.FIRING, Severity.CRITICAL)]
    assert (live.alert.since, live.alert.value, live.alert.seen) == (since["load"], BAD, live.clock.monotonic())
    assert live.play(BAD).firing == [("load", AlertState.FIRING, Severity.WARNING)]
    live.play(*[BAD] * 9)
    assert len(live.firing) == 1, "40 s before and 19 since"
    live.play(BAD, BAD)
    assert [alert[0] for alert in live.firing] == ["load", "slow"]
    assert sum(live.engine._ledger._counts.values()) == 2
    assert live.play(*[GOOD] * 6).firing == []
    assert (live.engine.is_calm, sum(live.engine._ledger._counts.values())) == (True, 0)
    live.store = before.store
    assert live.save() == {"episode": {}}


def test_what_fires_already_goes_on_firing_by_an_older_history() -> None:
    pending = Scene(LOAD).play(*[BAD] * 11)
    kept = pending.save()
    live = Scene(LOAD, clock=ManualClock(pending.clock.monotonic() + 5, pending.clock.wall() + 5))
    live.play(*[WORSE] * 30)
    since = live.alert.since
    live.engine.restore(kept, Outage(seconds=35.0))
    assert (live.alert.severity, live.alert.since, live.alert.state) == (Severity.CRITICAL, since, AlertState.FIRING)
    assert live.alert.began == live.began + 1 - 10


def test_a_severity_that_was_about_to_rise_goes_on_in_what_is_open_already() -> None:
    before = Scene(LOAD).play(*[WORSE] * 11)
    live = Scene(LOAD, clock=ManualClock(before.clock.monotonic() + 5, before.clock.wall() + 5)).play(*[WORSE] * 5)
    live.engine.restore(before.save(), Outage(seconds=10.0))
    live.play(*[WORSE] * 5)
    assert live.firing == []
    assert live.play(WORSE, WORSE).firing == [("load", AlertState.FIRING, Severity.CRITICAL)]


def killed(before: Scene, *rules: Rule, seconds: float, shift: float = 0.0) -> Scene:
    """Return the next agent after one that could not save any more, `seconds` after it was alive."""
    clock = ManualClock(before.clock.monotonic() + seconds + shift, before.clock.wall() + seconds)
    after = Scene(*rules, clock=clock)
    after.store = before.store
    after.engine.restore(before.store, Outage(shift=shift, seconds=seconds))
    return after
