"""Actions as they travel: the plan that is previewed, its progress, its proof."""

from enum import StrEnum

import msgspec


class Risk(StrEnum):
    """How much an action can hurt: low and medium are confirmed by `y`, high by the target's name."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class ActionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An action that this agent offers: `id` is family.verb, `kinds` the kinds of source it works on."""

    id: str
    title: str
    key: str
    risk: Risk
    reversible: bool
    kinds: tuple[str, ...]


class Line(msgspec.Struct, frozen=True):
    """One line of a preview or result: what, before, after."""

    label: str
    before: str = ""
    after: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an action will do, exactly; what was previewed is what runs, once.

    `digest` pins the targets (among them the server's identity); `targets` are the exact things that it touches
    within `target`; `expires` is in monotonic seconds of the agent's clock;
    `unknown` says what cannot be known beforehand, `confirm` is what must be typed (`y` or the target's name).
    """

    id: str
    action: str
    title: str
    target: str
    digest: str
    expires: float
    risk: Risk
    reversible: bool
    confirm: str
    command: str
    targets: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    rests_on: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    estimate: float | None = None
    params: dict[str, str] = {}
    identity: dict[str, str] = {}


class Outcome(StrEnum):
    """How an action ended. `interrupted`: its agent died; never resumed."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Proof(StrEnum):
    """What the second reading shows."""

    PENDING = "pending"
    RECOVERED = "recovered"
    UNCHANGED = "unchanged"
    WORSE = "worse"
    UNKNOWN = "unknown"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A running or finished action as the screen shows it; `fraction` 0..1 or None where it cannot be known.

    Wall seconds: when it `started`, when its steps were `done`, and when it `ended`, which is once it was proved, too.
    """

    plan: Plan
    outcome: Outcome = Outcome.RUNNING
    proof: Proof = Proof.PENDING
    fraction: float | None = None
    message: str = ""
    lines: tuple[Line, ...] = ()
    started: float = 0.0
    done: float | None = None
    ended: float | None = None
