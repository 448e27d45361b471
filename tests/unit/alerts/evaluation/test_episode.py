"""What an alert says of itself."""

import platform
from typing import Any

import pytest

from perftui.alerts.rules.rule import Rule
from perftui.core.alert import Alert
from perftui.core.reading import Sample
from tests.unit.alerts.evaluation.scene import Scene, rule, samples, when


def test_it_carries_what_its_rule_says_and_what_its_source_is() -> None:
    told = rule(remedies=("cleanup.temp",), notify=("pager",), runbook="https://wiki/load", cooldown=60, hold=2)
    scene = Scene(told).play(0.75, 0.75, 0.8)
    scene.look(kind="redis", address="10.0.0.5:6379")
    alert = scene.alert
    assert (alert.remedies, alert.notify, alert.runbook) == (("cleanup.temp",), ("pager",), "https://wiki/load")
    assert (alert.cooldown, alert.hold, alert.began) == (60, 2, scene.began + 1)
    assert (alert.metric, alert.level, alert.value) == ("load", 0.7, 0.8)
    assert (alert.kind, alert.host) == ("redis", "10.0.0.5")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("db.example.com:3306", "db.example.com"),
        ("[fe80::1]:80", "fe80::1"),
        ("127.0.0.1:6379", platform.node()),
        ("localhost:80", platform.node()),
        ("/run/mysqld.sock", platform.node()),
        ("", platform.node()),
    ],
)
def test_the_host_is_where_the_source_runs(address: str, host: str) -> None:
    scene = Scene(rule()).play(0.75)
    scene.look(address=address)
    assert scene.alert.host == host


def test_a_summary_names_what_it_is_about() -> None:
    queue = rule("q", "queue.depth", warning=0, when=when("queue.workers", below=1))
    words = "{source} {queue}: {value} above {level}, {when} workers{nothing}"
    scene = Scene(Rule(name="q", metric="queue.depth", above=queue.above, when=queue.when, summary=words))
    of_mail = (("queue", "mail"),)
    scene.read(Sample("queue.depth", 12_400, of_mail), Sample("queue.workers", 0, of_mail))
    assert scene.alert.summary == "web-3 mail: 12.4k above 0, 0 workers"
    assert scene.alert.why == "queue.depth above 0, while queue.workers below 1"


def test_an_attribute_cannot_pass_for_a_figure_or_do_anything() -> None:
    scene = Scene(rule(summary="{value} {mount}"))
    scene.read(Sample("load", 0.9, (("mount", "{source.__class__}"), ("value", "lies"))))
    assert scene.alert.summary == "90 % {source.__class__}"


def test_a_rule_without_summary_has_one() -> None:
    assert Scene(rule()).play(0.75).alert.summary == "load 75 % above 70 %"
    assert Scene(rule(below=True)).play(0.6).alert.summary == "load 60 % below 70 %"


def test_while_it_clears_the_summary_tells_of_what_was_bad_and_the_value_of_now() -> None:
    scene = Scene(rule(clear_for=10, keep_firing_for=30)).play(0.75, 0.9, 0.2, 0.3)
    assert (scene.alert.summary, scene.alert.value, scene.alert.value_text) == ("load 90 % above 70 %", 0.3, "30 %")
    assert scene.alert.well_since == scene.began + 3
    assert scene.alert.clears_after == 29
    scene.play(0.8)
    assert scene.alert.summary == "load 80 % above 70 %"
    assert scene.alert.well_since is None
    assert scene.alert.clears_after == 30


def test_it_can_be_cleared_when_it_says_so() -> None:
    scene = Scene(rule(clear_for=10, keep_firing_for=30)).play(0.75, 0.75, 0.2)
    seconds = int(scene.alert.clears_after)
    assert scene.play(*[0.2] * (seconds - 1)).firing
    assert scene.play(0.2).firing == []


def windowed(*values: float, metric: str = "used", **more: Any) -> Alert:
    """Return the alert of a window over 20 s that these values fire."""
    scene = Scene(rule("w", metric, over=20, **more)).play(*values, metric=metric)
    return scene.alert


def test_figures_are_written_in_the_unit_of_what_the_rule_looks_at() -> None:
    mib = 1 << 20
    growth = windowed(*(number * mib for number in range(21)), aggregate="rate", warning=mib / 2)
    assert (growth.value_text, growth.level_text) == ("1 MiB/s", "512 KiB/s")
    assert growth.why == "rate over 20s of used above 512 KiB/s"
    assert growth.summary == "used 1 MiB/s above 512 KiB/s"
    slow = windowed(*(number / 60 for number in range(21)), metric="jobs", aggregate="rate", warning=0.0167 / 2)
    assert (slow.value_text, slow.level_text) == ("60/h", "30.1/h")
    kills = windowed(*[3] * 21, metric="kills", aggregate="increase", warning=10)
    assert (kills.value, kills.value_text, kills.level_text) == (60, "60", "10")
    plain = Scene(rule("k", "kills", warning=1)).play(3, metric="kills").alert
    assert (plain.value_text, plain.level_text, plain.summary) == ("3/s", "1/s", "kills 3 above 1/s")
    soon = windowed(*(0.5 + number / 1000 for number in range(21)), metric="load", aggregate="predict", ahead=300)
    assert (soon.value_text, soon.level_text) == ("82 % in 5m", "70 %")
    assert soon.why == "load in 5m, by the last 20s, above 70 %"


@pytest.mark.parametrize(
    ("last", "metric", "shown"),
    [(22.2, "jobs", "22"), (0.091, "jobs", "1"), (25.8, "kills", "26"), (1e-3, "kills", "1"), (2.5, "used", "2.5 B")],
)
def test_what_was_counted_is_told_in_whole_things(last: float, metric: str, shown: str) -> None:
    summary = "{value} of them"
    alert = windowed(*[0.0] * 20, last, metric=metric, aggregate="increase", warning=0.0, summary=summary)
    assert (alert.value_text, alert.summary) == (shown, f"{shown} of them")


def test_it_says_when_there_was_the_last_verdict_which_alone_is_no_news() -> None:
    scene = Scene(rule()).play(0.75)
    assert scene.alert.seen == scene.began + 1
    assert not scene.read(*samples([("load", 0.75)]))
    assert scene.alert.seen == scene.began + 2
    scene.fail(60)
    assert scene.alert.seen == scene.began + 2


def test_a_share_is_told_in_per_cent_and_what_is_no_share_is_not() -> None:
    scene = Scene(rule("each", "used", warning=10, divided_by="jobs"))
    scene.read(*samples((("used", 4096), ("jobs", 2))))
    assert (scene.alert.value_text, scene.alert.level_text) == ("2 KiB", "10 B")
    scene = Scene(rule("odd", "jobs", warning=1, divided_by="used"))
    scene.read(*samples((("used", 2), ("jobs", 4096))))
    assert scene.alert.value_text == "2.05k"


def test_why_tells_how_long() -> None:
    scene = Scene(rule("hit", "redis.hit_ratio", warning=0.8, below=True, hold=30)).play(0.5, metric="redis.hit_ratio")
    assert scene.pending.why == "redis.hit_ratio below 80 % for 30 s"
