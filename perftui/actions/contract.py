"""The contract of every action: plan, apply, verify, with `identity` to tell whether the target is still the same."""

import asyncio
import hashlib
import uuid
from collections.abc import Callable
from typing import Protocol

import msgspec

from perftui.config.settings import SourceSettings
from perftui.core.action import ActionInfo, Line, Plan, Proof, Risk
from perftui.core.clock import Clock

PLAN_LIFE = 120.0
"""Seconds in which a plan can be applied."""

Report = Callable[[float | None, str], None]
"""Takes the progress, as the share that is done (0..1, None where unknown) and a line of words."""


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. `login` is the user that logged in; `claimed` is what the environment says, which proves nothing."""

    uid: int
    role: str
    read_only: bool = False
    description: str = ""
    pid: int = 0
    login: str = ""
    claimed: dict[str, str] = {}


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What apply did; `facts` are the numbers that verify compares with; `complete` is False when it was cancelled."""

    message: str
    lines: tuple[Line, ...] = ()
    facts: dict[str, float] = {}
    complete: bool = True


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the second reading shows."""

    proof: Proof
    lines: tuple[Line, ...] = ()


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What an action found out for its plan; the rest of the Plan is the same for all (`make_plan`)."""

    title: str
    command: str
    identity: dict[str, str]
    targets: tuple[str, ...]
    lines: tuple[Line, ...]
    rests_on: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    estimate: float | None = None


class Action(Protocol):
    """One thing that perftui can do to a source. All methods raise ActionError or SourceError."""

    info: ActionInfo
    cooldown: float
    """Seconds that the target is left alone after a run."""

    async def identity(self, target: SourceSettings) -> dict[str, str]:
        """Read afresh what tells this target from any other that could answer at its address."""

    async def plan(self, target: SourceSettings, params: dict[str, str]) -> Findings:
        """Find out what would be done; changes nothing."""

    async def apply(self, target: SourceSettings, plan: Plan, report: Report, cancelled: asyncio.Event) -> Receipt:
        """Do what was planned and nothing else; stop between two steps once `cancelled` is set."""

    async def verify(self, target: SourceSettings, plan: Plan, receipt: Receipt) -> Verdict:
        """Read again and judge: what must improve, and what must not get worse."""


def make_plan(info: ActionInfo, target: SourceSettings, found: Findings, params: dict[str, str], clock: Clock) -> Plan:
    """Return the plan, with an id, a digest of what it pins and an expiry."""
    plan = Plan(
        id=uuid.uuid4().hex,
        action=info.id,
        title=found.title,
        target=target.name,
        digest="",
        expires=clock.monotonic() + PLAN_LIFE,
        risk=info.risk,
        reversible=info.reversible,
        confirm=confirmation_for(info.risk, target),
        command=found.command,
        targets=found.targets,
        lines=found.lines,
        rests_on=found.rests_on,
        unknown=found.unknown,
        warnings=found.warnings,
        estimate=found.estimate,
        params=params,
        identity=found.identity,
    )
    return msgspec.structs.replace(plan, digest=digest_of(plan, found.identity))


def digest_of(plan: Plan, identity: dict[str, str]) -> str:
    """Return the SHA-256 of everything that apply will go by, on a target of this identity."""
    pinned = [plan.action, plan.target, identity, plan.targets, plan.params]
    return hashlib.sha256(msgspec.json.encode(pinned, order="sorted")).hexdigest()


def confirmation_for(risk: Risk, target: SourceSettings) -> str:
    """Return what must be typed: `y`, or the target's name at high risk or where it is production."""
    return target.name if risk is Risk.HIGH or target.production else "y"
