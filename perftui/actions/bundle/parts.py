"""The parts of a bundle: what each is, what may stand in its way, and what came of it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple, TypeVar

import msgspec

from perftui.actions.contract import Action, Findings, Ground, Receipt, Verdict, digest_of
from perftui.actions.frame.limits import freeze
from perftui.actions.params import Params
from perftui.config.settings import SourceSettings
from perftui.core.action import Line, Plan, Proof
from perftui.core.errors import DeadlineExceeded, PerftuiError
from perftui.core.text import clean
from perftui.core.units import percent

LOOK_DEADLINE = 5.0
Ending = Literal["successful", "failed", "left"]
T = TypeVar("T")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """An action on a target; `skip` says why it is left out, if it is, and `of` what it is about."""

    action: str
    target: str
    params: dict[str, str] = {}
    of: str = ""
    skip: str = ""

    @property
    def where(self) -> str:
        """Its target, and what it is about there."""
        return f"{self.target}/{self.of}" if self.of else self.target

    @property
    def label(self) -> str:
        """How it is called."""
        return f"{self.action} on {self.where}"


class Planned(NamedTuple):
    """A part that can be run."""

    part: Part
    action: Action
    plan: Plan
    found: Findings


class Result(NamedTuple):
    """How one part ended, in words, and what proved it; `receipt` is there when it has begun."""

    planned: Planned
    ending: Ending
    words: str
    receipt: Receipt | None = None
    proof: Proof | None = None

    @classmethod
    def of(cls, planned: Planned, receipt: Receipt, verdict: Verdict | None, unseen: str) -> "Result":
        """Return the result of a part that ran; what made it worse is no success."""
        proof = verdict.proof if verdict is not None else Proof.UNKNOWN
        words = "; ".join(filter(None, (receipt.message, receipt.problem, unseen and f"not proved: {unseen}")))
        failed = bool(receipt.problem or receipt.failed) or proof is Proof.WORSE
        ending: Ending = "failed" if failed else "successful" if receipt.complete else "left"
        return cls(planned, ending, words, receipt, proof)

    @property
    def line(self) -> Line:
        """The part as the result shows it."""
        mark = {"successful": "●", "failed": "✖", "left": "▲"}[self.ending]
        proof = f"; {self.proof.value}" if self.proof is not None else ""
        return Line(f"{mark} {self.planned.part.label}", after=f"{self.ending}: {self.words}{proof}")


async def isolated(work: Callable[[], Awaitable[T]], deadline: float | None) -> tuple[T | None, str]:
    """Return what `work` gives, or why it gave nothing within `deadline` (seconds); cancellation alone passes."""
    try:
        async with asyncio.timeout(deadline):
            return await work(), ""
    except PerftuiError as error:
        return None, str(error)
    except TimeoutError:
        return None, str(DeadlineExceeded(f"no answer within {deadline or 0:.0f} s"))
    except Exception as error:  # noqa: BLE001 - a defect of one part must not take the others with it
        return None, clean(f"a defect of perftui: {type(error).__name__}: {error}")


def obstacle(ground: Ground, plan: Plan, wall: float) -> str:
    """Return why a part may not run now though the rest may: read-only, a limit, a freeze; empty when it may."""
    rules = ground.settings.actions
    for name in (plan.target, *plan.touches):
        source = ground.sources.get(name)
        if source is not None and source.read_only:
            return f"[sources.{name}] says read_only = true"
    if plan.count > rules.max_targets:
        return f"{plan.count:,} targets, and at most {rules.max_targets:,} are allowed"
    if plan.share is not None and plan.share > rules.max_share:
        return f"{percent(plan.share)} of all there is, and at most {percent(rules.max_share)} are allowed"
    frozen = freeze(plan, rules, wall)
    return frozen.reason if frozen else ""


async def unchanged(each: Planned, source: SourceSettings) -> tuple[Ending, str] | None:
    """Look at the target afresh: return None when it is what was planned for, else how the part ends, and why."""
    now, problem = await isolated(lambda: each.action.identity(source, Params(each.plan.params)), LOOK_DEADLINE)
    if now is None:
        return "failed", problem
    if digest_of(each.plan, now) != each.plan.digest:
        return "left", "it is not what was previewed any more"
    return None


def summed(results: list[Result], *, complete: bool) -> Receipt:
    """Return the receipt of all parts: counts over parts, a line each."""
    count = {ending: sum(result.ending == ending for result in results) for ending in ("successful", "failed", "left")}
    begun = count["successful"] + count["failed"]
    message = f"{begun} applied, {count['successful']} successful, {count['failed']} failed"
    if count["left"]:
        message += f", {count['left']} left out"
    proofs = [result.proof for result in results if result.proof is not None]
    undoable = [result for result in results if result.receipt is not None and result.receipt.undo is not None]
    return Receipt(
        message=message + ("" if complete else "; cancelled before the end"),
        complete=complete,
        lines=(*(result.line for result in results), *(_by_hand(result) for result in undoable)),
        facts={proof.value: float(proofs.count(proof)) for proof in set(proofs)},
        applied=count["successful"],
        left=count["left"],
        failed=count["failed"],
    )


def _by_hand(result: Result) -> Line:
    """Return how this part could be taken back by itself."""
    undo = result.receipt.undo if result.receipt else None
    assert undo is not None
    words = " ".join(
        [undo.action, result.planned.plan.target, *(f"{key}={value}" for key, value in undo.params.items())]
    )
    return Line(f"   to take {result.planned.part.label} back", after=undo.title or words)
