"""Plans, runs and proves actions; owns every task that does. What was previewed is what runs, once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from perftui.actions.audit import Record
from perftui.actions.contract import Action, Actor, Ask, Ground, Job, Receipt, make_plan
from perftui.actions.guard import Attempt, Guard
from perftui.actions.journal import Journal, wall_of
from perftui.actions.params import read_params
from perftui.actions.plans import PlanStore
from perftui.config.settings import SourceSettings
from perftui.core.action import ActionInfo, AuditRow, Offer, Outcome, Plan, Proof, Risk, Run
from perftui.core.clock import Clock
from perftui.core.errors import AuditError, DeadlineExceeded, PerftuiError, Refused
from perftui.core.text import clean, did_you_mean

MOST_RUNS = 50
VERIFY_DEADLINE = 60.0
CLOSE_DEADLINE = 5.0
REPORT_EVERY = 0.25


@dataclass
class _Work:
    """A run in work."""

    action: Action
    target: SourceSettings
    plan: Plan
    work: Any
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    reported: float = 0.0
    task: asyncio.Task[None] | None = None


class ActionRunner:
    """What the agent's methods `actions`, `plan`, `apply` and `cancel` ask. `on_runs` is told of every change."""

    def __init__(
        self,
        actions: Mapping[str, Action],
        ground: Ground,
        clock: Clock,
        journal: Journal,
        on_runs: Callable[[tuple[Run, ...]], None],
        *,
        read_only: bool = False,
    ) -> None:
        self._actions = actions
        self._ground = ground
        self._clock = clock
        self._journal = journal
        self._on_runs = on_runs
        self._guard = Guard(clock, read_only=read_only)
        self._plans = PlanStore(clock)
        self._runs: dict[str, Run] = {}
        self._jobs: dict[str, _Work] = {}
        self._beginning: set[asyncio.Task[Run]] = set()
        self._gate = asyncio.Lock()

    @property
    def infos(self) -> tuple[ActionInfo, ...]:
        """The actions on offer."""
        return tuple(action.info for action in self._actions.values())

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs, newest first."""
        return tuple(reversed(self._runs.values()))

    @property
    def busy(self) -> bool:
        """Whether an action runs or is being proved."""
        return bool(self._jobs)

    async def start(self) -> None:
        """Show as interrupted, and record, what a dead agent left open. Raises AuditError."""
        for intent in await self._journal.close_interrupted():
            run = _interrupted(intent, self._clock.wall())
            self._runs[run.plan.id] = run
        if self._runs:
            self._on_runs(self.runs)

    async def close(self) -> None:
        """Stop what runs between two of its steps, at the latest after 5 s, and record how it ended."""
        await asyncio.gather(*self._beginning, return_exceptions=True)
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        for job in self._jobs.values():
            job.cancelled.set()
        if not tasks:
            return
        _, slow = await asyncio.wait(tasks, timeout=CLOSE_DEADLINE)
        for task in slow:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def offers(
        self, key: str = "", source: str = "", alert: str = "", params: Mapping[str, str] | None = None
    ) -> tuple[Offer, ...]:
        """Return what can be previewed: in the picker of a key, on a source, or against an alert, the best first."""
        ask = Ask(self._ground.alert(alert) if alert else None, params or {})
        return tuple(
            offer
            for action in self._actions.values()
            for target in self._ground.sources.values()
            if target.kind in action.info.kinds and source in ("", target.name) and key in ("", action.info.key)
            for offer in action.offers(target, ask)
        )

    async def undo(self, plan_id: str) -> Plan:
        """Preview what takes a run back. Raises Refused where nothing does."""
        run = self._runs.get(plan_id)
        if run is None or run.undo is None:
            raise Refused("undo", "there is nothing to take back", "look at the actions")
        return await self.plan(run.undo.action, run.plan.target, run.undo.params)

    async def audit(self, number: int) -> tuple[AuditRow, ...]:
        """Return the last actions of the audit log, newest first. Raises AuditError."""
        return ()

    async def plan(self, action: str, target: str, params: Mapping[str, str], alert: str = "") -> Plan:
        """Preview an action; changes nothing. Anyone who is attached may. Raises Refused, ActionError, SourceError."""
        chosen, source = self._action(action), self._source(target)
        if source.kind not in chosen.info.kinds:
            kinds = " and ".join(chosen.info.kinds)
            raise Refused("target", f"{action} works on {kinds} and {source.name} is {source.kind}", "choose another")
        checked = read_params(chosen.info, params)
        try:
            async with asyncio.timeout(chosen.plan_deadline):
                found = await chosen.plan(source, checked)
        except TimeoutError as error:
            raise DeadlineExceeded(f"{source.name} did not answer within {chosen.plan_deadline:.0f} s") from error
        others = [self._source(name) for name in found.touches]
        plan = make_plan(chosen.info, source, found, checked, self._clock, others=others)
        self._plans.add(plan, found.work)
        return plan

    async def apply(
        self, plan_id: str, confirmation: str, actor: Actor, *, reason: str = "", break_glass: bool = False
    ) -> Run:
        """Start what was previewed, or return its run when it was started before.

        Raises SourceError, TargetChanged, and Refused, also when the intent cannot be recorded: nothing is done then.
        """
        async with self._gate:
            if plan_id in self._runs:
                return self._runs[plan_id]
            previewed = self._plans.get(plan_id)
            if previewed is None:
                raise Refused("plan", "there is no such preview", "preview it again")
            plan = previewed.plan
            action, target = self._action(plan.action), self._source(plan.target)
            await self._guard.admit(
                Attempt(
                    action=action,
                    plan=plan,
                    target=target,
                    settings=self._ground.settings,
                    actor=actor,
                    confirmation=confirmation,
                )
            )
            # Shielded: a console that hangs up now must not leave an intent on disk that nothing follows.
            beginning = asyncio.create_task(self._begin(_Work(action, target, plan, previewed.work), actor))
            self._beginning.add(beginning)
            beginning.add_done_callback(self._begun)
            return await asyncio.shield(beginning)

    def cancel(self, plan_id: str, actor: Actor) -> Run:
        """Stop a running action between two of its steps. Raises Refused."""
        job, run = self._jobs.get(plan_id), self._runs.get(plan_id)
        if run is None:
            raise Refused("plan", "no such action runs", "look at the runs")
        if job is not None:
            if actor.role != "admin" or actor.read_only:
                raise Refused("role", "only who may act may cancel", "attach as admin without --read-only")
            job.cancelled.set()
        return run

    def _action(self, name: str) -> Action:
        action = self._actions.get(name)
        if action is None:
            raise Refused("action", f"there is no action {clean(name, 40)}", _choices(name, self._actions))
        return action

    def _source(self, name: str) -> SourceSettings:
        source = self._ground.sources.get(name)
        if source is None:
            raise Refused("target", f"there is no source {clean(name, 60)}", _choices(name, self._ground.sources))
        return source

    async def _begin(self, job: _Work, actor: Actor) -> Run:
        try:
            await self._journal.intent(job.plan, actor)
        except AuditError as error:
            self._guard.release(job.plan, cooldown=0.0)
            raise Refused("audit", str(error), "only what can be recorded is done") from error
        return self._start(job)

    def _begun(self, beginning: asyncio.Task[Run]) -> None:
        self._beginning.discard(beginning)
        if not beginning.cancelled():
            beginning.exception()  # told to whoever applied; seen here in case that console is gone

    def _start(self, job: _Work) -> Run:
        run = Run(plan=job.plan, started=self._clock.wall(), fraction=0.0)
        self._plans.drop(job.plan.id)
        self._jobs[job.plan.id] = job
        self._publish(run)
        job.task = asyncio.create_task(self._work(job), name=f"{job.plan.action} {job.plan.target}")
        job.task.add_done_callback(lambda task: self._end(job, task))
        return run

    async def _work(self, job: _Work) -> None:
        receipt = await self._apply(job)
        if receipt is not None:
            await self._prove(job, receipt)

    def _end(self, job: _Work, task: asyncio.Task[None]) -> None:
        del self._jobs[job.plan.id]
        self._guard.release(job.plan, job.action.cooldown)
        self._change(job, ended=self._clock.wall())
        defect = None if task.cancelled() else task.exception()
        if defect is not None:
            self._change(job, message=clean(f"a defect of perftui: {type(defect).__name__}: {defect}"))

    async def _apply(self, job: _Work) -> Receipt | None:
        """Do it and record how it ended, whatever happens; return None when there is nothing to prove."""
        receipt = None
        ending: dict[str, object] = {"outcome": Outcome.FAILED, "proof": Proof.UNKNOWN, "message": "it broke off"}
        try:
            receipt = await job.action.apply(self._job(job))
            ending = _ending(receipt)
        except PerftuiError as error:
            ending["message"] = str(error)
        finally:
            run = self._change(job, done=self._clock.wall(), **ending)
            await self._record(job, self._journal.outcome(run))
        return receipt

    async def _prove(self, job: _Work, receipt: Receipt) -> None:
        try:
            async with asyncio.timeout(VERIFY_DEADLINE):
                verdict = await job.action.verify(self._job(job), receipt)
        except (PerftuiError, TimeoutError) as error:
            why = str(error) or f"no second reading within {VERIFY_DEADLINE:.0f} s"
            run = self._change(job, proof=Proof.UNKNOWN, message=f"{receipt.message}; not proved: {why}")
        else:
            # What was cancelled may have done some good; that it is mended, nobody looked to the end.
            proof = verdict.proof if receipt.complete or verdict.proof is Proof.WORSE else Proof.UNKNOWN
            run = self._change(job, proof=proof, proof_lines=verdict.lines)
        await self._record(job, self._journal.proof(run))

    async def _record(self, job: _Work, writing: Awaitable[None]) -> None:
        try:
            await writing
        except AuditError as error:
            message, trouble = self._runs[job.plan.id].message, f"; not recorded: {error}"
            self._change(job, message=message.removesuffix(trouble) + trouble)

    def _job(self, job: _Work) -> Job:
        return Job(job.target, job.plan, job.work, self._reporter(job), job.cancelled)

    def _reporter(self, job: _Work) -> Callable[[float | None, str], None]:
        def report(fraction: float | None, message: str) -> None:
            now = self._clock.monotonic()
            if now - job.reported >= REPORT_EVERY:
                job.reported = now
                self._change(job, fraction=fraction, message=message)

        return report

    def _change(self, job: _Work, **changes: object) -> Run:
        run = msgspec.structs.replace(self._runs[job.plan.id], **changes)
        self._publish(run)
        return run

    def _publish(self, run: Run) -> None:
        self._runs[run.plan.id] = run
        finished = [key for key in self._runs if key not in self._jobs]
        for key in finished[: max(0, len(self._runs) - MOST_RUNS)]:
            del self._runs[key]
        self._on_runs(self.runs)


def _ending(receipt: Receipt) -> dict[str, object]:
    """Return what a run is once its steps are done: how it ended, and what was done and what was not."""
    if receipt.problem or receipt.failed:
        outcome = Outcome.PARTIAL if receipt.applied else Outcome.FAILED
    else:
        outcome = Outcome.SUCCEEDED if receipt.complete else Outcome.CANCELLED
    return {
        "outcome": outcome,
        "message": "; ".join(filter(None, [receipt.message, receipt.problem])),
        "lines": receipt.lines,
        "applied": receipt.applied,
        "left": receipt.left,
        "failed": receipt.failed,
        "undo": receipt.undo,
    }


def _choices(name: str, known: Mapping[str, object]) -> str:
    return did_you_mean(name, known) or "there are: " + ", ".join(sorted(known))


def _interrupted(intent: Record, found: float) -> Run:
    """Return the run of an intent that has no outcome, as far as its record tells; `found` is the wall time now.

    The record may be of another version, or somebody may have written it by hand: nothing in it is relied upon.
    """
    words = {key: clean(str(intent.get(key, "?"))) for key in ("plan", "action", "target", "digest", "command")}
    plan = Plan(
        id=words["plan"],
        action=words["action"],
        title=f"{words['action']} on {words['target']}",
        target=words["target"],
        digest=words["digest"],
        expires=0.0,
        risk=next((risk for risk in Risk if risk == intent.get("risk")), Risk.HIGH),
        reversible=False,
        confirm="",
        command=words["command"],
    )
    message = "its agent died while it ran; what was done is not known, and it is not resumed"
    return Run(
        plan=plan,
        outcome=Outcome.INTERRUPTED,
        proof=Proof.UNKNOWN,
        message=message,
        started=wall_of(intent) or found,
        ended=found,
    )
