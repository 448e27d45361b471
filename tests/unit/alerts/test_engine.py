"""The alert engine in virtual time: states, durations, what is missing, what it costs."""

import time

from perftui.alerts.engine import FORGET_AFTER, LOG_LENGTH, AlertEngine
from perftui.alerts.rules import Rule, default_rules, load_rules
from perftui.core.alert import AlertState, Severity
from perftui.core.clock import ManualClock
from perftui.core.reading import Reading, Sample
from perftui.core.series import attributes
from perftui.core.status import SourceState, SourceStatus

RULES = """
[[rules]]
name = "cpu"
metric = "system.cpu.utilization"
above = { warning = "70%", critical = "90%" }
for = "10s"
summary = "CPU {value} above {level}"

[[rules]]
name = "disk"
metric = "system.filesystem.utilization"
above = { warning = "80%" }
summary = "{mountpoint} {value}"
remedies = ["cleanup.temp"]

[[rules]]
name = "oom"
metric = "system.memory.oom_kills"
above = { critical = 0 }
keep_firing_for = "60s"
summary = "killed"

[[rules]]
name = "workers"
metric = "queue.depth"
above = { critical = 0 }
when = { metric = "queue.workers", below = 1 }
summary = "{queue}: {value} waiting, {when} workers"
mark = false

[[rules]]
name = "failing"
metric = "source.failing"
above = { warning = "2s", critical = "30s" }
summary = "no figures for {value}: {error}"
"""


class Stage:
    """An engine with one source `host`, polled once a second."""

    def __init__(self, rules: tuple[Rule, ...] | None = None) -> None:
        self.clock = ManualClock()
        self.engine = AlertEngine(rules or load_rules(RULES, "rules"), self.clock)

    def read(self, *samples: Sample, source: str = "host") -> bool:
        self.clock.advance(1.0)
        reading = Reading(
            source=source, monotonic=self.clock.monotonic(), wall=self.clock.wall(), duration=0.0, samples=samples
        )
        changed = self.engine.observe(reading)
        return self.status(source=source) or changed

    def status(self, state: SourceState = SourceState.OK, source: str = "host", since: float | None = None) -> bool:
        status = SourceStatus(name=source, kind="system", state=state, failing_since=since, error="refused")
        return self.engine.observe_sources([status])

    def cpu(self, value: float, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.read(Sample("system.cpu.utilization", value))

    def states(self) -> list[tuple[str, AlertState, Severity]]:
        return [(alert.rule, alert.state, alert.severity) for alert in self.engine.view().firing]


FIRING_WARNING = [("cpu", AlertState.FIRING, Severity.WARNING)]
FIRING_CRITICAL = [("cpu", AlertState.FIRING, Severity.CRITICAL)]


def test_an_alert_goes_from_pending_over_firing_to_resolved() -> None:
    stage = Stage()
    stage.cpu(0.75, 10)
    assert stage.states() == []
    assert stage.engine.view().pending == 1
    began = stage.clock.wall() + 1
    stage.cpu(0.75)
    (alert,) = stage.engine.view().firing
    assert (alert.state, alert.severity, alert.value, alert.level) == (AlertState.FIRING, Severity.WARNING, 0.75, 0.7)
    assert (alert.summary, alert.since, stage.engine.view().pending) == ("CPU 75 % above 70 %", began, 0)
    stage.cpu(0.5)
    assert stage.engine.view().firing == ()
    (ended,) = stage.engine.view().log
    assert (ended.state, ended.since, ended.resolved_at) == (AlertState.RESOLVED, began, stage.clock.wall())
    assert ended.value == 0.75


def test_a_short_dip_starts_for_again() -> None:
    stage = Stage()
    stage.cpu(0.75, 9)
    stage.cpu(0.5)
    stage.cpu(0.75, 10)
    assert stage.states() == []
    assert stage.engine.view().log == ()


def test_critical_needs_for_of_its_own_and_falls_back_at_once() -> None:
    stage = Stage()
    stage.cpu(0.75, 11)
    stage.cpu(0.95, 10)
    assert stage.states() == FIRING_WARNING
    stage.cpu(0.95)
    assert stage.states() == FIRING_CRITICAL
    assert stage.engine.view().firing[0].summary == "CPU 95 % above 90 %"
    stage.cpu(0.75)
    assert stage.states() == FIRING_WARNING


def test_wall_clock_jumps_change_no_state() -> None:
    stage = Stage()
    for _ in range(10):
        stage.cpu(0.75)
        stage.clock._wall -= 43_200
    assert stage.states() == []
    stage.cpu(0.75)
    assert stage.states() == FIRING_WARNING


def test_a_missing_series_resolves_nothing_and_leaves_after_an_hour() -> None:
    stage = Stage()
    stage.cpu(0.75, 11)
    for _ in range(6):
        stage.read()
    assert stage.states() == [("cpu", AlertState.UNKNOWN, Severity.WARNING)]
    assert stage.engine.view().unknown == 1
    stage.cpu(0.75)
    assert stage.states() == FIRING_WARNING
    stage.clock.advance(FORGET_AFTER)
    stage.read()
    assert stage.states() == []
    assert stage.engine.view().log[0].state is AlertState.UNKNOWN


def test_a_pending_alert_survives_one_gap_but_not_a_long_one() -> None:
    stage = Stage()
    stage.cpu(0.75, 9)
    stage.read()
    stage.cpu(0.75)
    assert stage.states() == FIRING_WARNING
    other = Stage()
    other.cpu(0.75, 9)
    for _ in range(8):
        other.read()
    assert other.engine.view().pending == 0
    other.cpu(0.75)
    assert other.states() == []


def test_a_failing_source_makes_its_alerts_unknown_and_fires_itself() -> None:
    stage = Stage()
    stage.cpu(0.75, 11)
    since = stage.clock.monotonic()
    assert stage.status(SourceState.FAILING, since=since)
    assert stage.states() == [("cpu", AlertState.UNKNOWN, Severity.WARNING)]
    stage.clock.advance(3)
    stage.status(SourceState.FAILING, since=since)
    assert ("failing", AlertState.FIRING, Severity.WARNING) in stage.states()
    stage.clock.advance(FORGET_AFTER)
    stage.status(SourceState.OPEN, since=since)
    assert stage.states() == [
        ("failing", AlertState.FIRING, Severity.CRITICAL),
        ("cpu", AlertState.UNKNOWN, Severity.WARNING),
    ]
    assert stage.engine.view().firing[0].summary.endswith(": refused")
    stage.cpu(0.75)
    assert stage.states() == FIRING_WARNING
    assert stage.engine.view().log[0].rule == "failing"


def test_a_discovered_source_that_refuses_us_raises_no_alarm() -> None:
    stage = Stage()
    for _ in range(100):
        stage.clock.advance(1)
        stage.status(SourceState.FOUND, since=0.0)
    assert stage.states() == []
    assert stage.engine.view().pending == 0


def test_what_happens_for_an_instant_is_kept_for_a_while() -> None:
    stage = Stage()
    stage.read(Sample("system.memory.oom_kills", 1.0))
    for _ in range(60):
        stage.read(Sample("system.memory.oom_kills", 0.0))
    assert stage.engine.view().firing[0].value == 1.0
    stage.read(Sample("system.memory.oom_kills", 0.0))
    assert stage.states() == []
    assert stage.engine.view().log[0].rule == "oom"


def test_a_second_metric_must_agree_for_the_same_queue() -> None:
    stage = Stage()
    mail, web = attributes({"queue": "mail", "kind": "bullmq"}), attributes({"queue": "web", "kind": "bullmq"})
    jobs = (Sample("queue.depth", 12_400.0, mail), Sample("queue.depth", 3.0, web))
    stage.read(*jobs, Sample("queue.workers", 0.0, mail), Sample("queue.workers", 2.0, web))
    (alert,) = stage.engine.view().firing
    assert (alert.summary, alert.attributes) == ("mail: 12.4k waiting, 0 workers", mail)
    stage.read(*jobs)
    assert len(stage.engine.view().firing) == 1, "nobody knows how many workers there are: no verdict"
    stage.read(*jobs, Sample("queue.workers", 1.0, mail))
    assert stage.engine.view().firing == ()


def test_the_hit_ratio_is_judged_with_traffic_and_on_caches_only() -> None:
    def fires(lookups: float, queues: float) -> bool:
        stage = Stage(default_rules())
        samples = (("redis.hit_ratio", 0.5), ("redis.lookups", lookups), ("redis.queues", queues))
        for _ in range(60):
            stage.read(*(Sample(name, value) for name, value in samples))
        return bool(stage.states())

    assert fires(lookups=100, queues=0)
    assert not fires(lookups=1, queues=0)
    assert not fires(lookups=100, queues=3)


def test_each_series_has_an_alert_and_the_worst_come_first() -> None:
    stage = Stage()
    samples = [Sample("system.filesystem.utilization", 0.9, (("mountpoint", path),)) for path in ("/var", "/", "{x}")]
    stage.read(*samples, Sample("system.memory.oom_kills", 1.0))
    assert [alert.summary for alert in stage.engine.view().firing] == ["killed", "/ 90 %", "/var 90 %", "{x} 90 %"]
    assert stage.engine.view().firing[1].remedies == ("cleanup.temp",)


def test_the_view_changes_only_when_a_screen_could_tell() -> None:
    stage = Stage()
    full = Sample("system.filesystem.utilization", 0.9, (("mountpoint", "/"),))
    assert stage.read(full)
    stage.engine.view()
    assert not stage.read(full)
    assert stage.read(Sample("system.filesystem.utilization", 0.91, (("mountpoint", "/"),)))


def test_a_source_that_is_no_longer_watched_takes_its_alerts_along() -> None:
    stage = Stage()
    stage.cpu(0.75, 11)
    stage.engine.forget("host")
    assert stage.states() == []
    assert stage.engine.view().log[0].state is AlertState.UNKNOWN


def test_the_log_is_bounded_and_newest_first() -> None:
    stage = Stage()
    for index in range(LOG_LENGTH + 20):
        stage.read(Sample("system.filesystem.utilization", 0.9, (("mountpoint", f"/{index}"),)))
        stage.read(Sample("system.filesystem.utilization", 0.1, (("mountpoint", f"/{index}"),)))
    log = stage.engine.view().log
    assert len(log) == LOG_LENGTH
    assert log[0].summary.startswith(f"/{LOG_LENGTH + 19} ")


def test_levels_are_given_for_marks_where_they_mean_something() -> None:
    levels = {level.metric: level for level in Stage().engine.view().levels}
    assert (levels["system.cpu.utilization"].warning, levels["system.cpu.utilization"].critical) == (0.7, 0.9)
    assert "queue.depth" not in levels


def test_500_series_cost_little() -> None:
    engine = AlertEngine(default_rules(), ManualClock())
    quiet = [Sample("system.disk.io", 1.0, (("device", f"sd{index}"),)) for index in range(440)]
    ruled = [Sample("system.filesystem.utilization", 0.9, (("mountpoint", f"/{index}"),)) for index in range(60)]
    reading = Reading(source="host", monotonic=1.0, wall=1.0, duration=0.0, samples=(*quiet, *ruled))
    best = 1.0
    for _ in range(20):
        started = time.perf_counter()
        engine.observe(reading)
        best = min(best, time.perf_counter() - started)
    assert best < 0.02, "below 1 ms on an idle machine"
