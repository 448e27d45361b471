"""What is worth a line: watchers that are shown the same things every second and log only what changed."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from perftui.agent.log import ACTIONS, ALERTS, SOURCES, say, warn
from perftui.alerts.notify.notification import Notification
from perftui.core.action import Outcome, Plan, Proof, Run
from perftui.core.alert import Alert, AlertState, Stage
from perftui.core.clock import Clock
from perftui.core.status import BROKEN_STATES, SourceState, SourceStatus

WELL_FOR = 30.0
"""Seconds without a failure after which a source has recovered: one that comes and goes is not a line each time."""
_BROKEN = BROKEN_STATES | {SourceState.STALE}
_MUTED = {Stage.SILENCE: "alert silenced", Stage.INHIBITION: "alert inhibited"}


class _Trouble(NamedTuple):
    """Since when a source fails, and since when it does not (None while it does), in monotonic seconds."""

    since: float
    failures: int
    well_since: float | None = None


class SourceLog:
    """Logs when a source begins to fail and when it has recovered, and nothing in between."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._troubles: dict[str, _Trouble] = {}

    def observe(self, status: SourceStatus) -> None:
        """Take in how a source is doing; once a second, so that it can tell that it has been well for some time."""
        now, trouble = self._clock.monotonic(), self._troubles.get(status.name)
        if status.state in _BROKEN:
            if trouble is None:
                since = status.failing_since if status.failing_since is not None else now
                self._troubles[status.name] = _Trouble(since, status.failures)
                facts = {"source": status.name, "kind": status.kind, "state": status.state, "error": status.error}
                warn(SOURCES, "source failing", **facts)
            elif trouble.well_since is not None:
                self._troubles[status.name] = trouble._replace(well_since=None)
        elif trouble is not None and trouble.well_since is None:
            self._troubles[status.name] = trouble._replace(well_since=now)
        elif trouble is not None and trouble.well_since is not None and now - trouble.well_since >= WELL_FOR:
            del self._troubles[status.name]
            self._say_recovered(status, trouble, trouble.well_since)

    def forget(self, source: str) -> None:
        """Drop a source that is no longer watched."""
        self._troubles.pop(source, None)

    def _say_recovered(self, status: SourceStatus, trouble: _Trouble, well_since: float) -> None:
        failures = status.failures - trouble.failures + 1
        lasted = round(well_since - trouble.since, 1)
        say(SOURCES, "source recovered", source=status.name, kind=status.kind, seconds=lasted, failures=failures)


class AlertLog:
    """Logs what becomes of alerts: fired, more or less severe, acknowledged, muted, told, ended."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.wall()
        self._firing: dict[str, Alert] = {}

    def observe(self, firing: Sequence[Alert], ended: Iterable[Alert]) -> None:
        """Take in all that fires, judged, and what ended since the last call."""
        for alert in ended:
            self._say_ended(alert)
        before, self._firing = self._firing, {alert.key: alert for alert in firing}
        for key, alert in self._firing.items():
            was = before.get(key)
            if was is alert:
                continue
            if was is None:
                self._say_fired(alert)
            elif was.severity is not alert.severity:
                say(ALERTS, "alert severity changed", **_facts(alert), was=was.severity)
            self._say_decisions(alert, was)

    def notified(self, notification: Notification) -> None:
        """Log a notification that its route took."""
        say(ALERTS, "notified", **_told(notification))

    def not_notified(self, notification: Notification, reason: str) -> None:
        """Log a notification that its route did not take, and why."""
        warn(ALERTS, "not notified", **_told(notification), reason=reason)

    def _say_fired(self, alert: Alert) -> None:
        is_old = alert.since is not None and alert.since < self._started
        facts = {"value": alert.value_text, "threshold": alert.level_text, "summary": alert.summary}
        say(ALERTS, "alert still firing" if is_old else "alert fired", **_facts(alert), **facts)

    def _say_ended(self, alert: Alert) -> None:
        end = alert.resolved_at if alert.resolved_at is not None else self._clock.wall()
        event = "alert resolved" if alert.state is AlertState.RESOLVED else "alert ended unknown"
        say(ALERTS, event, **_facts(alert), seconds=round(end - (alert.since or end), 1))

    def _say_decisions(self, alert: Alert, was: Alert | None) -> None:
        ack, old_ack = alert.ack, was.ack if was else None
        if ack is not None and ack != old_ack:
            say(ALERTS, "alert acknowledged", **_facts(alert), author=ack.author, note=ack.note)
        elif old_ack is not None and ack is None:
            say(ALERTS, "acknowledgement taken back", **_facts(alert))
        old_stages = {mute.stage for mute in was.mutes} if was else set()
        for mute in alert.mutes:
            if mute.stage not in old_stages:
                say(ALERTS, _MUTED[mute.stage], **_facts(alert), reason=mute.reason)
        if old_stages and not alert.mutes:
            say(ALERTS, "alert no longer muted", **_facts(alert))


class RunLog:
    """Logs what becomes of actions: applied, done, proved, taken back. What ended before this agent is no news."""

    def __init__(self, clock: Clock) -> None:
        self._started = clock.wall()
        self._seen: dict[str, Run] = {}

    def observe(self, runs: Iterable[Run]) -> None:
        """Take in the actions that run or ran."""
        before, self._seen = self._seen, {}
        for run in runs:
            self._seen[run.plan.id] = run
            was = before.get(run.plan.id)
            if was is None and run.ended is not None and run.ended < self._started:
                continue
            self._say_progress(run, was)

    def _say_progress(self, run: Run, was: Run | None) -> None:
        facts = _planned(run.plan)
        if was is None and run.outcome is not Outcome.INTERRUPTED:
            why = {"reason": run.reason} if run.reason else {}
            passed = {"passed": list(run.passed)} if run.passed else {}
            undoes = {"undoes": run.plan.undoes} if run.plan.undoes else {}
            say(ACTIONS, "action applied", **facts, who=run.who, command=run.plan.command, **why, **passed, **undoes)
        if run.outcome not in (was.outcome if was else None, Outcome.RUNNING):
            tell = say if run.outcome is Outcome.SUCCEEDED else warn
            counts = {name: count for name in ("applied", "left", "failed") if (count := getattr(run, name))}
            tell(ACTIONS, "action ended", **facts, outcome=run.outcome, message=run.message, **counts)
        if run.outcome is not Outcome.INTERRUPTED and run.proof not in (was.proof if was else None, Proof.PENDING):
            say(ACTIONS, "action proved", **facts, proof=run.proof)


def _facts(alert: Alert) -> dict[str, object]:
    attributes = {"attributes": dict(alert.attributes)} if alert.attributes else {}
    return {"rule": alert.rule, "source": alert.source, "severity": alert.severity, **attributes}


def _told(notification: Notification) -> dict[str, object]:
    return {
        "route": notification.route,
        "notification": notification.id,
        "title": notification.title,
        "firing": [entry.key for entry in notification.firing],
        "ended": [entry.key for entry in notification.ended],
    }


def _planned(plan: Plan) -> dict[str, object]:
    return {"action": plan.action, "target": plan.target, "plan": plan.id}
