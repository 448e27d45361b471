"""One run's life: apply, its record, and its proof. Locks, leases and cooldown end with apply, not with the proof."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from perftui.actions.audit.journal import Journal
from perftui.actions.audit.rows import actor_name, cancelled_by
from perftui.actions.contract import Action, Actor, Job, Parts, Receipt, Verdict, lock_of
from perftui.actions.frame.board import Board
from perftui.actions.frame.guard import Attempt, Guard
from perftui.actions.frame.recent import Recent
from perftui.actions.frame.steps import Steps, defect, isolated
from perftui.actions.lease.shared import Hold
from perftui.actions.proof.verdicts import Watcher, combined
from perftui.config.settings import SourceSettings
from perftui.core.action import Line, Outcome, Plan, Proof, Run
from perftui.core.clock import Clock
from perftui.core.errors import AuditError, Refused
from perftui.core.text import clean

VERIFY_DEADLINE = 60.0
WATCH_GRACE = 30.0
"""Seconds that the watch may take beyond its window."""
REPORT_EVERY = 0.25


@dataclass(frozen=True)
class Surroundings:
    """What every run works with. `source` gives a source by name, and raises Refused where there is none."""

    board: Board
    guard: Guard
    journal: Callable[[], Journal]
    recent: Recent
    clock: Clock
    watcher: Watcher | None
    on_undone: Callable[[str], None]
    source: Callable[[str], SourceSettings]


async def announced(
    around: Surroundings, attempt: Attempt, passed: tuple[str, ...], lines: tuple[Line, ...] = ()
) -> Run:
    """Record the intent of what was admitted, and return its run. Raises Refused: only what is recorded may be done."""
    run = Run(
        plan=attempt.plan,
        started=around.clock.wall(),
        fraction=0.0,
        lines=lines,
        who=actor_name(attempt.actor),
        reason=attempt.reason,
        passed=passed,
    )
    try:
        passed = await around.journal().intent(run, attempt.actor, attempt.action.cooldown, spill=attempt.break_glass)
    except AuditError as error:
        breakable = around.guard.may_break and not attempt.break_glass
        raise Refused("audit", str(error), "only what can be recorded is done", breakable=breakable) from error
    if passed != run.passed:
        lines = (*lines, Line("warning", after=around.journal().spilled))
    return msgspec.structs.replace(run, passed=passed, lines=lines)


@dataclass
class Work:
    """A run in work. `notes` are lines that stand before those of its receipt."""

    around: Surroundings
    action: Action
    target: SourceSettings
    plan: Plan
    work: Any
    hold: Hold
    notes: tuple[Line, ...] = ()
    parts: Parts | None = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    proving: bool = False
    task: asyncio.Task[None] | None = None
    _before: Any = None
    _blind: str = ""
    _reported: float = 0.0
    _closing: bool = False
    _over: bool = False
    _trouble: str = ""
    _cancelled_by: str = ""
    _telling: asyncio.Task[None] | None = None
    _message: str = ""
    _lines: tuple[Line, ...] = ()
    _unrecorded: dict[str, str] = field(default_factory=dict)
    _own_lines: tuple[Line, ...] = ()
    _watched_lines: tuple[Line, ...] = ()

    def start(self) -> None:
        """Begin; `task` is done once all is proved and recorded."""
        self.task = asyncio.create_task(self._run(), name=f"{self.plan.action} {self.plan.target}")

    def cancel(self, actor: Actor) -> None:
        """Stop between two of its steps, and record who wants that: the first one, while there are steps to take."""
        run = self.around.board.get(self.plan.id)
        if run is None or self._over or self.cancelled.is_set():
            return
        self.cancelled.set()
        self._cancelled_by = cancelled_by(actor_name(actor))
        self._telling = asyncio.create_task(self._record("cancel", self.around.journal().cancel(run, actor)))

    def stop(self) -> None:
        """End it as the agent ends: apply between two of its steps, the watching of its proof at once."""
        self._closing = True
        self.cancelled.set()
        if self.proving and self.task is not None:
            self.task.cancel()

    async def _run(self) -> None:
        receipt = await self._apply()
        if receipt is None:
            return
        self.proving = True
        if self._closing:
            await self._end_proof(Verdict(proof=Proof.UNKNOWN), ["the agent ended"])
        else:
            await self._prove(receipt)

    async def _apply(self) -> Receipt | None:
        """Do it, record how it ended and tell it, whatever happens; return None when there is nothing to prove.

        It is told last, so that whoever waits for the end hears, too, that it is not on record.
        """
        steps = Steps(self.action)
        guarding = asyncio.create_task(self._guard_leases(), name=f"leases of {self.plan.action}")
        try:
            self._look_before()
            await steps.take(self._job(), self.notes)
        finally:
            guarding.cancel()
            run = self._finish(steps.ending, steps.cooldown)
            try:
                if self._telling is not None:
                    await self._telling
                await self._record("outcome", self.around.journal().outcome(run, steps.cooldown))
            finally:
                self._tell(**steps.ending, done=run.done)
            await self.hold.release()
        return steps.receipt

    def _look_before(self) -> None:
        try:
            self._before = self.around.watcher.before(self.plan) if self.around.watcher is not None else None
        except Exception as error:  # noqa: BLE001 - a defect in what proves it is no reason not to act
            self._blind = defect(error)

    def _finish(self, ending: dict[str, object], cooldown: float) -> Run:
        """Give back what was held, and return the run as it ended."""
        around, plan = self.around, self.plan
        cancelled = self._cancelled_by if ending["outcome"] is not Outcome.SUCCEEDED else ""  # it came too late
        self._over = True
        self._message = "; ".join(filter(None, [str(ending["message"]), self._trouble, cancelled]))
        run = around.board.run(plan.id, **{**ending, "message": self._message, "done": around.clock.wall()})
        self._lines = run.lines
        around.recent.rest(plan.action, lock_of(plan.target, plan.subject), cooldown)
        if plan.undoes and run.outcome is Outcome.SUCCEEDED:
            around.on_undone(plan.undoes)
        around.guard.release(plan)
        return run

    async def _guard_leases(self) -> None:
        """Stop between two steps once a lease is lost: another agent may act there now."""
        if self.hold.held:
            lost = await self.hold.lost()
            self._trouble = f"stopped: the lease on {lost} was lost, and another agent may act there now"
            self.cancelled.set()

    async def _prove(self, receipt: Receipt) -> None:
        """Let the action read again, and follow the plan's watches meanwhile."""
        watching = asyncio.create_task(self._watch(), name=f"proof of {self.plan.action}")
        try:
            own, problem = await self._verify(receipt)
            self._show(own.lines)
            watched, other = await watching
        except asyncio.CancelledError:
            await self._end_proof(Verdict(proof=Proof.UNKNOWN), ["the agent ended"])
            raise
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        verdict = combined(self.plan, own, watched)
        # What was cancelled may have done some good; that it is mended, nobody looked to the end.
        if not receipt.complete and verdict.proof is not Proof.WORSE:
            verdict = Verdict(proof=Proof.UNKNOWN, lines=verdict.lines)
        await self._end_proof(verdict, [problem, other])

    async def _end_proof(self, verdict: Verdict, problems: list[str]) -> None:
        why = "; ".join(filter(None, problems))
        if why:
            self._message = "; ".join(filter(None, [self._message, f"not proved: {why}"]))
        changes = {"proof": verdict.proof, "proof_lines": verdict.lines}
        run = self.around.board.run(self.plan.id, **changes, message=self._message)
        try:
            await self._record("proof", self.around.journal().proof(run))
        finally:
            self._tell(**changes)

    async def _verify(self, receipt: Receipt) -> tuple[Verdict, str]:
        own, why = await isolated(lambda: self.action.verify(self._job(), receipt), VERIFY_DEADLINE)
        return own if own is not None else Verdict(proof=Proof.UNKNOWN), why

    async def _watch(self) -> tuple[Verdict | None, str]:
        watcher, plan = self.around.watcher, self.plan
        if watcher is None or not plan.watches or plan.window <= 0:
            return None, ""
        if self._blind:
            return Verdict(proof=Proof.UNKNOWN), self._blind
        seen: tuple[Line, ...] = ()

        def report(lines: tuple[Line, ...]) -> None:
            nonlocal seen
            if lines != seen:
                seen = lines
                self._show(watched=lines)

        watched, why = await isolated(lambda: watcher.watch(plan, self._before, report), plan.window + WATCH_GRACE)
        return watched if watched is not None else Verdict(proof=Proof.UNKNOWN, lines=seen), why

    def _show(self, own: tuple[Line, ...] | None = None, watched: tuple[Line, ...] | None = None) -> None:
        self._own_lines = self._own_lines if own is None else own
        self._watched_lines = self._watched_lines if watched is None else watched
        self.around.board.change(self.plan.id, proof_lines=(*self._own_lines, *self._watched_lines))

    async def _record(self, what: str, writing: Awaitable[None]) -> None:
        try:
            await writing
        except AuditError as error:
            self._unrecorded[what] = str(error)
        else:
            self._unrecorded.clear()  # the log takes records in their order: those before it are written, too

    def _tell(self, **changes: object) -> None:
        """Publish changes of the run, and what of it is not on record."""
        message, lines = self._message, self._lines
        if self._unrecorded:
            verb = "was" if len(self._unrecorded) == 1 else "were"
            missing = (
                f"the {' and the '.join(self._unrecorded)} {verb} not recorded: {[*self._unrecorded.values()][-1]}"
            )
            message = "; ".join(filter(None, [message, missing]))
            lines = (*lines, Line("warning", after=missing))
        self.around.board.change(self.plan.id, **{**changes, "message": message, "lines": lines})

    def _job(self) -> Job:
        return Job(self.target, self.plan, self.work, self._report, self.cancelled, self.parts)

    def _report(self, fraction: float | None, message: str) -> None:
        now = self.around.clock.monotonic()
        if now - self._reported >= REPORT_EVERY:
            self._reported = now
            self.around.board.change(self.plan.id, fraction=fraction, message=clean(message))
