"""What is worth a line: changes, once each, however often the same is seen."""

import logging
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from perftui.agent.log import ROOT
from perftui.agent.log_events import WELL_FOR, AlertLog, RunLog, SourceLog
from perftui.agent.log_performance import REPORT_EVERY, PerformanceLog
from perftui.alerts.notify.notification import Notification
from perftui.core.action import Outcome, Plan, Proof, Risk, Run
from perftui.core.alert import Ack, Alert, AlertState, Mute, Severity, Stage
from perftui.core.clock import ManualClock
from perftui.core.reading import Reading
from perftui.core.status import SourceState, SourceStatus

WELL = SourceStatus(name="cache-1", kind="redis", state=SourceState.OK)
PLAN = Plan(
    id="p1",
    action="queue.cleanup",
    title="Clean up",
    target="cache-1",
    digest="d",
    expires=0,
    risk=Risk.LOW,
    reversible=False,
    confirm="y",
    command="redis-cli …",
)


class Collected(logging.Handler):
    """Keeps event, level and fields of what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def events(self) -> list[str]:
        return [record.getMessage() for record in self.records]

    def fields(self, event: str) -> dict[str, Any]:
        [found] = [vars(record)["fields"] for record in self.records if record.getMessage() == event]
        return dict(found)


@pytest.fixture
def logged() -> Iterator[Collected]:
    handler = Collected()
    level = ROOT.level
    ROOT.addHandler(handler)
    ROOT.setLevel(logging.INFO)
    yield handler
    ROOT.setLevel(level)
    ROOT.removeHandler(handler)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def alert(clock: ManualClock, **facts: Any) -> Alert:
    known = Alert(
        rule="cpu", source="web-3", metric="m", state=AlertState.FIRING, since=clock.wall(), value_text="93 %"
    )
    return msgspec.structs.replace(known, **facts)


class TestSources:
    def test_one_line_when_it_begins_to_fail_and_one_when_it_has_recovered(
        self, clock: ManualClock, logged: Collected
    ) -> None:
        log = SourceLog(clock)
        states = [SourceState.OK, *[SourceState.FAILING] * 5, *[SourceState.OPEN] * 5, *[SourceState.OK] * 40]
        for number, state in enumerate(states):
            log.observe(msgspec.structs.replace(WELL, state=state, error="refused", failures=min(number, 10)))
            clock.advance(1)
        assert logged.events == ["source failing", "source recovered"]
        assert logged.records[0].levelno == logging.WARNING
        assert logged.fields("source failing")["error"] == "refused"
        assert logged.fields("source recovered")["seconds"] == 10.0
        assert logged.fields("source recovered")["failures"] == 10

    def test_one_that_comes_and_goes_is_not_a_line_each_time(self, clock: ManualClock, logged: Collected) -> None:
        log = SourceLog(clock)
        for number in range(600):
            state = SourceState.FAILING if number % 2 else SourceState.OK
            log.observe(msgspec.structs.replace(WELL, state=state))
            clock.advance(1)
        assert logged.events == ["source failing"]

    def test_one_that_is_gone_does_not_recover(self, clock: ManualClock, logged: Collected) -> None:
        log = SourceLog(clock)
        log.observe(msgspec.structs.replace(WELL, state=SourceState.DENIED))
        log.forget("cache-1")
        for _ in range(3):
            log.observe(WELL)
            clock.advance(WELL_FOR)
        assert logged.events == ["source failing"]


class TestAlerts:
    def test_each_step_of_its_life_is_one_line(self, clock: ManualClock, logged: Collected) -> None:
        log = AlertLog(clock)
        clock.advance(1)
        fired = alert(clock)
        acked = msgspec.structs.replace(fired, ack=Ack(author="ana", at=clock.wall(), note="mine"))
        muted = msgspec.structs.replace(acked, mutes=(Mute(stage=Stage.SILENCE, reason="deploy"),))
        worse = msgspec.structs.replace(acked, severity=Severity.CRITICAL)
        for each in (fired, fired, acked, acked, muted, muted, worse, worse):
            log.observe([each], [])
        clock.advance(59)
        log.observe([], [msgspec.structs.replace(worse, state=AlertState.RESOLVED, resolved_at=clock.wall())])
        assert logged.events == [
            "alert fired",
            "alert acknowledged",
            "alert silenced",
            "alert severity changed",
            "alert no longer muted",
            "alert resolved",
        ]
        assert logged.fields("alert acknowledged")["author"] == "ana"
        assert logged.fields("alert resolved")["seconds"] == 59.0

    def test_what_fired_before_a_restart_does_not_fire_again(self, clock: ManualClock, logged: Collected) -> None:
        log = AlertLog(clock)
        log.observe([alert(clock, since=clock.wall() - 60)], [])
        assert logged.events == ["alert still firing"]

    def test_notifications_are_told_with_their_name(self, clock: ManualClock, logged: Collected) -> None:
        sent = Notification(
            route="slack",
            dedup_key="k",
            sequence=1,
            resolved=False,
            severity=Severity.CRITICAL,
            title="CPU",
            host="web-3",
            created=clock.wall(),
        )
        log = AlertLog(clock)
        log.notified(sent)
        log.not_notified(sent, "refused: HTTP 500")
        assert logged.events == ["notified", "not notified"]
        assert logged.fields("notified")["notification"] == "k#1"
        assert logged.fields("not notified")["reason"] == "refused: HTTP 500"


def test_an_action_is_a_line_when_it_is_applied_done_and_proved(logged: Collected) -> None:
    log = RunLog(ManualClock())
    run = Run(plan=PLAN)
    done = msgspec.structs.replace(run, outcome=Outcome.SUCCEEDED)
    proved = msgspec.structs.replace(done, proof=Proof.RECOVERED)
    for each in (run, msgspec.structs.replace(run, fraction=0.5), done, done, proved, proved):
        log.observe((each,))
    assert logged.events == ["action applied", "action ended", "action proved"]
    assert logged.fields("action proved")["proof"] == "recovered"


def test_an_action_that_failed_is_something_to_look_at(logged: Collected) -> None:
    RunLog(ManualClock()).observe((Run(plan=PLAN, outcome=Outcome.FAILED, message="lock lost"),))
    assert [record.levelname for record in logged.records] == ["INFO", "WARNING"]


def test_what_ended_before_this_agent_is_no_news_but_what_it_found_interrupted_is(
    clock: ManualClock, logged: Collected
) -> None:
    log = RunLog(clock)
    past = Run(plan=PLAN, outcome=Outcome.SUCCEEDED, proof=Proof.RECOVERED, ended=clock.wall() - 60)
    found = Run(plan=PLAN, outcome=Outcome.INTERRUPTED, proof=Proof.UNKNOWN, ended=clock.wall())
    log.observe((past,))
    assert logged.events == []
    log.observe((msgspec.structs.replace(found, plan=msgspec.structs.replace(PLAN, id="other")), past))
    assert logged.events == ["action ended"]


def test_once_a_minute_the_agents_own_figures_and_the_slow_sources(clock: ManualClock, logged: Collected) -> None:
    log = PerformanceLog(clock)
    reading = Reading(source="cache-1", monotonic=0, wall=0, duration=1.5)
    log.observe(reading, 1.0)
    log.observe(msgspec.structs.replace(reading, duration=0.1), 1.0)
    for second in range(int(2 * REPORT_EVERY)):
        clock.advance(1.25 if second == 10 else 1.0)
        log.tick([msgspec.structs.replace(WELL, polls=second + 1)], series=12, consoles=1)
    assert logged.events == ["agent", "slow polls", "agent"]
    first, slow, second_report = (vars(record)["fields"] for record in logged.records)
    assert (first["worst_lag_seconds"], first["polls"], first["series"]) == (0.25, 60, 12)
    assert slow == {"source": "cache-1", "polls": 1, "worst_seconds": 1.5}
    assert second_report["worst_lag_seconds"] == 0.0
