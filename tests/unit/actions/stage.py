"""An action without a server, and a runner around it."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from perftui.actions.audit.journal import Journal
from perftui.actions.audit.log import AuditLog
from perftui.actions.contract import Action, Actor, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.frame.runner import ActionRunner
from perftui.actions.lease.shared import TakeLease, no_lease
from perftui.actions.params import Params
from perftui.actions.proof.verdicts import Watcher
from perftui.config.kinds import RedisOptions
from perftui.config.settings import Settings, SourceSettings
from perftui.core.action import ActionInfo, Line, Param, Plan, Proof, Risk, Run
from perftui.core.alert import Alert, Level
from perftui.core.clock import ManualClock
from perftui.core.reading import Reading
from perftui.core.series import SeriesId
from tests.support.servers import eventually

ADMIN = Actor(uid=0, role="admin", pid=1, login="ada", claimed={"SUDO_USER": "ada"})


class FakeAction(Action):
    """Takes `steps` steps, each let through by `step.set()`; records what it did in `done`.

    `finds` and `ends` are what plan and apply say beyond that; `error` is raised before, `defect` after a step.
    """

    def __init__(self, risk: Risk = Risk.LOW, steps: int = 1, id: str = "cleanup.fake") -> None:
        self.info = ActionInfo(
            id=id,
            title="Fake",
            key="c",
            risk=risk,
            reversible=False,
            kinds=("redis",),
            params=(Param(name="queue", help="which", is_subject=True),),
        )
        self.finds: dict[str, Any] = {}
        self.ends: dict[str, Any] = {}
        self.proof = Proof.RECOVERED
        self.server = {"run_id": "first", "role": "master"}
        self.steps = steps
        self.done: list[int] = []
        self.started = 0
        self.step = asyncio.Event()
        self.step.set()
        self.error: Exception | None = None
        self.programs = False
        self.planned = 0

    def runs_programs(self, params: Params) -> bool:
        return self.programs

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        return dict(self.server)

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        self.planned += 1
        found = Findings(title="fake", command="true", identity=dict(self.server), targets=("db0",), lines=())
        return msgspec.structs.replace(found, **self.finds)

    async def apply(self, job: Job) -> Receipt:
        self.started += 1
        for number in range(self.steps):
            await self.step.wait()
            if job.cancelled.is_set():
                return Receipt(message=f"{number} done", complete=False)
            if self.error is not None:
                raise self.error
            self.done.append(number)
            job.report(number / self.steps, f"step {number}")
        receipt = Receipt(message="all done", lines=(Line("done", "0", str(self.steps)),), applied=self.steps)
        return msgspec.structs.replace(receipt, **self.ends)

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        return Verdict(proof=self.proof, lines=(Line("later", "1", "0"),))


class Stage:
    """Is the ground of its runner, and keeps what the runner published."""

    def __init__(
        self,
        folder: Path,
        action: Callable[[Ground, ManualClock], Action] | Action | None = None,
        *,
        options: RedisOptions | None = None,
        read_only: bool = False,
        lease: TakeLease = no_lease,
        watcher: Watcher | None = None,
        others: Sequence[Action] = (),
        wall: float = 1_700_000_000.0,
    ) -> None:
        self.clock = ManualClock(wall=wall)
        self.settings = Settings()
        self.source = SourceSettings(name="cache-1", kind="redis", options=options or RedisOptions())
        self.host = SourceSettings(name="host", kind="system", options=RedisOptions())
        self.log = AuditLog(folder)
        self.past: dict[SeriesId, list[tuple[float, float | None]]] = {}
        self.firing: list[Alert] = []
        self.fake = FakeAction()
        self.published: list[tuple[Run, ...]] = []
        chosen = self.fake if action is None else action if isinstance(action, Action) else action(self, self.clock)
        self.action = chosen.info.id
        self.stale: set[str] = set()
        self.runner = ActionRunner(
            {each.info.id: each for each in (chosen, *others)},
            self,
            self.clock,
            Journal(self.log, self.clock, folder / "no-system-log"),
            self.published.append,
            read_only=read_only,
            lease=lease,
            watcher=watcher,
        )

    readings: Mapping[str, Reading] = {}

    def is_fresh(self, source: str) -> bool:
        return source not in self.stale

    def points(self, series: SeriesId) -> Iterable[tuple[float, float | None]]:
        return self.past.get(series, ())

    def alert(self, key: str) -> Alert | None:
        return next((alert for alert in self.firing if alert.key == key), None)

    def alerts(self) -> Sequence[Alert]:
        return self.firing

    def levels(self) -> Sequence[Level]:
        return ()

    def poke(self, name: str) -> bool:
        return name in self.sources

    @property
    def sources(self) -> Mapping[str, SourceSettings]:
        return {each.name: each for each in (self.source, self.host)}

    def rule(self, **rules: Any) -> None:
        """Set keys of `[actions]`."""
        self.settings = msgspec.structs.replace(
            self.settings, actions=msgspec.structs.replace(self.settings.actions, **rules)
        )

    async def plan(self, **params: str) -> Plan:
        return await self.runner.plan(self.action, "cache-1", params)

    async def run(self, confirmation: str = "y", actor: Actor = ADMIN, **more: Any) -> Run:
        """Plan, apply and wait for the end."""
        return await self.applied(await self.plan(), confirmation, actor, **more)

    async def applied(self, plan: Plan, confirmation: str = "y", actor: Actor = ADMIN, **more: Any) -> Run:
        await self.runner.apply(plan.id, confirmation, actor, **more)
        return await self.ended(plan)

    async def ended(self, plan: Plan) -> Run:
        await eventually(lambda: asyncio.sleep(0, not self.runner.busy), every=0.001)
        return next(run for run in self.runner.runs if run.plan.id == plan.id)

    def events(self) -> list[str]:
        return [str(record["event"]) for record in self.log.records()]
