"""Remedies made up for tests of the console: actions with parameters, offers, a plan, a run, a health report."""

from typing import Any

from msgspec.structs import replace

from perftui.client.state import State
from perftui.core.action import (
    ActionInfo,
    Line,
    Must,
    Offer,
    Outcome,
    Param,
    ParamKind,
    Plan,
    Proof,
    Risk,
    Run,
    Undo,
    Watch,
)
from perftui.core.alert import Severity
from perftui.core.health import Health, HealthReport, Issue, Priority, Recommendation
from tests.support import states

RESTART = ActionInfo(
    id="service.restart",
    title="Restart a unit",
    key="s",
    risk=Risk.MEDIUM,
    reversible=False,
    kinds=("systemd",),
    params=(
        Param(name="wait", help="how long it may take", kind=ParamKind.DURATION, default="30s", least=1, most=600),
        Param(name="mode", help="how it is done", choices=("restart", "reload"), default="restart"),
        Param(name="force", help="even if it is busy", kind=ParamKind.FLAG),
        Param(name="unit", help="which unit", required=True, is_subject=True),
    ),
)
OPTIMISE = ActionInfo(
    id="optimise.run",
    title="Follow recommendations",
    key="",
    risk=Risk.MEDIUM,
    reversible=False,
    kinds=("system",),
    params=(Param(name="choose", help="which, by their numbers", required=True),),
)
START = Offer(
    action="service.restart",
    target="web-3",
    title="restart worker-webhook",
    params={"unit": "worker-webhook@1.service"},
    risk=Risk.MEDIUM,
    reversible=True,
    note="failed 02:11:58, exit 137",
)
ANY = Offer(action="service.restart", target="cache-1", title="restart any unit", note="runs for 41d")
BLOCKED = Offer(
    action="service.restart",
    target="web-3",
    title="scale worker-webhook",
    risk=Risk.HIGH,
    blocked="it crash-loops: 5 restarts within 2 minutes; look at the exit reason first",
)
PLAN = Plan(
    id="plan-1",
    action="service.restart",
    title="start worker-webhook@1 and worker-webhook@2",
    target="web-3",
    digest="d",
    expires=1e12,
    risk=Risk.MEDIUM,
    reversible=True,
    confirm="y",
    command="systemctl start worker-webhook@1 worker-webhook@2",
    subject="worker-webhook",
    targets=tuple(f"worker-webhook@{number}" for number in range(12)),
    count=1234,
    share=0.25,
    lines=(Line("running", "0 of 2", "2"),),
    rests_on=("queues (1 s old)", "systemd (2 s old)"),
    unknown=("why they exited",),
    warnings=("the last 3 starts failed within 10 s",),
    guards=("limits: 2 of at most 4", "cooldown: none"),
    estimate=5.0,
    params={"unit": "worker-webhook", "wait": "30s", "mode": "restart", "force": "no"},
    window=60.0,
    watches=(
        Watch(label="completed/s", source="cache-1", metric="queue.completed", bad="down", must=Must.IMPROVE, goal=0.0),
        Watch(label="failed/s", source="cache-1", metric="queue.failed"),
    ),
)
BACK = Undo(action="service.restart", params={"unit": "worker-webhook"}, title="stop both again")
REPORT = HealthReport(
    status=Health.CRITICAL,
    at=states.WALL,
    issues=(
        Issue(
            severity=Severity.CRITICAL,
            title="memory is nearly full",
            source="web-3",
            metric="system.memory.utilization",
            value="91 %",
            level="above 80 %",
        ),
    ),
    recommendations=(
        Recommendation(
            id="1",
            title="Clean memory up",
            priority=Priority.HIGH,
            impact="about 2.1 GiB",
            effort="a minute",
            why="memory is at 91 %",
            action="cleanup.memory",
            target="web-3",
        ),
        Recommendation(
            id="2",
            title="Look at slow queries",
            priority=Priority.MEDIUM,
            impact="less load",
            effort="an hour",
            why="14 slow queries in 5 minutes",
        ),
        Recommendation(
            id="3",
            title="Warm the cache",
            priority=Priority.MEDIUM,
            impact="fewer queries",
            effort="2 minutes",
            why="hit rate 65 %",
            action="cache.warm",
            target="cache-2",
        ),
    ),
    blind=("cache-3: connection refused",),
)


def state() -> State:
    """Return the incident, with actions that take parameters."""
    made = states.incident()
    made.actions = (*made.actions, RESTART, OPTIMISE)
    return made


def run_of(plan: str = "plan-1", **changes: Any) -> Run:
    """Return a run that ended well a moment ago, with these changes."""
    ended: dict[str, Any] = {
        "outcome": Outcome.SUCCEEDED,
        "proof": Proof.RECOVERED,
        "done": states.WALL,
        "ended": states.WALL,
    }
    return Run(plan=replace(PLAN, id=plan), **({"started": states.WALL - 10} | ended | changes))
