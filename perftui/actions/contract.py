"""The contract of every action: offers, plan, apply, verify; what takes it back is a plan of its own (`Receipt.undo`).

Data flows one way: Params → Findings → Plan (what is previewed) → Job → Receipt → Verdict.
"""

import asyncio
import hashlib
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import msgspec

from perftui.actions.params import Params
from perftui.config.settings import Settings, SourceSettings
from perftui.core.action import SHOWN_TARGETS, ActionInfo, Line, Offer, Plan, Proof, Risk, Undo, Watch
from perftui.core.alert import Alert, Level
from perftui.core.clock import Clock
from perftui.core.reading import Reading
from perftui.core.series import SeriesId

PLAN_LIFE = 120.0
"""Seconds in which a plan can be applied."""
WINDOW = 30.0
"""Seconds that the readings after an action are watched for its proof, unless it says otherwise."""

Report = Callable[[float | None, str], None]
"""Takes the progress, as the share that is done (0..1, None where unknown) and a line of words."""


class Ground(Protocol):
    """What actions see of the agent: settings, sources and what was last read of them; the engine is one."""

    settings: Settings

    @property
    def sources(self) -> Mapping[str, SourceSettings]:
        """The sources by name, configured and discovered."""

    @property
    def readings(self) -> Mapping[str, Reading]:
        """The latest reading of each source, with its tables; it may be old: ask `is_fresh`."""

    def is_fresh(self, source: str) -> bool:
        """Return whether the latest reading of a source is young enough to rest on."""

    def points(self, series: SeriesId) -> Iterable[tuple[float, float | None]]:
        """Return the recent past of a series, oldest first: wall seconds, and the value or None where it is missing."""

    def alert(self, key: str) -> Alert | None:
        """Return an alert that is pending or firing by its key."""

    def alerts(self) -> Sequence[Alert]:
        """Return the alerts that fire, each with what keeps it quiet."""

    def levels(self) -> Sequence[Level]:
        """Return the levels of the rules in force that mean something beside every series of their metric."""

    def poke(self, name: str) -> bool:
        """Force a probe of a source; return whether there is such a source."""


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. `login` is the user that logged in; `claimed` is what the environment says, which proves nothing."""

    uid: int
    role: str
    read_only: bool = False
    description: str = ""
    pid: int = 0
    login: str = ""
    claimed: dict[str, str] = {}


@dataclass(frozen=True)
class Ask:
    """For what offers are wanted: an alert, and parameters that are known (the pid of a selected process)."""

    alert: Alert | None = None
    params: Mapping[str, str] = field(default_factory=dict)


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What an action found out for its plan; the rest of the Plan is the same for all (`make_plan`).

    `targets` are the exact things that would be touched, all of them or the first 200; then `count` is how many there
    are and `pin` a digest of all of them. `work` is what apply goes by beyond the plan (the full list of keys, the
    inodes of files): it stays in the agent and comes back as `Job.work`; `weight` is what it takes of memory (bytes, as
    far as that is known). `touches` names other sources that are changed, too. `risk` and `reversible` override what
    the action says of itself.

    `bound` says which limit of its own binds, for the preview. `subject` is the one name of the thing that the
    subject parameter means, however it was typed (`nginx.service` for `nginx`): locks and cooldowns go by it; None
    when the parameter's text is that name. `locks` are the names of further things on the target that are locked
    (the units of a group). `parts` are the plans that it runs one after another, where it is several actions.
    """

    title: str
    command: str
    identity: dict[str, str]
    targets: tuple[str, ...]
    lines: tuple[Line, ...]
    count: int | None = None
    pin: str = ""
    subject: str | None = None
    locks: tuple[str, ...] = ()
    work: Any = None
    weight: int = 0
    share: float | None = None
    bound: str = ""
    touches: tuple[str, ...] = ()
    risk: Risk | None = None
    reversible: bool | None = None
    rests_on: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    estimate: float | None = None
    watches: tuple[Watch, ...] = ()
    window: float = WINDOW
    parts: tuple[Plan, ...] = ()


@dataclass(frozen=True)
class Job:
    """A plan in work. `work` is what the action's own Findings held; stop between two steps once `cancelled` is set.

    What consists of other actions runs each through `parts`.
    """

    target: SourceSettings
    plan: Plan
    work: Any
    report: Report
    cancelled: asyncio.Event
    parts: "Parts | None" = None

    @property
    def params(self) -> Params:
        """The parameters of the plan."""
        return Params(self.plan.params)


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What apply did. Of the planned targets `applied` were changed, `left` were no longer what was planned and left
    alone, `failed` could not be changed.

    `facts` are the numbers that verify compares with; `complete` is False when it was cancelled; `problem` says why it
    broke off in the middle (a lost connection): what was done before is in the receipt all the same. `undo` takes back
    what was done, also of half a run.
    """

    message: str
    lines: tuple[Line, ...] = ()
    facts: dict[str, float] = {}
    complete: bool = True
    applied: int = 0
    left: int = 0
    failed: int = 0
    problem: str = ""
    undo: Undo | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the second reading shows. `caps`: the watched series cannot make it better than that."""

    proof: Proof
    lines: tuple[Line, ...] = ()
    caps: bool = False


class PartEnd(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a part. `refused`: it was not begun, and `problem` says why.

    Without a receipt nothing was changed, or it is not known what; without a verdict nobody looked.
    """

    refused: bool = False
    receipt: Receipt | None = None
    verdict: Verdict | None = None
    problem: str = ""


class Parts(Protocol):
    """Runs the parts of a plan: each is checked by the guard, recorded and proved as a run of its own."""

    async def run(self, action: "Action", job: Job) -> PartEnd:
        """Run one part to its end; what goes wrong is in what is returned, and cancellation alone passes."""


class Action(ABC):
    """One thing that perftui can do to a source. All methods raise ActionError or SourceError.

    Made once for the life of the agent, with the ground and the clock; it holds no connection between two calls.
    """

    info: ActionInfo
    cooldown: ClassVar[float] = 10.0
    """Seconds that the subject is left alone after a run."""

    def __init__(self, ground: Ground, clock: Clock) -> None:
        self.ground = ground
        self.clock = clock

    @property
    def plan_deadline(self) -> float:
        """Seconds that the preview may take."""
        return 8.0

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return what can be previewed on this target now, the best first; reads nothing but the ground.

        As it stands: one offer, its parameters filled in from those that are known and from the alert's attributes.
        """
        labels = dict(ask.alert.attributes) if ask.alert is not None and ask.alert.source == target.name else {}
        known = {**labels, **ask.params}
        params = {param.name: known[param.name] for param in self.info.params if param.name in known}
        return (self.offer(target, **params),)

    def offer(self, target: SourceSettings, title: str = "", note: str = "", **params: str) -> Offer:
        """Return an offer of this action."""
        info = self.info
        return Offer(
            action=info.id,
            target=target.name,
            title=title or info.title,
            params=params,
            risk=info.risk,
            reversible=info.reversible,
            note=note,
        )

    def runs_programs(self, params: Params) -> bool:
        """Return whether the preview runs a program of the user's: what that changes nobody can tell.

        It is asked before `plan`; where nothing may be changed there is no preview then.
        """
        return False

    @abstractmethod
    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Read afresh what tells this target and subject from any other that could answer there."""

    @abstractmethod
    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Find out what would be done; changes nothing. Raises Refused where it would make things worse."""

    @abstractmethod
    async def apply(self, job: Job) -> Receipt:
        """Do what was planned and nothing else, re-checking the identity of each thing before it is touched.

        Raises only while nothing was changed yet: from then on what went wrong is in the receipt.
        """

    @abstractmethod
    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Read again and judge what the action itself can see; the plan's watches are followed by the runner."""


def make_plan(
    info: ActionInfo,
    target: SourceSettings,
    found: Findings,
    params: Params,
    clock: Clock,
    *,
    others: Iterable[SourceSettings] = (),
    alert: str = "",
    undoes: str = "",
) -> Plan:
    """Return the plan, with an id, a digest of what it pins and an expiry; `others` are the sources it touches, too."""
    risk = found.risk or info.risk
    subject = _subject(info, found, params)
    others = tuple(others)
    locks = {lock_of(target.name, name) for name in (subject, *found.locks)} | {other.name for other in others}
    plan = Plan(
        id=uuid.uuid4().hex,
        action=info.id,
        title=found.title,
        target=target.name,
        subject=subject,
        digest="",
        expires=clock.monotonic() + PLAN_LIFE,
        risk=risk,
        reversible=info.reversible if found.reversible is None else found.reversible,
        confirm=confirmation_for(risk, target, *others),
        command=found.command,
        targets=found.targets[:SHOWN_TARGETS],
        count=len(found.targets) if found.count is None else found.count,
        pin=found.pin or _pin(found.targets),
        share=found.share,
        bound=found.bound,
        locks=tuple(sorted(locks)),
        touches=tuple(other.name for other in others),
        lines=found.lines,
        rests_on=found.rests_on,
        unknown=found.unknown,
        warnings=found.warnings,
        estimate=found.estimate,
        params=dict(params),
        identity=found.identity,
        watches=found.watches,
        window=found.window,
        alert=alert,
        undoes=undoes,
    )
    return msgspec.structs.replace(plan, digest=digest_of(plan, found.identity))


def _subject(info: ActionInfo, found: Findings, params: Params) -> str:
    if found.subject is not None:
        return found.subject
    return params[info.subject] if info.subject else ""


def _pin(targets: tuple[str, ...]) -> str:
    return hashlib.sha256(msgspec.json.encode(targets)).hexdigest() if len(targets) > SHOWN_TARGETS else ""


def digest_of(plan: Plan, identity: dict[str, str]) -> str:
    """Return the SHA-256 of everything that apply will go by, on a target of this identity."""
    pinned = [plan.action, plan.target, identity, plan.targets, plan.count, plan.pin, plan.params]
    return hashlib.sha256(msgspec.json.encode(pinned, order="sorted")).hexdigest()


def confirmation_for(risk: Risk, *targets: SourceSettings) -> str:
    """Return what must be typed: `y`, or the first target's name at high risk or where one of them is production."""
    is_strict = risk is Risk.HIGH or any(target.production for target in targets)
    return targets[0].name if is_strict else "y"


def lock_of(target: str, subject: str) -> str:
    """Return the name of the lock on a subject: `target/subject`, or `target`, which excludes all its subjects."""
    return f"{target}/{subject}" if subject else target


def batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Yield `items` in pieces of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
