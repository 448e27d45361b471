"""The parts of a bundle: what each is, what may stand in its way, and what came of it."""

from typing import Literal, NamedTuple

import msgspec

from perftui.actions.contract import Action, Findings, PartEnd, Receipt
from perftui.actions.frame.limits import Objection, freeze, limits
from perftui.actions.frame.recent import Recent
from perftui.config.remedies import ActionRules
from perftui.core.action import Line, Plan, Proof
from perftui.core.clock import Clock

Ending = Literal["successful", "failed", "left"]


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
    """A part that can be run; `held` says why only break-glass runs it, if that is so."""

    part: Part
    action: Action
    plan: Plan
    found: Findings
    held: str = ""


class Result(NamedTuple):
    """How one part ended, in words, and what proved it; `receipt` is there when it has begun."""

    planned: Planned
    ending: Ending
    words: str
    receipt: Receipt | None = None
    proof: Proof | None = None

    @classmethod
    def of(cls, planned: Planned, end: PartEnd) -> "Result":
        """Return the result of a part; what made it worse is no success."""
        receipt = end.receipt
        if receipt is None:
            return cls(planned, "left" if end.refused else "failed", end.problem)
        proof = end.verdict.proof if end.verdict is not None else Proof.UNKNOWN
        words = "; ".join(filter(None, (receipt.message, receipt.problem, end.problem)))
        failed = bool(receipt.problem or receipt.failed) or proof is Proof.WORSE
        ending: Ending = "failed" if failed else "successful" if receipt.complete else "left"
        return cls(planned, ending, words, receipt, proof)

    @property
    def line(self) -> Line:
        """The part as the result shows it."""
        mark = {"successful": "●", "failed": "✖", "left": "▲"}[self.ending]
        proof = f"; {self.proof.value}" if self.proof is not None else ""
        return Line(f"{mark} {self.planned.part.label}", after=f"{self.ending}: {self.words}{proof}")


def held_back(plan: Plan, rules: ActionRules, clock: Clock) -> str:
    """Return which limit of its own or freeze window keeps a part from running though the rest may; empty for none.

    What ran lately is the guard's to know: it says so beside the preview, and looks again at the part's turn.
    """
    found: tuple[Objection | None, ...] = (limits(plan, rules, 0, Recent(clock)), freeze(plan, rules, clock.wall()))
    return next((each.reason for each in found if each is not None), "")


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
        lines=(*(result.line for result in results), *(_taken_back(result) for result in undoable)),
        facts={proof.value: float(proofs.count(proof)) for proof in set(proofs)},
        applied=count["successful"],
        left=count["left"],
        failed=count["failed"],
    )


def _taken_back(result: Result) -> Line:
    """Return how this part is taken back by itself: it is a run of its own."""
    undo = result.receipt.undo if result.receipt else None
    assert undo is not None
    words = f"perftui undo {result.planned.plan.id}"
    return Line(
        f"   to take {result.planned.part.label} back", after=f"{words} ({undo.title})" if undo.title else words
    )
