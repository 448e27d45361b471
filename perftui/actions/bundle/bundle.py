"""Several actions as one: previewed together, run one after another, isolated from each other, each proved by itself.

Its parts are found at plan time. A part that cannot be planned stands in the preview with the reason; one that the
guard refuses when it is its turn is left alone; one that fails stops no other. Each is a run of its own in the audit
log, and is taken back by itself; there is no undo of the whole.
"""

import asyncio
import hashlib
import itertools
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import msgspec

from perftui.actions.bundle.parts import Part, Planned, Result, held_back, summed
from perftui.actions.contract import Action, Findings, Ground, Job, Receipt, Verdict, make_plan
from perftui.actions.frame.steps import isolated
from perftui.actions.params import Params, read_params
from perftui.config.settings import SourceSettings
from perftui.core.action import SHOWN_TARGETS, Line, Proof, Risk
from perftui.core.clock import Clock
from perftui.core.errors import Refused
from perftui.core.moment import boot_id

AT_ONCE = 4
MOST_PARTS = 50
SHOWN_LINES = 3

Table = Callable[[], Mapping[str, Action]]
T = TypeVar("T")


class Bundle(Action):
    """What its subclass finds as parts; `actions` is the table that they are taken from."""

    plan_deadline = 35.0
    nothing = "there is nothing to do"
    """Why it is refused when no part is left."""

    def __init__(self, ground: Ground, clock: Clock, actions: Table) -> None:
        super().__init__(ground, clock)
        self._actions = actions

    @abstractmethod
    def parts(self, target: SourceSettings, params: Params) -> Sequence[Part]:
        """Return the parts in the order in which they run, and those that are left out already, with why."""

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return the boot of this host; what a part works on is pinned by its own plan, looked at at its turn."""
        return {"boot": boot_id()}

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Plan every part, some at once; one that cannot be planned is left out.

        So is one that only break-glass runs; but where all are such, it is for the guard to refuse the whole.
        """
        parts = self.parts(target, params)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(part: Part) -> Planned | Part:
            async with gate:
                return await self._plan_part(part)

        tried = await asyncio.gather(*(one(part) for part in parts[:MOST_PARTS]))
        over = [msgspec.structs.replace(part, skip=f"more than {MOST_PARTS} parts") for part in parts[MOST_PARTS:]]
        ready = [each for each in tried if isinstance(each, Planned)]
        planned = [each for each in ready if not each.held] or ready
        held = [_left_out(each) for each in ready if each.held and planned is not ready]
        left = [*held, *(each for each in (*tried, *over) if isinstance(each, Part))]
        if not planned:
            reasons = "; ".join(f"{part.label}: {part.skip}" for part in left[:3])
            raise Refused("target", self.nothing + (f" ({reasons})" if reasons else ""), "look again later")
        return self._findings(target, await self.identity(target, params), planned, left)

    async def apply(self, job: Job) -> Receipt:
        """Run the parts one after another; what goes wrong in one is told, and the next begins."""
        planned: tuple[Planned, ...] = job.work
        results: list[Result] = []
        for number, part in enumerate(planned):
            if job.cancelled.is_set():
                results += [Result(each, "left", "cancelled before its turn") for each in planned[number:]]
                break
            results.append(await self._run(job, part, number, len(planned)))
        return summed(results, complete=not job.cancelled.is_set())

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Return what the proofs of the parts come to: where one is not known, the whole has not recovered."""
        found = {proof: int(receipt.facts.get(proof.value, 0)) for proof in Proof}
        words = ", ".join(f"{number} {proof.value}" for proof, number in found.items() if number)
        blind = bool(found[Proof.UNKNOWN])
        known = (Proof.WORSE, Proof.RECOVERED, Proof.UNCHANGED, Proof.HELD)
        order = (Proof.WORSE, Proof.UNCHANGED) if blind else known
        proof = next((proof for proof in order if found[proof]), Proof.UNKNOWN)
        lines = (Line("parts, each looked at again", after=words or "none"),)
        return Verdict(proof=proof, lines=lines, caps=blind)

    async def _plan_part(self, part: Part) -> Planned | Part:
        """Return the part with its plan, or with why it is left out."""
        if part.skip:
            return part
        action, source = self._actions().get(part.action), self.ground.sources.get(part.target)
        if action is None or source is None:
            why = f"there is no source {part.target}" if action else f"there is no action {part.action}"
            return msgspec.structs.replace(part, skip=why)

        async def plan() -> Planned | Part:
            params = read_params(action.info, part.params)
            found = await action.plan(source, params)
            others = [self.ground.sources[name] for name in found.touches if name in self.ground.sources]
            plan = make_plan(action.info, source, found, params, self.clock, others=others)
            if not plan.count:
                return msgspec.structs.replace(part, skip="there is nothing to do")
            return Planned(part, action, plan, found, held_back(plan, self.ground.settings.actions, self.clock))

        if source.kind not in action.info.kinds:
            return msgspec.structs.replace(part, skip=f"{source.name} is {source.kind}")
        if source.read_only:
            return msgspec.structs.replace(part, skip=f"[sources.{source.name}] says read_only = true")
        answer, problem = await isolated(plan, min(action.plan_deadline, self.plan_deadline / 2))
        return answer if answer is not None else msgspec.structs.replace(part, skip=problem)

    def _findings(
        self, target: SourceSettings, identity: dict[str, str], planned: list[Planned], left: list[Part]
    ) -> Findings:
        plans, found = [each.plan for each in planned], [each.found for each in planned]
        lines = [line for number, each in enumerate(planned, 1) for line in _preview(number, each)]
        lines += [Line(part.label, after=f"left out: {part.skip}") for part in left]
        pinned = [[plan.digest, plan.action, plan.target, plan.params] for plan in plans]
        shares = [plan.share for plan in plans if plan.share is not None]
        return Findings(
            title=self._title(target, planned),
            command="; ".join(filter(None, (plan.command for plan in plans))),
            identity=identity,
            targets=tuple(itertools.islice(_targets(planned), SHOWN_TARGETS)),
            count=sum(plan.count for plan in plans),
            pin=hashlib.sha256(msgspec.json.encode(pinned, order="sorted")).hexdigest(),
            lines=tuple(lines),
            work=tuple(planned),
            weight=sum(each.weight for each in found),
            parts=tuple(plans),
            share=max(shares, default=None),
            touches=_distinct(name for plan in plans for name in (plan.target, *plan.touches) if name != target.name),
            risk=max((plan.risk for plan in plans), key=lambda risk: risk.rank, default=Risk.LOW),
            reversible=False,
            rests_on=_distinct(text for plan in plans for text in plan.rests_on),
            unknown=_distinct(f"{plan.target}: {text}" for plan in plans for text in plan.unknown),
            warnings=(
                *_distinct(f"{plan.target}: {text}" for plan in plans for text in plan.warnings),
                "it cannot be taken back as a whole",
            ),
            estimate=_total(plan.estimate for plan in plans),
            watches=_distinct(watch for each in found for watch in each.watches),
            window=max((each.window for each in found if each.watches), default=0.0),
        )

    def _title(self, target: SourceSettings, planned: list[Planned]) -> str:
        return f"{self.info.title.lower()}: {len(planned)} {'part' if len(planned) == 1 else 'parts'}"

    async def _run(self, job: Job, each: Planned, number: int, total: int) -> Result:
        """Run one part to its end and look at what it did."""

        def report(fraction: float | None, message: str) -> None:
            job.report((number + (fraction or 0.0)) / total, f"{number + 1} of {total}, {each.part.label}: {message}")

        assert job.parts is not None
        part = replace(job, plan=each.plan, work=each.found.work, report=report)
        return Result.of(each, await job.parts.run(each.action, part))


def _preview(number: int, each: Planned) -> list[Line]:
    """Return a part's own lines, the first few, under a line of its own."""
    plan = each.plan
    shown = [Line(f"   {line.label}", line.before, line.after) for line in plan.lines[:SHOWN_LINES]]
    more = len(plan.lines) - SHOWN_LINES
    return [
        Line(f"{number}. {each.part.label}", after=plan.title),
        *shown,
        *([Line(f"   … and {more} more")] if more > 0 else []),
    ]


def _targets(planned: Iterable[Planned]) -> Iterator[str]:
    """Yield the exact targets of each part, as far as its own plan names them."""
    for each in planned:
        yield from (f"{each.part.label}: {target}" for target in each.plan.targets)
        if not each.plan.targets:
            yield each.part.label


def _left_out(each: Planned) -> Part:
    return msgspec.structs.replace(each.part, skip=f"{each.held}; by itself it runs with break-glass")


def _distinct(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))


def _total(estimates: Iterable[float | None]) -> float | None:
    """Return the sum of the estimates; None when one is not known."""
    known = list(estimates)
    return None if any(each is None for each in known) else sum(each or 0.0 for each in known)
