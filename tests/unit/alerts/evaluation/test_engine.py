"""The alert engine in virtual time: how alerts begin, rise, fall and end, and what is missing."""

import math

import pytest

from perftui.alerts.rules.rule import Rule
from perftui.core.alert import AlertState, Severity
from perftui.core.reading import Sample
from perftui.core.series import attributes
from perftui.core.status import SourceState
from tests.unit.alerts.evaluation.scene import SOURCE, Scene, rule, samples, when

HOUR = 3600
WARNING = [("load", AlertState.FIRING, Severity.WARNING)]
CRITICAL = [("load", AlertState.FIRING, Severity.CRITICAL)]
UNKNOWN = [("load", AlertState.UNKNOWN, Severity.WARNING)]
GOOD, BAD, WORSE = 0.5, 0.75, 0.95


def test_an_alert_goes_from_pending_over_firing_to_resolved() -> None:
    scene = Scene(rule(hold=10, clear_for=3))
    scene.play(*[BAD] * 10)
    assert (scene.pending.state, scene.pending.hold, scene.firing) == (AlertState.PENDING, 10, [])
    assert scene.pending.began == scene.began + 1
    scene.play(BAD, BAD, GOOD, GOOD, GOOD, GOOD)
    assert scene.steps == [(1, "pending", "warning"), (11, "firing", "warning"), (16, "resolved", "warning")]
    (ended,) = scene.ended
    assert (ended.since, ended.resolved_at) == (scene.clock.wall() - 5, scene.clock.wall())


def test_a_level_must_be_passed_not_just_reached() -> None:
    assert Scene(rule()).play(0.7).firing == []
    assert Scene(rule()).play(0.7001).firing == WARNING
    assert Scene(rule(below=True)).play(0.7).firing == []
    assert Scene(rule(below=True)).play(0.69).firing == WARNING


def test_a_short_dip_starts_for_again() -> None:
    scene = Scene(rule(hold=10)).play(*[BAD] * 9, GOOD, *[BAD] * 10)
    assert scene.firing == []
    assert scene.ended == []
    assert scene.play(BAD).firing == WARNING


def test_between_level_and_clear_nothing_begins_and_what_fires_goes_on() -> None:
    band = rule(hold=2, clear=0.6, clear_for=0)
    assert Scene(band).play(*[0.65] * 10).transitions == []
    scene = Scene(band).play(BAD, BAD, 0.65, BAD, BAD)
    assert scene.firing == [], "the band interrupts what is pending"
    scene.play(BAD, *[0.65] * 100)
    assert scene.firing == WARNING
    assert scene.play(0.6).firing == []


def test_the_band_starts_clear_for_again() -> None:
    scene = Scene(rule(clear=0.6, clear_for=3)).play(BAD, 0.5, 0.5, 0.5, 0.65, 0.5, 0.5, 0.5)
    assert scene.firing == WARNING
    assert scene.play(0.5).firing == []


@pytest.mark.parametrize(
    ("made", "value", "clear"),
    [
        (rule(critical=0.9), 0.95, 0.7),  # still a warning above the milder level
        (rule(critical=0.9, clear=0.6), 0.95, 0.6),
        (rule(below=True), 0.5, 0.7),
        (rule(when=when("jobs", above=5)), 0.95, 0.7),
        (rule(warning=0.0, when=when("jobs", above=5)), 0.95, None),  # hurts by what else holds
        (rule(divided_by="jobs", warning=0.01), 0.95, None),
        (rule(aggregate="avg", over=1), 0.95, 0.7),
        (rule(aggregate="increase", over=2, warning=-1.0), 0.95, None),
    ],
)
def test_an_alert_tells_at_which_value_of_its_series_it_is_well(made: Rule, value: float, clear: float | None) -> None:
    scene = Scene(made)
    for _ in range(4):
        scene.read(*samples([("load", value), ("jobs", 9.0)]))
    assert scene.alert.clear == clear


def test_severity_rises_after_for_of_its_own_and_falls_at_once() -> None:
    scene = Scene(rule(critical=0.9, hold=10)).play(*[BAD] * 11, *[WORSE] * 10)
    assert scene.firing == WARNING
    assert scene.play(WORSE).firing == CRITICAL
    assert scene.play(BAD).firing == WARNING
    assert scene.play(*[WORSE] * 10).firing == WARNING
    assert scene.play(WORSE).firing == CRITICAL


def test_it_fires_at_once_as_bad_as_it_has_been_all_the_time() -> None:
    scene = Scene(rule(critical=0.9, hold=3)).play(WORSE, WORSE, WORSE)
    assert scene.pending.severity is Severity.CRITICAL
    assert scene.play(WORSE).firing == CRITICAL
    assert Scene(rule(critical=0.9, hold=3)).play(WORSE, BAD, WORSE, WORSE).firing == WARNING


def test_three_severities() -> None:
    scene = Scene(rule(info=0.5, warning=0.7, critical=0.9)).play(0.6, 0.8, 0.95, 0.6)
    assert [severity for _, _, severity in scene.steps] == ["info", "warning", "critical", "info"]


def test_a_moment_of_being_well_does_not_make_a_critical_alert_a_mild_one() -> None:
    scene = Scene(rule(critical=0.9, hold=5, clear_for=10)).play(*[WORSE] * 6, GOOD, WORSE, GOOD, WORSE)
    assert scene.firing == CRITICAL


def test_it_keeps_firing_after_what_lasts_an_instant() -> None:
    scene = Scene(rule(keep_firing_for=60, clear_for=10)).play(BAD, *[GOOD] * 59)
    assert scene.alert.clears_after == 59, "counted from when it became well"
    assert scene.play(GOOD).firing == []


def test_one_well_sample_is_not_enough_to_clear_however_slow_the_source() -> None:
    scene = Scene(rule(clear_for=10), interval=60.0).play(BAD, GOOD)
    assert scene.firing == WARNING
    scene.clock.advance(30)
    scene.look()
    assert scene.firing == WARNING, "time alone resolves nothing"
    assert scene.play(GOOD).firing == []


def test_a_metric_that_crosses_its_level_at_every_sample_fires_once() -> None:
    scene = Scene(rule(clear_for=10)).play(*[BAD, GOOD] * 1800)
    assert scene.steps == [(1, "firing", "warning")]


def test_what_is_missing_resolves_nothing_and_leaves_as_unknown_after_an_hour() -> None:
    scene = Scene(rule()).play(BAD, *[None] * 5)
    assert scene.firing == WARNING
    assert scene.play(None).firing == UNKNOWN
    assert scene.play(BAD).firing == WARNING
    scene.play(*[None] * (HOUR + 1))
    assert scene.firing == []
    assert scene.steps[-1] == (3609, "ended unknown", "warning")


def test_an_hour_counts_from_when_the_source_is_healthy_again() -> None:
    scene = Scene(rule()).play(BAD).fail(2 * HOUR)
    assert scene.firing == UNKNOWN
    scene.play(None, None)
    assert scene.firing == UNKNOWN
    assert scene.play(*[None] * HOUR).firing == []


def test_a_gap_starts_the_time_of_being_well_anew() -> None:
    scene = Scene(rule(clear_for=10)).play(BAD, GOOD, *[None] * 8, GOOD, *[GOOD] * 9)
    assert scene.firing == WARNING
    assert scene.play(GOOD).firing == []


def test_a_source_that_stumbles_now_and_then_does_not_keep_an_alert_from_clearing() -> None:
    scene = Scene(rule(clear_for=10)).play(BAD)
    for _ in range(3):
        scene.play(GOOD, GOOD).fail(1)
    assert scene.alert.well_since is None, "nobody knows at this moment"
    assert scene.play(GOOD).firing == WARNING
    assert scene.play(GOOD).firing == []


def test_a_pending_alert_survives_a_short_gap_but_not_a_long_one() -> None:
    assert Scene(rule(hold=10)).play(*[BAD] * 9, None, BAD).firing == WARNING
    scene = Scene(rule(hold=10)).play(*[BAD] * 9, *[None] * 8)
    assert scene.engine.pending() == []
    assert scene.play(*[BAD] * 10).firing == []


def test_a_failing_source_makes_alerts_unknown_and_they_come_back() -> None:
    scene = Scene(rule(clear_for=10)).play(BAD).fail(600).play(BAD, *[GOOD] * 11)
    assert [state for _, state, _ in scene.steps] == ["firing", "unknown", "firing", "resolved"]


@pytest.mark.parametrize("state", [SourceState.FAILING, SourceState.OPEN, SourceState.DENIED, SourceState.STALE])
def test_a_blind_source_resolves_nothing(state: SourceState) -> None:
    assert Scene(rule()).play(BAD).fail(HOUR + 100, state).firing == UNKNOWN


def test_sources_that_fail_or_are_stale_are_alerts_themselves() -> None:
    failing = rule("failing", "source.failing", warning=2, critical=30, summary="no figures for {value}: {error}")
    scene = Scene(failing, rule("stale", "source.stale", warning=10)).fail(3)
    assert scene.alert.summary == "no figures for 3 s: refused"
    assert scene.fail(31).alert.severity is Severity.CRITICAL
    assert scene.play(GOOD).engine.firing() == []
    scene.fail(16, SourceState.STALE)
    assert (scene.alert.rule, scene.alert.value) == ("stale", 11)
    assert scene.play(GOOD).engine.firing() == []


def test_a_discovered_source_that_refuses_us_raises_no_alarm() -> None:
    scene = Scene(rule("failing", "source.failing", warning=2)).fail(100, SourceState.FOUND)
    assert scene.transitions == []


def test_a_second_metric_must_agree_for_the_same_series() -> None:
    workers = rule("workers", "queue.depth", warning=0, when=when("queue.workers", below=1))
    scene = Scene(workers)
    mail, web = attributes({"queue": "mail"}), attributes({"queue": "web"})
    jobs = (Sample("queue.depth", 12_400, mail), Sample("queue.depth", 3, web))
    scene.read(*jobs, Sample("queue.workers", 0, mail), Sample("queue.workers", 2, web))
    assert scene.alert.attributes == mail
    for _ in range(6):
        scene.read(*jobs)
    assert scene.alert.state is AlertState.UNKNOWN, "nobody knows how many workers there are"
    scene.read(Sample("queue.depth", 0, mail))
    assert scene.alert.state is AlertState.UNKNOWN
    scene.read(*jobs, Sample("queue.workers", 1, mail))
    assert scene.firing == []


def test_all_of_several_conditions_must_hold() -> None:
    both = rule(when=(when("jobs", above=5), when("used", below=1)))

    def fires(jobs: float, used: float) -> bool:
        scene = Scene(both)
        scene.read(*samples((("load", BAD), ("jobs", jobs), ("used", used))))
        return bool(scene.firing)

    assert fires(6, 0)
    assert not fires(5, 0)
    assert not fires(6, 1)


def test_one_divided_by_another() -> None:
    share = rule("full", "used", warning=0.9, divided_by="size")
    scene = Scene(share)
    at_var = attributes({"mountpoint": "/var"})
    scene.read(Sample("used", 95, at_var), Sample("size", 1000), Sample("size", 100, at_var))
    assert (scene.alert.value, scene.alert.value_text, scene.alert.level_text) == (0.95, "95 %", "90 %")
    assert scene.alert.why == "used / size above 90 %"
    for divisor in ((), (Sample("size", 0, at_var),)):
        for _ in range(6):
            scene.read(Sample("used", 1, at_var), *divisor)
        assert scene.alert.state is AlertState.UNKNOWN
    scene.read(Sample("used", 10, at_var), Sample("size", 1000))
    assert scene.firing == [], "the whole is given for all of them together"


def test_an_average_needs_half_of_its_window() -> None:
    scene = Scene(rule(aggregate="avg", over=10)).play(*[0.9] * 5)
    assert scene.firing == []
    assert scene.play(0.9).firing == WARNING
    assert scene.alert.why == "avg over 10s of load above 70 %"
    assert scene.play(*[0.2] * 2).firing == WARNING
    assert scene.play(0.2).firing == []


def test_a_windowed_alert_is_unknown_until_its_window_is_full_again() -> None:
    scene = Scene(rule(aggregate="avg", over=60, clear_for=5)).play(*[0.9] * 31)
    scene.play(*[None] * 100, *[0.2] * 30)
    assert scene.firing == UNKNOWN
    scene.play(0.2)
    assert scene.firing == WARNING
    assert scene.play(*[0.2] * 5).firing == []


def test_rules_are_about_the_sources_and_series_that_their_patterns_name() -> None:
    scene = Scene(
        rule("a", sources=("db-*", "web-?")), rule("b", sources=("!web-3",)), rule("c", attributes={"cpu": "!0"})
    )
    scene.read(Sample("load", BAD, (("cpu", "0"),)), Sample("load", BAD, (("cpu", "1"),)))
    assert [(alert.rule, alert.attributes) for alert in scene.engine.firing()] == [
        ("a", (("cpu", "0"),)),
        ("a", (("cpu", "1"),)),
        ("c", (("cpu", "1"),)),
    ]


def test_several_rules_look_at_one_series_and_do_not_disturb_each_other() -> None:
    scene = Scene(rule("high"), rule("higher", warning=0.9), rule("low", warning=0.2, below=True))
    for value, names in ((0.8, {"high"}), (0.95, {"high", "higher"}), (0.5, set()), (0.1, {"low"}), (0.5, set())):
        scene.play(value)
        assert {alert.rule for alert in scene.engine.firing()} == names


def test_a_screen_is_told_only_what_it_could_tell() -> None:
    scene = Scene(rule())
    assert scene.read(Sample("load", BAD))
    assert not scene.read(Sample("load", BAD))
    assert scene.read(Sample("load", 0.76))
    assert scene.read() is False


def test_a_source_that_is_no_longer_watched_takes_its_alerts_along() -> None:
    scene = Scene(rule()).play(BAD)
    scene.engine.forget(SOURCE)
    assert scene.engine.firing() == []
    assert [alert.state for alert in scene.engine.take_ended()] == [AlertState.UNKNOWN]
    assert scene.engine.take_ended() == []
    assert len(scene.play(BAD).firing) == 1


def test_series_that_come_and_go_under_new_names_are_not_remembered_for_ever() -> None:
    scene = Scene(rule())
    for number in range(1500):
        scene.read(*(Sample("load", GOOD, (("pid", f"{number}-{index}"),)) for index in range(20)))
    source = scene.engine._sources[SOURCE]
    assert len(source.series["load"]) < 21_000
    scene.play(*[None] * 4300)
    assert not source.series["load"]


def test_a_flood_of_alerts_on_one_source_is_bounded() -> None:
    scene = Scene(rule())
    for number in range(4):
        scene.read(*(Sample("load", BAD, (("pid", f"{number}-{index}"),)) for index in range(2000)))
    assert len(scene.firing) == 5000
    scene.read(Sample("load", BAD), source="another")
    assert len(scene.firing) == 5001


def test_alerts_that_there_is_no_room_for_are_counted_as_long_as_they_are_there() -> None:
    scene = Scene(rule(), rule("higher", warning=0.9))
    flood = [Sample("load", BAD, (("pid", f"{index}"),)) for index in range(5002)]
    assert scene.engine.overflow == 0
    for _ in range(3):
        scene.read(*flood)
        assert (len(scene.firing), scene.engine.overflow) == (5000, 2)
    assert scene.read(*flood, Sample("load", 0.95, (("pid", "new"),)))
    assert scene.engine.overflow == 4, "by two rules"
    scene.engine.use([rule()], {})
    scene.read(*flood)
    assert scene.engine.overflow == 2
    assert scene.read(*flood[:5000]), "a screen could tell"
    assert scene.engine.overflow == 0
    scene.read(*flood)
    scene.engine.forget(SOURCE)
    assert scene.engine.overflow == 0


def test_it_is_calm_while_nothing_fires_and_nothing_is_pending() -> None:
    scene = Scene(rule(hold=2))
    calm = []
    for value in (GOOD, BAD, BAD, BAD, GOOD):
        scene.play(value)
        calm.append(scene.engine.is_calm)
    assert calm == [True, False, False, False, True]


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_gives_no_verdict(value: float, below: bool) -> None:
    scene = Scene(rule(critical=0.1 if below else 0.99, below=below, metric="latency"))
    assert scene.play(value, value, metric="latency").firing == []
    scene.play(0.5 if below else 0.9, metric="latency")
    before = scene.firing
    assert before
    assert scene.play(value, metric="latency").firing == before


def test_levels_are_given_for_marks_where_they_mean_something() -> None:
    engine = Scene(
        rule(critical=0.9),
        rule("no mark", "jobs", mark=False),
        rule("average", "size", aggregate="avg", over=60),
        rule("growth", "used", aggregate="rate", over=60),
        rule("share", "used", divided_by="size"),
        rule("of one", "used", sources=("db",)),
        rule("gone", "used", absent_for=60),
    ).engine
    assert [(level.metric, level.warning, level.critical) for level in engine.levels] == [
        ("load", 0.7, 0.9),
        ("size", 0.7, None),
    ]
