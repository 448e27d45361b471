"""Metrics that do not come though their source answers."""

from perftui.core.alert import AlertState, Severity
from perftui.core.reading import Sample
from perftui.core.status import SourceState
from tests.unit.alerts.evaluation.scene import Scene, rule

GONE = rule("gone", absent_for=60, sources=("web-*",), clear_for=3)


def test_it_fires_when_a_metric_has_not_come_for_so_long() -> None:
    scene = Scene(GONE).play(0.5, *[None] * 59)
    assert scene.firing == []
    assert (scene.pending.began, scene.pending.hold) == (scene.began + 1, 60)
    scene.play(None)
    assert scene.firing == [("gone", AlertState.FIRING, Severity.WARNING)]
    assert (scene.alert.direction, scene.alert.level_text, scene.alert.value_text) == ("absent", "1m", "1m")
    assert (scene.alert.summary, scene.alert.why) == ("no load for 1m", "load has not come for 1m")


def test_it_clears_once_the_metric_comes_again_and_again() -> None:
    scene = Scene(GONE).play(0.5, *[None] * 70, 0.5, 0.5, 0.5)
    assert scene.firing
    assert scene.play(0.5).firing == []
    assert scene.ended[0].summary == "no load for 1m10s"
    slow = Scene(rule("gone", absent_for=600, sources=("*",), clear_for=10), interval=60.0).play(*[None] * 13, 0.5)
    for _ in range(50):
        slow.clock.advance(1)
        slow.look()
    assert slow.firing, "once is not again"
    assert slow.play(0.5).firing == []


def test_it_counts_from_when_the_source_is_healthy() -> None:
    scene = Scene(GONE).fail(1000)
    scene.play(*[None] * 60)
    assert scene.firing == []
    assert scene.play(None).firing


def test_a_source_that_does_not_answer_says_nothing() -> None:
    scene = Scene(GONE).play(0.5, *[None] * 30).fail(100)
    assert scene.transitions == [(7.0, "gone", "pending", "warning")]
    scene.play(*[None] * 61)
    assert scene.firing
    scene.fail(100, SourceState.STALE)
    assert scene.alert.state is AlertState.UNKNOWN
    assert scene.play(*[None] * 7).alert.state is AlertState.FIRING


def test_without_sources_it_is_about_those_that_ever_gave_it() -> None:
    anywhere = rule("gone", absent_for=60, severity=Severity.CRITICAL)
    assert Scene(anywhere).play(*[None] * 100).transitions == []
    scene = Scene(anywhere).play(0.5, *[None] * 60)
    assert scene.alert.severity is Severity.CRITICAL
    again = scene.restarted(30, anywhere).play(*[None] * 7)
    assert again.alert.state is AlertState.FIRING


def test_only_series_that_agree_count() -> None:
    scene = Scene(rule("gone", absent_for=60, attributes={"queue": "mail-*"}))
    for _ in range(50):
        scene.read(Sample("load", 1, (("queue", "mail-1"),)), Sample("load", 1, (("queue", "web"),)))
    for _ in range(60):
        scene.read(Sample("load", 1, (("queue", "web"),)))
    assert scene.firing
    assert scene.alert.why == "load queue=mail-* has not come for 1m"


def test_a_metric_that_comes_now_and_then_is_there() -> None:
    assert Scene(GONE).play(*[0.5, *[None] * 50] * 5).firing == []
