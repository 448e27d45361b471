"""The parts of a plan: each a run of its own to the guard and in the audit log, under the plan's locks and leases."""

from collections.abc import Awaitable
from dataclasses import replace

import msgspec

from perftui.actions.contract import PLAN_LIFE, Action, Job, PartEnd, Receipt, Verdict, lock_of
from perftui.actions.frame.guard import Attempt
from perftui.actions.frame.steps import Steps, isolated
from perftui.actions.frame.work import VERIFY_DEADLINE, Surroundings, announced
from perftui.core.action import Proof, Run
from perftui.core.errors import AuditError, PerftuiError, Refused, TargetChanged


class GuardedParts:
    """Runs the parts of an attempt that was admitted, by its actor, for its reason, and behind its broken glass."""

    def __init__(self, around: Surroundings, whole: Attempt) -> None:
        self._around = around
        self._whole = whole

    async def run(self, action: Action, job: Job) -> PartEnd:
        """Run one part to its end; what goes wrong is in what is returned, and cancellation alone passes."""
        try:
            part = self._attempt(action, job)
        except Refused as error:
            return PartEnd(refused=True, problem=str(error))
        begun, problem = await isolated(lambda: self._begin(part), None)
        if begun is None:
            return PartEnd(problem=problem)
        if isinstance(begun, PerftuiError):
            return PartEnd(refused=True, problem=str(begun))
        job = replace(job, target=part.target, plan=part.plan, parts=GuardedParts(self._around, part))
        return await self._run(action, job, begun)

    def _attempt(self, action: Action, job: Job) -> Attempt:
        """Return the part as an attempt; it did not grow old while those before it ran."""
        source, whole, expires = self._around.source, self._whole, self._around.clock.monotonic() + PLAN_LIFE
        return Attempt(
            action=action,
            plan=msgspec.structs.replace(job.plan, part_of=whole.plan.id, expires=expires),
            target=source(job.plan.target),
            others=tuple(source(name) for name in job.plan.touches),
            actor=whole.actor,
            confirmation=whole.confirmation,
            reason=whole.reason,
            break_glass=whole.break_glass,
        )

    async def _begin(self, part: Attempt) -> Run | PerftuiError:
        """Let the guard decide, and record the intent; return why it is left alone, if it is."""
        try:
            passed = await self._around.guard.admit_part(part)
            run = await announced(self._around, part, passed)
        except (Refused, TargetChanged) as error:
            return error
        self._around.recent.began(part.plan.id, part.plan.target)
        return run

    async def _run(self, action: Action, job: Job, run: Run) -> PartEnd:
        """Take its steps and look at what they did; both are recorded."""
        steps, around = Steps(action), self._around
        unrecorded = ""
        try:
            await steps.take(job)
        finally:
            run = msgspec.structs.replace(run, **steps.ending, done=around.clock.wall())
            around.recent.rest(action.info.id, lock_of(run.plan.target, run.plan.subject), steps.cooldown)
            unrecorded = await _recorded(around.journal().outcome(run, steps.cooldown))
        receipt = steps.receipt
        if receipt is None:
            return PartEnd(problem=_words(run.message, unrecorded))
        verdict, unseen = await self._look(action, job, receipt)
        run = msgspec.structs.replace(
            run, proof=verdict.proof, proof_lines=verdict.lines, message=_words(run.message, unseen)
        )
        unrecorded = await _recorded(around.journal().proof(run)) or unrecorded
        if run.undo is not None:  # then it stands among the runs, where it can be taken back
            around.board.put(msgspec.structs.replace(run, ended=around.clock.wall()))
        return PartEnd(receipt=receipt, verdict=verdict, problem=_words(unseen, unrecorded))

    async def _look(self, action: Action, job: Job, receipt: Receipt) -> tuple[Verdict, str]:
        """Return what the action itself sees now, or why nothing was seen."""
        verdict, why = None, "cancelled"
        if not job.cancelled.is_set():
            verdict, why = await isolated(lambda: action.verify(job, receipt), VERIFY_DEADLINE)
        return (verdict, "") if verdict is not None else (Verdict(proof=Proof.UNKNOWN), f"not proved: {why}")


async def _recorded(writing: Awaitable[None]) -> str:
    """Return why it could not be recorded; empty when it was."""
    try:
        await writing
    except AuditError as error:
        return f"not recorded: {error}"
    return ""


def _words(*words: str) -> str:
    return "; ".join(filter(None, words))
