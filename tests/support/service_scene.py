"""What the tests of actions on services share: a scene, its words, and workers of a stand-in."""

from pathlib import Path
from typing import Any

from perftui.config.duration import Duration
from perftui.config.kinds import SystemdOptions
from perftui.config.remedies import ScaleGroup
from perftui.core.action import Outcome, Plan, Proof, Run
from tests.support.stand_in_systemctl import StandIn
from tests.unit.actions.service.scene import Scene


def scene(folder: Path, deadline: float = 10.0) -> Scene:
    return Scene(folder / "audit", "systemd", SystemdOptions(), deadline=deadline)


def texts(plan: Plan, label: str) -> list[str]:
    return [line.before for line in plan.lines if line.label == label]


def ended(run: Run) -> tuple[Outcome, Proof]:
    return run.outcome, run.proof


def workers(systemd: StandIn, stage: Scene, running: int = 1, **more: Any) -> None:
    systemd.add("worker@.service", **more)
    for number in range(1, running + 1):
        systemd.do("start", f"worker@{number}.service")
    group = ScaleGroup(unit="worker@{n}.service", queues=("mail*",), max=4, step=2, deadline=Duration(3.0))
    stage.group("workers", group)
