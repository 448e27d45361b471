"""What the cleanups of files have in common: walk, preview, delete a step at a time, look again.

All of it on threads of their own, of idle I/O priority: a filesystem that hangs holds up nothing else.
"""

import asyncio
import contextlib
from abc import abstractmethod
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

from perftui.actions.cleanup.file_survey import Aim, Survey, be_idle, digest_of, identity_of, survey_of
from perftui.actions.cleanup.file_words import preview, receipt_of, unknown, warnings
from perftui.actions.cleanup.remove import Removal, bytes_of, still_there
from perftui.actions.cleanup.space import free_bytes, watch_of
from perftui.actions.cleanup.walk import Stop
from perftui.actions.contract import Action, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.pace import Pacer
from perftui.actions.params import Params
from perftui.config.settings import SourceSettings
from perftui.core.action import SHOWN_TARGETS, Line, Proof
from perftui.core.aside import ask_aside
from perftui.core.clock import Clock
from perftui.core.errors import Refused, SourceError
from perftui.core.text import clean
from perftui.core.units import size

T = TypeVar("T")
WALK_FOR = 15.0
"""Seconds after which a preview shows what was found until then."""
STEP = 200
STEP_DEADLINE = 30.0
SLOW_STEP = 0.1
LOOK_DEADLINE = 4.0
FILES_PER_SECOND = 10_000.0


class FileCleanup(Action):
    """A cleanup of files on this host; not reversible."""

    plan_deadline = WALK_FOR + 5.0

    def __init__(self, ground: Ground, clock: Clock, verify_after: float = 1.0) -> None:
        super().__init__(ground, clock)
        self._verify_after = verify_after

    @abstractmethod
    def aim(self, params: Params) -> Aim:
        """Return what is looked for; may block. Raises Refused."""

    @abstractmethod
    def words(self, params: Params, aim: Aim) -> tuple[str, str]:
        """Return the title, and the command that one would type."""

    def pins(self, params: Params) -> dict[str, str]:
        """Return what else must be as it was: nothing, as it stands. Raises Refused."""
        return {}

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return the boot of this host, and device and inode of each folder that is walked."""
        found = await _aside(f"the folders of {target.name}", lambda: identity_of(self.aim(params)), LOOK_DEADLINE)
        return found | self.pins(params)

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Walk every place, for at most 15 seconds."""
        stop = Stop(WALK_FOR)
        with _stopped_at_end(stop):
            aim, survey, identity = await _aside(
                "a walk of the folders", lambda: survey_of(self.aim(params), stop), self.plan_deadline
            )
        if not survey.trees:
            reasons = "; ".join(f"{path}: {why}" for path, why in survey.missing.items())
            raise Refused("target", f"none of the folders can be walked: {reasons}", "name others")
        title, command = self.words(params, aim)
        watch = watch_of(self.ground.readings.get(target.name), survey.points, survey.bytes, target.name)
        found = Findings(
            title=title,
            command=command,
            identity=identity | self.pins(params),
            targets=tuple(clean(path) for path in islice(survey.paths(), SHOWN_TARGETS)),
            count=survey.count,
            pin=digest_of(survey),
            work=survey,
            weight=survey.weight,
            lines=preview(survey, self.clock.wall()),
            rests_on=(f"a walk of {', '.join(clean(tree.path) for tree in survey.trees)}, just made",),
            unknown=unknown(survey),
            warnings=(*survey.warnings, *warnings(survey)),
            estimate=survey.count / FILES_PER_SECOND,
            watches=() if watch is None else (watch,),
        )
        survey.used = None  # apply looks afresh
        return found

    async def apply(self, job: Job) -> Receipt:
        """Delete what was found, some hundred files at a time; look at each again first."""
        survey: Survey = job.work
        stop = Stop(float("inf"))
        removal = Removal(survey.trees, stop)
        with contextlib.closing(removal), _stopped_at_end(stop):
            await _aside("the folders", removal.open, STEP_DEADLINE)
            complete, problem = await _remove_all(removal, survey, job)
        survey.removed = removal.removed
        after = None
        with contextlib.suppress(SourceError):  # what was done is told all the same
            after = await _aside("free space", lambda: free_bytes(survey.trees[0].path), LOOK_DEADLINE)
        return receipt_of(removal, survey, after, complete=complete, problem=problem)

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Look for what was deleted, and at the space, again."""
        await asyncio.sleep(self._verify_after)
        survey: Survey = job.work
        stop = Stop(LOOK_DEADLINE)
        with _stopped_at_end(stop):
            looked, found = await _aside("the files", lambda: still_there(survey.removed, stop), LOOK_DEADLINE + 1)
            free = await _aside("free space", lambda: free_bytes(survey.trees[0].path), LOOK_DEADLINE)
        freed = receipt.facts.get("freed", 0.0)
        lines = (
            Line("files looked for again", f"{looked:,}", f"{found:,} are there" if found else "all gone"),
            Line("free space, later", str(size(survey.free)), str(size(free))),
        )
        is_done = bool(receipt.applied) and not found and freed > 0
        return Verdict(proof=Proof.RECOVERED if is_done else Proof.UNCHANGED, lines=lines)


async def _aside(what: str, job: Callable[[], T], deadline: float) -> T:
    """Run a job on a thread of its own. Raises what it raises; an OSError as SourceError; DeadlineExceeded."""
    try:
        return await ask_aside(what, job, deadline, key=object())
    except OSError as error:
        raise SourceError(f"{what}: {clean((error.strerror or 'unreadable').lower())}") from error


@contextlib.contextmanager
def _stopped_at_end(stop: Stop) -> Iterator[None]:
    """End what still runs on a thread when nobody waits for it any more."""
    try:
        yield
    finally:
        stop.set()


async def _remove_all(removal: Removal, survey: Survey, job: Job) -> tuple[bool, str]:
    """Return whether it came to the end, and what broke it off."""
    pacer, total, more = Pacer(0.0, STEP, SLOW_STEP), max(survey.count, 1), True
    loop = asyncio.get_running_loop()
    while more:
        if job.cancelled.is_set():
            return False, ""
        started = loop.time()
        try:
            batch = pacer.batch
            more = await _aside("a step of the cleanup", lambda: _step(removal, batch), STEP_DEADLINE)  # noqa: B023
        except SourceError as error:
            return False, f"broke off: {error}"
        done = removal.done + removal.folders
        job.report(min(0.99, done / total), f"{done:,} of {total:,} deleted, {size(bytes_of(removal.blocks))}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pacer.pause(loop.time() - started, 0.0)):
                await job.cancelled.wait()
    return True, ""


def _step(removal: Removal, batch: int) -> bool:
    be_idle()
    return removal.step(batch)
