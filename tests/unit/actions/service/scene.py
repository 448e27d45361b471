"""A runner with every action on services, around one manager of services."""

from pathlib import Path

import msgspec

from perftui.actions.audit.journal import Journal
from perftui.actions.contract import Action
from perftui.actions.frame.runner import ActionRunner
from perftui.actions.service.limit import ServiceLimit
from perftui.actions.service.scale import ServiceScale
from perftui.actions.service.verbs import ServiceReload, ServiceRestart, ServiceStart, ServiceStop
from perftui.collectors.registry import collector_for
from perftui.config.kinds import Options
from perftui.config.remedies import ScaleGroup
from perftui.config.settings import SourceSettings
from perftui.core.action import Plan, Run
from perftui.core.clock import SystemClock
from tests.unit.actions.stage import ADMIN, Stage

VERIFY_AFTER = 0.4


class Scene(Stage):
    """Is the ground; its source is called `services`. `deadline` is how long actions wait (seconds)."""

    def __init__(self, folder: Path, kind: str, options: Options, *, deadline: float = 10.0) -> None:
        super().__init__(folder)
        self.readings = {}
        self.source = SourceSettings(name="services", kind=kind, options=options)
        clock = SystemClock()
        verbs = (ServiceStart, ServiceStop, ServiceRestart, ServiceReload)
        actions: list[Action] = [verb(self, clock, deadline=deadline, verify_after=VERIFY_AFTER) for verb in verbs]
        actions += [kind(self, clock, verify_after=VERIFY_AFTER) for kind in (ServiceScale, ServiceLimit)]
        table = {action.info.id: action for action in actions}
        journal = Journal(self.log, self.clock, folder / "no-system-log")
        self.runner = ActionRunner(table, self, self.clock, journal, self.published.append)

    def group(self, name: str, group: ScaleGroup) -> None:
        """Declare `[scale.NAME]`."""
        self.settings = msgspec.structs.replace(self.settings, scale={**self.settings.scale, name: group})

    async def poll(self) -> None:
        """Let the source be read once."""
        collector = collector_for(self.source, SystemClock())
        await collector.open()
        self.readings = {**self.readings, "services": await collector.poll()}

    async def preview(self, action: str, target: str = "services", /, **params: str) -> Plan:
        return await self.runner.plan(action, target, params)

    async def do(self, action: str, target: str = "services", /, **params: str) -> Run:
        """Preview, confirm, and wait for the end."""
        plan = await self.preview(action, target, **params)
        return await self.confirm(plan)

    async def confirm(self, plan: Plan) -> Run:
        await self.begin(plan)
        return await self.ended(plan)

    async def begin(self, plan: Plan) -> None:
        await self.runner.apply(plan.id, plan.confirm, ADMIN)
