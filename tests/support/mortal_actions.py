"""A runner of actions over a real audit log, to be killed: run as a program, it is started anew at each line.

`python -m tests.support.mortal_actions FOLDER` forks one life for each line on its input, so that none waits for
imports. A life shows what the one before left open, then previews and applies an action of many small steps, each of
which leaves its mark in FOLDER/effects before it is told. With a number on the line it stays for ever before that step,
having told so; with the word `whole` it is two such actions, parts of a bundle. On the output it tells, one JSON report
a line, how far it came; `{"gone": -9}` is how it ended.
"""

import asyncio
import os
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from perftui.actions.bundle.bundle import Bundle
from perftui.actions.bundle.parts import Part
from perftui.actions.contract import Job, Receipt
from perftui.actions.params import Params
from perftui.config.settings import SourceSettings
from perftui.core.action import ActionInfo, Risk
from tests.unit.actions.stage import ADMIN, FakeAction, Stage

STEPS = 60
STEP = 0.001


class Marking(FakeAction):
    """Each step appends the id of the plan to a file: the change that it makes to the world."""

    def __init__(self, effects: Path, hold: int | None) -> None:
        super().__init__()
        self._effects = os.open(effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._hold = hold
        self._taken = 0

    async def apply(self, job: Job) -> Receipt:
        """Take every step."""
        for number in range(STEPS):
            if self._taken == self._hold:
                tell(held=job.plan.id)
                await asyncio.Event().wait()
            self._taken += 1
            os.write(self._effects, f"{job.plan.id}\n".encode())
            job.report(number / STEPS, f"step {number}")
            await asyncio.sleep(STEP)
        return Receipt(message=f"{STEPS} steps", applied=STEPS)


class Whole(Bundle):
    """Two actions as one."""

    info = ActionInfo(id="cleanup.all", title="All", key="c", risk=Risk.LOW, reversible=False, kinds=("redis",))
    cooldown = 0.0

    def parts(self, target: SourceSettings, params: Params) -> Sequence[Part]:
        """Return the two."""
        return [Part(action="cleanup.fake", target=target.name, params={"queue": uuid.uuid4().hex}) for _ in range(2)]


async def live(folder: Path, words: Sequence[str]) -> None:
    """Show what was left open, then act."""
    marking = Marking(folder / "effects", next((int(word) for word in words if word.isdecimal()), None))
    stage = Stage(
        folder, lambda ground, clock: Whole(ground, clock, lambda: table), wall=time.time(), others=(marking,)
    )
    table = {marking.info.id: marking}
    stage.rule(per_hour=1_000_000)
    await stage.runner.start()
    tell(shown=[[run.plan.id, run.outcome.value] for run in stage.runner.runs])
    if "whole" in words:
        plan = await stage.plan()
    else:  # of one subject an action must first cool down
        plan = await stage.runner.plan(marking.info.id, "cache-1", {"queue": uuid.uuid4().hex})
    tell(planned=plan.id)
    await stage.runner.apply(plan.id, "y", ADMIN)
    tell(applied=plan.id)
    await stage.ended(plan)
    tell(ended=plan.id)


def tell(**report: Any) -> None:
    """Write one report."""
    os.write(1, msgspec.json.encode(report) + b"\n")


def main(folder: Path) -> None:
    """Fork a life for each line."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            asyncio.run(live(folder, line.split()))
            return
        tell(started=child)
        _, status = os.waitpid(child, 0)
        os.write(1, b"\n")  # a kill may have torn the last report
        tell(gone=os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
