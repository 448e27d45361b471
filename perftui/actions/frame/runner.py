"""Answers what is asked of actions: offers, previews, starts, cancels. What was previewed is what runs, once."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from perftui.actions.audit.journal import Journal
from perftui.actions.audit.past import MOST_ROWS, Past
from perftui.actions.audit.rows import run_of
from perftui.actions.contract import WINDOW, Action, Actor, Findings, Ground, make_plan
from perftui.actions.frame.board import MOST_PUBLISHED, Board
from perftui.actions.frame.guard import Attempt, Guard
from perftui.actions.frame.offers import Offers
from perftui.actions.frame.parts import GuardedParts
from perftui.actions.frame.plans import PlanStore
from perftui.actions.frame.recent import Recent
from perftui.actions.frame.work import Surroundings, Work, announced
from perftui.actions.lease.shared import Leases, TakeLease, no_lease
from perftui.actions.params import Params, read_params
from perftui.actions.proof.verdicts import Watcher, with_alerts
from perftui.config.settings import SourceSettings
from perftui.core.action import LONGEST_REASON, ActionInfo, AuditRow, Line, Offer, Outcome, Plan, Risk, Run
from perftui.core.clock import Clock
from perftui.core.errors import AuditError, DeadlineExceeded, Refused
from perftui.core.text import clean, did_you_mean

CLOSE_DEADLINE = 5.0
MOST_PLANNING = 8
_NOTHING = Line("nothing to do", after="there is no target, so it cannot be applied")


class ActionRunner:
    """What the agent's methods ask. `on_runs` is told of every change; it owns every task that changes anything.

    `lease` keeps other agents off a source meanwhile, `watcher` follows the readings for the proof; `load` brings the
    actions into the table, once `start` is called.
    """

    def __init__(
        self,
        actions: Mapping[str, Action],
        ground: Ground,
        clock: Clock,
        journal: Journal,
        on_runs: Callable[[tuple[Run, ...]], None],
        *,
        read_only: bool = False,
        lease: TakeLease = no_lease,
        watcher: Watcher | None = None,
        load: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._actions = actions
        self._ground = ground
        self._clock = clock
        self._journal = journal
        self._recent = Recent(clock)
        self._past = Past(journal.log, clock, self._recent, actions)
        self._guard = Guard(ground, clock, self._recent, read_only=read_only)
        self._offers = Offers(actions, ground, self._guard.why_read_only)
        self._leases = Leases(lease, clock)
        self._plans = PlanStore(clock)
        self._board = Board(on_runs)
        self._around = Surroundings(
            self._board,
            self._guard,
            lambda: self._journal,
            self._recent,
            clock,
            watcher,
            self._mark_undone,
            self._source,
        )
        self._working: dict[str, Work] = {}
        self._beginning: dict[str, asyncio.Task[Run]] = {}
        self._undone: set[str] = set()
        self._planning = 0
        self._load = load
        self._ready = asyncio.Event()
        if load is None:
            self._ready.set()
        self._closing = False

    @property
    def infos(self) -> tuple[ActionInfo, ...]:
        """The actions that there are."""
        return tuple(action.info for action in self._actions.values())

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs, newest first."""
        return self._board.runs

    @property
    def busy(self) -> bool:
        """Whether an action begins, runs or is being proved."""
        return bool(self._working or self._beginning)

    async def ready(self) -> None:
        """Return once it is known what there is to do."""
        await self._ready.wait()

    async def start(self) -> None:
        """Show the last runs, record as interrupted what a dead agent left open. Raises AuditError."""
        if self._load is not None:
            await self._load()
        self._ready.set()
        try:
            await self._journal.close_interrupted()
        finally:
            await self._past.refresh()
            rows = [row for row in self._past.rows.values() if _stands_alone(row)][-MOST_PUBLISHED:]
            past = [self._past_run(row) for row in rows]
            found = [run for run in past if run is not None and self._board.get(run.plan.id) is None]
            if found:
                self._board.put(*found)

    async def close(self) -> None:
        """Stop what runs between two of its steps, at the latest after 5 s, and record how it ended."""
        self._closing = True
        await asyncio.gather(*self._beginning.values(), return_exceptions=True)
        tasks = [work.task for work in self._working.values() if work.task is not None]
        for work in list(self._working.values()):
            work.stop()
        if tasks:
            _, slow = await asyncio.wait(tasks, timeout=CLOSE_DEADLINE)
            for task in slow:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(self._journal.settle(), return_exceptions=True)

    async def mend_audit(self) -> str:
        """Write what could not be recorded yet; return what is wrong with the audit log, empty when nothing is."""
        return await self._journal.mend()

    def offers(
        self, key: str = "", source: str = "", alert: str = "", params: Mapping[str, str] | None = None
    ) -> tuple[Offer, ...]:
        """Return what can be previewed: in the picker of a key, on a source, or against an alert, the best first.

        Against an alert that is over there is nothing.
        """
        against = self._ground.alert(alert) if alert else None
        if alert and against is None:
            return ()
        return self._offers.find(key, source, against, params or {})

    async def plan(
        self, action: str, target: str, params: Mapping[str, str], alert: str = "", *, read_only: bool = False
    ) -> Plan:
        """Preview an action; changes nothing. `read_only` tells that whoever asks attached with that flag.

        Raises Refused, ActionError, SourceError.
        """
        return await self._preview(action, target, params, read_only, alert=alert)

    async def undo(self, plan_id: str, *, read_only: bool = False) -> Plan:
        """Preview what takes a run back. Raises as `plan` does, Refused where nothing does, and AuditError."""
        run = self._board.get(plan_id)
        if run is None:
            await self._past.refresh()
            row = self._past.rows.get(plan_id)
            run = self._past_run(row) if row is not None else None
        if run is None or run.undo is None:
            raise Refused("undo", "there is nothing to take back", "look at the actions")
        self._check_undone(plan_id)
        undo, target = run.undo, run.plan.target
        return await self._preview(undo.action, target, undo.params, read_only, undoes=plan_id)

    async def audit(self, number: int) -> tuple[AuditRow, ...]:
        """Return the last actions of the audit log, at most 500, newest first. Raises AuditError."""
        await self._past.refresh()
        rows = list(self._past.rows.values())[::-1][: max(1, min(number, MOST_ROWS))]
        known = {info.id: info.key for info in self.infos}
        return tuple(msgspec.structs.replace(row, key=known.get(row.action, "")) for row in rows)

    async def apply(
        self, plan_id: str, confirmation: str, actor: Actor, *, reason: str = "", break_glass: bool = False
    ) -> Run:
        """Start what was previewed, or return its run when it was started before.

        Raises SourceError, TargetChanged, and Refused, also when the intent cannot be recorded: nothing is done then.
        """
        while plan_id in self._beginning:  # somebody else starts it: if they are refused, this one may still be let
            await asyncio.wait([self._beginning[plan_id]])
        run = self._board.get(plan_id)
        if run is not None:
            return run
        if self._closing:
            raise Refused("agent", "this agent ends", "try again in a moment")
        attempt, work = self._attempt(plan_id, confirmation, actor, reason, break_glass)
        # Shielded: a console that hangs up now must not leave an intent on disk that nothing follows.
        beginning = asyncio.create_task(self._begin(attempt, work), name=f"start of {attempt.plan.action}")
        self._beginning[plan_id] = beginning
        beginning.add_done_callback(lambda task: self._begun(plan_id, task))
        return await asyncio.shield(beginning)

    def cancel(self, plan_id: str, actor: Actor) -> Run:
        """Stop a running action between two of its steps. Raises Refused."""
        work, run = self._working.get(plan_id), self._board.get(plan_id)
        if run is None:
            raise Refused("plan", "no such action runs", "look at the runs")
        if work is not None:
            if actor.role != "admin" or actor.read_only:
                raise Refused("role", "only who may act may cancel", "attach as admin without --read-only")
            work.cancel(actor)
        return run

    async def _preview(
        self, action: str, target: str, params: Mapping[str, str], read_only: bool, alert: str = "", undoes: str = ""
    ) -> Plan:
        chosen, source = self._action(action), self._source(target)
        if source.kind not in chosen.info.kinds:
            kinds = " and ".join(chosen.info.kinds)
            raise Refused("target", f"{action} works on {kinds} and {source.name} is {source.kind}", "choose another")
        checked = read_params(chosen.info, params)
        self._guard.check_preview(chosen, source, checked, read_only=read_only)
        found = await self._findings(chosen, source, checked)
        others = [self._source(name) for name in found.touches if name != source.name]
        against = self._ground.alert(alert) if alert else None
        watches = with_alerts(found.watches, against, self._ground.alerts())
        window = found.window if found.window > 0 or not watches else WINDOW
        found = msgspec.structs.replace(found, watches=watches, window=window)
        plan = make_plan(
            chosen.info, source, found, checked, self._clock, others=others, alert=clean(alert), undoes=undoes
        )
        plan = msgspec.structs.replace(
            plan,
            guards=(*self._guard.outlook(plan), *self._guard.outlook_of_parts(found.parts)),
            needs_reason=self._guard.needs_reason(plan),
            warnings=(*plan.warnings, *self._guard.stale(plan), *self._unproved(plan)),
            lines=plan.lines if plan.count else (_NOTHING, *plan.lines),
        )
        self._plans.add(plan, found.work, found.weight)
        return plan

    async def _findings(self, action: Action, source: SourceSettings, params: Params) -> Findings:
        if self._planning >= MOST_PLANNING:
            raise Refused("limits", f"{MOST_PLANNING} previews are being made already", "try again in a moment")
        self._planning += 1
        try:
            async with asyncio.timeout(action.plan_deadline):
                return await action.plan(source, params)
        except TimeoutError as error:
            raise DeadlineExceeded(f"{source.name} did not answer within {action.plan_deadline:.0f} s") from error
        finally:
            self._planning -= 1

    def _unproved(self, plan: Plan) -> tuple[str, ...]:
        """Return a warning for each action whose proof is still watched on the same target."""
        return tuple(
            f"the proof of {work.plan.action} on {plan.target} is still watched: what this one does will show in it"
            for work in self._working.values()
            if work.proving and work.plan.target == plan.target
        )

    def _attempt(
        self, plan_id: str, confirmation: str, actor: Actor, reason: str, break_glass: bool
    ) -> tuple[Attempt, object]:
        previewed = self._plans.get(plan_id)
        if previewed is None:
            raise Refused("plan", "there is no such preview", "preview it again")
        plan = previewed.plan
        if not plan.count:
            raise Refused("target", "there is nothing to do", "look again later")
        attempt = Attempt(
            action=self._action(plan.action),
            plan=plan,
            target=self._source(plan.target),
            others=tuple(self._source(name) for name in plan.touches),
            actor=actor,
            confirmation=confirmation,
            reason=clean(reason.strip(), LONGEST_REASON),
            break_glass=break_glass,
        )
        return attempt, previewed.work

    async def _begin(self, attempt: Attempt, work: object) -> Run:
        """Let the guard decide, hold the leases, record the intent, and start. Nothing stays held when one refuses."""
        with contextlib.suppress(AuditError):  # what cannot be read, recording the intent will say
            await self._past.refresh()
        admission = await self._guard.admit(attempt)
        hold = None
        try:
            self._check_undone(attempt.plan.undoes)
            hold = await self._leases.take((attempt.target, *attempt.others))
            notes = tuple(Line("warning", after=note) for note in (*admission.warnings, *hold.notes))
            run = await announced(self._around, attempt, admission.passed, notes)
        except BaseException:
            self._guard.release(attempt.plan)
            if hold is not None:
                await hold.release()
            raise
        parts = GuardedParts(self._around, attempt)
        started = Work(self._around, attempt.action, attempt.target, attempt.plan, work, hold, run.lines, parts)
        return self._start(started, run)

    def _begun(self, plan_id: str, beginning: asyncio.Task[Run]) -> None:
        del self._beginning[plan_id]
        if not beginning.cancelled():
            beginning.exception()  # told to whoever applied; seen here in case that console is gone

    def _start(self, work: Work, run: Run) -> Run:
        plan = work.plan
        self._plans.drop(plan.id)
        self._recent.began(plan.id, plan.target)
        self._working[plan.id] = work
        self._board.put(run)
        work.start()
        assert work.task is not None
        work.task.add_done_callback(lambda task: self._end(plan.id, task))
        return run

    def _end(self, plan_id: str, task: asyncio.Task[None]) -> None:
        del self._working[plan_id]
        changes: dict[str, object] = {"ended": self._clock.wall()}
        defect = None if task.cancelled() else task.exception()
        if defect is not None:
            changes["message"] = clean(f"a defect of perftui: {type(defect).__name__}: {defect}")
        self._board.change(plan_id, **changes)

    def _mark_undone(self, plan_id: str) -> None:
        self._undone.add(plan_id)
        if self._board.get(plan_id) is not None:
            self._board.change(plan_id, undone=True)

    def _check_undone(self, plan_id: str) -> None:
        if plan_id and (plan_id in self._undone or self._past.is_undone(plan_id)):
            raise Refused("undo", "it was taken back already", "look at the actions")

    def _past_run(self, row: AuditRow) -> Run | None:
        action = self._actions.get(row.action)
        return run_of(row, action.info.risk if action is not None else Risk.HIGH)

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


def _stands_alone(row: AuditRow) -> bool:
    """Return whether it is shown among the runs: of parts those that can be taken back, or were cut off."""
    return not row.part_of or row.undo is not None or row.outcome == Outcome.INTERRUPTED


def _choices(name: str, known: Mapping[str, object]) -> str:
    return did_you_mean(name, known) or "there are: " + ", ".join(sorted(known))
