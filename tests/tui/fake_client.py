"""A client that holds a made-up state and remembers what it was asked."""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from perftui.client.state import State
from perftui.core.action import AuditRow, Line, Offer, Outcome, Plan, Proof, Risk, Run
from perftui.core.alert import Alert, RuleInfo, Silence
from perftui.core.errors import PerftuiError
from perftui.core.health import Health, HealthReport


def plan_for(target: str, confirm: str = "y", databases: int = 1, params: dict[str, str] | None = None) -> Plan:
    keys = tuple(Line(f"database {each}", "1,240,311 keys, 801,220 with an expiry") for each in range(databases))
    return Plan(
        id="plan-1",
        action="cleanup.expired",
        title="free the memory of expired keys",
        target=target,
        digest="d1",
        expires=1e12,
        risk=Risk.LOW,
        reversible=False,
        confirm=confirm,
        command=f"perftui run cleanup.expired {target}",
        lines=(Line("keys", "1,240,311 in 1 database"), Line("with an expiry", "801,220", "at most these can go"))
        if databases == 1
        else keys,
        warnings=() if databases == 1 else ("the server is a replica: keys expire on its primary only",),
        rests_on=("keyspace (1 s old)", "expired_stale_perc 12 %"),
        unknown=("how many have expired: looking would delete them",),
        estimate=4.0,
        params=params or {},
    )


class FakeClient:
    """Follows nothing; `failure` is raised by the next request. `past` and `rule_infos` are what it answers.

    It offers `offered`, or where that is None to clean up each Redis, by `c` or against an alert that names this.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self.on_change: Callable[[], None] | None = None
        self.asked: list[tuple[str, ...]] = []
        self.watched: frozenset[str] = frozenset()
        self.tables: frozenset[str] = frozenset()
        self.confirm = "y"
        self.databases = 1
        self.failure: PerftuiError | None = None
        self.past: tuple[Alert, ...] = ()
        self.rule_infos: tuple[RuleInfo, ...] = ()
        self.offered: tuple[Offer, ...] | None = None
        self.slow: asyncio.Event | None = None
        self.against: list[str] = []
        self.planned: Plan | None = None
        self.audited: tuple[AuditRow, ...] = ()
        self.report = HealthReport(status=Health.HEALTHY, at=0.0)
        self.silenced: list[tuple[dict[str, str], float, str]] = []

    async def run(self) -> None:
        await asyncio.Event().wait()

    def tick(self) -> None:
        """Time stands still."""

    def watch(self, metrics: frozenset[str]) -> None:
        self.watched = metrics

    def show_tables(self, topics: frozenset[str]) -> None:
        self.tables = topics

    async def poll(self, source: str) -> None:
        self._ask("poll", source)

    async def reload(self) -> None:
        self._ask("reload")

    async def offers(
        self, key: str = "", source: str = "", alert: str = "", params: dict[str, str] | None = None
    ) -> tuple[Offer, ...]:
        self._ask("offers", key, source, alert, *(f"{name}={text}" for name, text in (params or {}).items()))
        if self.slow is not None:
            await self.slow.wait()
        if self.offered is not None:
            return tuple(each for each in self.offered if source in ("", each.target))
        told = next((each for each in self.state.alerts.firing if each.key == alert), None)
        if alert and (told is None or "cleanup.expired" not in told.remedies):
            return ()
        names = [each.name for each in self.state.sources_of("redis")] if key in ("", "c") else []
        wanted = told.source if told is not None else source
        return tuple(
            Offer(action="cleanup.expired", target=name, title="Free expired keys")
            for name in names
            if wanted in ("", name)
        )

    async def plan(self, action: str, target: str, params: dict[str, str], alert: str = "") -> Plan:
        self.against.append(alert)
        self._ask("plan", action, target, *(f"{name}={text}" for name, text in params.items()))
        return self.planned or plan_for(target, self.confirm, self.databases, params)

    async def undo(self, plan: str) -> Plan:
        self._ask("undo", plan)
        return self.planned or plan_for("cache-1", self.confirm, self.databases)

    async def apply(self, plan: Plan, confirmation: str, reason: str = "", *, break_glass: bool = False) -> Run:
        self._ask("apply", plan.id, confirmation, *([reason] if reason else []), *(["break-glass"] * break_glass))
        run = Run(plan=plan, fraction=0.3, message="swept 240,000 keys", started=self.state.wall)
        self.state.runs = (run, *(each for each in self.state.runs if each.plan.id != plan.id))
        return run

    async def cancel(self, plan: str) -> None:
        self._ask("cancel", plan)

    async def audit(self, number: int = 200) -> tuple[AuditRow, ...]:
        self._ask("audit", str(number))
        return self.audited

    async def health(self) -> HealthReport:
        self._ask("health")
        return self.report

    async def ack(self, key: str, note: str = "") -> None:
        self._ask("ack", key, note)

    async def unack(self, key: str) -> None:
        self._ask("unack", key)

    async def silence(self, matchers: dict[str, str], seconds: float, comment: str = "") -> Silence:
        self._ask("silence", *(f"{label}={pattern}" for label, pattern in matchers.items()), f"{seconds:.0f}", comment)
        self.silenced.append((matchers, seconds, comment))
        state = self.state
        return Silence(
            id="silence-1",
            matchers=matchers,
            author="ana",
            comment=comment,
            created=state.wall,
            until=state.wall + seconds,
            expires=state.now + seconds,
        )

    async def unsilence(self, id: str) -> None:
        self._ask("unsilence", id)

    async def ended(self, alert: Alert) -> tuple[Alert, ...]:
        self._ask("ended", alert.key)
        return self.past

    async def rules(self) -> tuple[RuleInfo, ...]:
        self._ask("rules")
        return self.rule_infos

    async def set_rule(self, name: str, changes: dict[str, str]) -> RuleInfo:
        self._ask("set_rule", name, *(f"{key}={text}" for key, text in changes.items()))
        rule = next(each for each in self.rule_infos if each.name == name)
        given = {"hold" if key == "for" else key: text for key, text in changes.items()}
        enabled = given.pop("enabled", "true" if rule.enabled else "false") == "true"
        changed = replace(rule, **given, enabled=enabled, changed=True)
        self.rule_infos = tuple(changed if each.name == name else each for each in self.rule_infos)
        return changed

    async def bye(self) -> None:
        self._ask("bye")

    def finish(self, outcome: Outcome = Outcome.SUCCEEDED, proof: Proof = Proof.RECOVERED, **changes: Any) -> None:
        """End the action that runs."""
        done = self.state.wall + 3
        lines = (Line("keys", "1,240,311", "1,101,200"), Line("memory", "3.98 GiB", "3.41 GiB"))
        ending = {"outcome": outcome, "proof": proof, "lines": lines, "done": done, "ended": done, "message": ""}
        run, *others = self.state.runs
        self.tell(replace(run, **(ending | changes)), *others)

    def tell(self, *runs: Run) -> None:
        """Let the agent tell of these runs."""
        self.state.runs = runs
        if self.on_change is not None:
            self.on_change()

    def _ask(self, *request: str) -> None:
        self.asked.append(request)
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
