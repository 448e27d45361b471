"""What start, stop, restart and reload of one service share: preview, the wait for its end, proof."""

import asyncio
import shlex
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import msgspec

from perftui.actions.contract import WINDOW, Action, Ask, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.params import Params
from perftui.actions.service.deleted_files import WINDOW as FREED_WINDOW
from perftui.actions.service.deleted_files import Holder, largest_holders
from perftui.actions.service.evidence import evidence, state_words
from perftui.actions.service.identity import care, identity_of, read_identity
from perftui.actions.service.manager import Manager, manager_of
from perftui.actions.service.settle import Ended, Settled, settle
from perftui.actions.service.table import MOST_OFFERED, Row, asked_unit, rows_for, watch_unit
from perftui.config.settings import SourceSettings
from perftui.connect.units import Unit
from perftui.core.action import Line, Offer, Param, Plan, Proof, Risk, Undo, Watch
from perftui.core.alert import Alert
from perftui.core.clock import Clock
from perftui.core.errors import DeadlineExceeded, Denied, Refused, SourceError, TargetChanged
from perftui.core.units import seconds

KINDS = ("systemd", "supervisor")
UNIT = Param(
    name="unit", help="the unit or program, such as nginx.service or workers:mail", required=True, is_subject=True
)
DEADLINE = 60.0
VERIFY_AFTER = 3.0


class ServiceVerb(Action):
    """One verb of a manager of services, on one unit. `deadline` bounds the wait for its end (seconds)."""

    verb: ClassVar[str]
    after: ClassVar[str]
    done: ClassVar[str]
    """What happened to it, in a word: started."""
    frees: ClassVar[str] = ""
    """What becomes of the deleted files that it holds open; empty where the verb is no remedy against those."""

    def __init__(
        self, ground: Ground, clock: Clock, *, deadline: float = DEADLINE, verify_after: float = VERIFY_AFTER
    ) -> None:
        super().__init__(ground, clock)
        self._deadline = deadline
        self._verify_after = verify_after

    @abstractmethod
    def refuse(self, target: SourceSettings, unit: Unit, manager: Manager) -> None:
        """Raise Refused where this verb makes no sense for the unit as it is."""

    @abstractmethod
    def fits(self, row: Row, *, is_asked: bool) -> bool:
        """Return whether it is worth an offer for a unit as it was last read; `is_asked`: for this very unit."""

    @abstractmethod
    def ended(self, before: Unit) -> Ended:
        """Return what says how it ended."""

    def undo(self, unit: Unit) -> Undo | None:
        """Return what takes it back; nothing does by itself."""
        return None

    def rescue(self, unit: Unit) -> Undo | None:
        """Return what helps where it broke off half-way."""
        return None

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return an offer for each unit that it fits: what holds much of deleted files, and the worst first."""
        is_asked = bool(asked_unit(target, ask))
        fitting = [row for row in rows_for(self.ground, target, ask) if self.fits(row, is_asked=is_asked)]
        holders = self._holders(target, [row.unit for row in fitting], ask.alert)
        fitting.sort(key=lambda row: -holders[row.unit].held if row.unit in holders else 0.0)
        return [self._offer(target, row, holders.get(row.unit)) for row in fitting[:MOST_OFFERED]]

    def _offer(self, target: SourceSettings, row: Row, holder: Holder | None) -> Offer:
        if holder is None:
            return self.offer(target, f"{self.verb} {row.unit}", row.note, unit=row.unit)
        offer = self.offer(target, f"{self.verb} {row.unit}", holder.words, unit=row.unit)
        return msgspec.structs.replace(offer, serves=(holder.host,))

    def _holders(self, target: SourceSettings, units: list[str], alert: Alert | None = None) -> dict[str, Holder]:
        return largest_holders(self.ground, target.kind, units, alert) if self.frees else {}

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return the boot or supervisord, and the unit's state, invocation and process."""
        return await read_identity(manager_of(target), params["unit"], self.clock.wall())

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Read the unit and its log."""
        manager, now = manager_of(target), self.clock.wall()
        unit = await manager.one(params["unit"])
        refuse_missing(target, unit)
        self.refuse(target, unit, manager)
        holders = self._holders(target, [unit.name]).values()
        return Findings(
            title=f"{self.verb} {unit.name}",
            command=shlex.join(manager.typed(self.verb, [unit.name])),
            identity=identity_of(await manager.home(), unit, now),
            targets=(unit.name, *self.along(unit)),
            subject=unit.name,
            lines=(
                *await evidence(manager, unit, now, self.after),
                *(Line("deleted files", each.words, self.frees) for each in holders),
            ),
            work=unit,
            risk=Risk.HIGH if self.verb in ("stop", "restart") and care(unit) else None,
            rests_on=(f"{unit.name} of {target.name}, just read",),
            warnings=self.warnings(unit, now),
            unknown=(f"how long it takes; after {seconds(self._deadline)} it is left as it is then",),
            watches=(*self.watches(target, unit), *(each.watch for each in holders)),
            window=FREED_WINDOW if holders else WINDOW,
        )

    def along(self, unit: Unit) -> tuple[str, ...]:
        """Return the other units that it touches."""
        return ()

    def watches(self, target: SourceSettings, unit: Unit) -> tuple[Watch, ...]:
        """Return the series that prove it."""
        return watch_unit(self.ground, target.name, unit.name, is_down=not unit.is_up)

    def warnings(self, unit: Unit, now: float) -> tuple[str, ...]:
        """Return what speaks against it."""
        found = []
        if loop := unit.crash_loop(now):
            found.append(f"{unit.name}: {loop}; mend what ends it first, or it will end again")
        if self.along(unit):
            found.append(f"it takes along {', '.join(self.along(unit)[:10])}")
            if self.undo(unit) is not None:
                found.append(f"undo starts {unit.name} alone again, not what it takes along")
        if self.verb in ("stop", "restart") and (why := care(unit)):
            found.append(why)
        if unit.result == "start-limit-hit" and self.verb in ("start", "restart"):
            found.append("systemd counted too many starts: its counter is set back first (systemctl reset-failed)")
        return tuple(found)

    async def apply(self, job: Job) -> Receipt:
        """Tell the manager, and wait for the end."""
        manager = manager_of(job.target)
        before: Unit = job.work
        now = identity_of(await manager.home(), await manager.one(before.name), self.clock.wall())
        if now != job.plan.identity:
            raise TargetChanged(f"{before.name} is not as it was previewed; preview it again")
        undo = self.undo(before)
        try:
            begun = await manager.begin(self.verb, [before], job.cancelled)
        except SourceError as error:
            return await broken_off(manager, job.plan, before.name, self.clock, error, undo or self.rescue(before))
        if not begun.units:
            return Receipt(message=f"cancelled before {before.name} was told to {self.verb}", complete=False)
        try:
            settled = await settle(
                manager,
                [before.name],
                self.ended(before),
                deadline=self._deadline,
                clock=self.clock,
                report=job.report,
                cancelled=job.cancelled,
            )
        except SourceError as error:
            problem = "; ".join(filter(None, [begun.note, str(error)]))
            return Receipt(message=f"{before.name} was told to {self.verb}", problem=problem, applied=1, undo=undo)
        receipt = self._receipt(before, settled, undo)
        return msgspec.structs.replace(receipt, message="; ".join(filter(None, [receipt.message, begun.note])))

    def _receipt(self, before: Unit, settled: Settled, undo: Undo | None) -> Receipt:
        (unit,), now = settled.units, self.clock.wall()
        lines = (Line(unit.name, state_words(before, now), state_words(unit, now)),)
        facts = {"pid": float(unit.pid or 0), "restarts": float(unit.restarts or 0)}
        for _, why in settled.missed:
            return Receipt(
                message=f"{unit.name} was told to {self.verb}",
                problem=why,
                failed=1,
                lines=lines,
                facts=facts,
                undo=undo,
            )
        if settled.done:
            return Receipt(message=f"{unit.name} {self.done}", applied=1, lines=lines, facts=facts, undo=undo)
        state = f"it is {unit.active} ({unit.sub})"
        if settled.cancelled:
            message = f"{unit.name} was told to {self.verb} and is no longer waited for: {state}"
            return Receipt(message=message, complete=False, applied=1, lines=lines, facts=facts, undo=undo)
        late = f"{unit.name} did not get there within {seconds(self._deadline)}; {state}"
        return Receipt(message="", problem=late, failed=1, lines=lines, facts=facts, undo=undo)

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Look a few seconds long whether it stays where it is."""
        before: Unit = job.work
        manager = manager_of(job.target)
        first = await manager.one(before.name)
        await asyncio.sleep(self._verify_after)
        unit = await manager.one(before.name)
        lines = (
            Line(f"{unit.name}, later", state_words(first, self.clock.wall()), state_words(unit, self.clock.wall())),
        )
        return Verdict(proof=self.judge(before, first, unit), lines=lines)

    def judge(self, before: Unit, first: Unit, unit: Unit) -> Proof:
        """Return what two readings after it show: it runs, is the same process, and was not restarted.

        That mends something only where it should have run before and did not.
        """
        holds = unit.is_up and unit.pid == first.pid and unit.restarts == first.restarts
        if holds or (unit.is_oneshot and unit.active == "inactive" and unit.result == "success"):
            return Proof.RECOVERED if before.up() == 0 else Proof.HELD
        return Proof.WORSE if before.is_up else Proof.UNCHANGED


def refuse_missing(target: SourceSettings, unit: Unit) -> None:
    """Refuse what is not there, or is masked."""
    if not unit.exists:
        raise Refused("unit", f"{target.name} has no {unit.name}", "choose one of its table")
    if unit.masked:
        raise Refused("unit", f"{unit.name} is masked: it cannot be started", "systemctl unmask it by hand")


async def broken_off(
    manager: Manager, plan: Plan, name: str, clock: Clock, error: SourceError, undo: Undo | None
) -> Receipt:
    """Return the receipt of a request that failed though something may have changed; else raise `error` again."""
    try:
        is_as_before = await read_identity(manager, name, clock.wall()) == plan.identity
    except SourceError:
        is_as_before = isinstance(error, Denied)
    if is_as_before and not isinstance(error, DeadlineExceeded):
        raise error
    state = "it is as it was so far" if is_as_before else "it is not as it was"
    return Receipt(message="", problem=f"{error}; {state}: look at {name}", failed=1, undo=undo)
