"""Actions as they travel: what is on offer, the plan that is previewed, its progress, its proof, its record."""

from enum import StrEnum

import msgspec

from perftui.core.metric import Direction
from perftui.core.series import Attributes

SHOWN_TARGETS = 200
"""How many of its exact targets a plan names; `count` tells how many there are."""
LONGEST_REASON = 200
"""Characters that are kept of the reason that somebody gives for an action."""


class Risk(StrEnum):
    """How much an action can hurt: low and medium are confirmed by `y`, high by the target's name."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """Return 0 for low up to 2 for high."""
        return ("low", "medium", "high").index(self.value)


class ParamKind(StrEnum):
    """How the text of a parameter is read: `duration` as 30s, `size` as 512MiB, `flag` as yes or no."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DURATION = "duration"
    SIZE = "size"
    FLAG = "flag"


class Param(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of an action. `default` is text as one would type it; without one it is `required`, or stays empty.

    `least` and `most` bound what is a number (seconds, bytes). `is_subject`: it names the one thing on the target that
    the action works on (a unit, a queue, a pid), and `TARGET/SUBJECT` on the command line fills it.
    """

    name: str
    help: str
    kind: ParamKind = ParamKind.TEXT
    default: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    is_subject: bool = False


class ActionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """An action that this agent offers: `id` is family.verb, `kinds` the kinds of source it works on.

    `key` opens the picker in which it stands (`c`, `w`, `s`, `o`, `f7`-`f9`, empty for the one of alerts alone).
    """

    id: str
    title: str
    key: str
    risk: Risk
    reversible: bool
    kinds: tuple[str, ...]
    params: tuple[Param, ...] = ()

    @property
    def subject(self) -> str:
        """Return the name of the parameter that names its subject; empty when it works on the whole target."""
        return next((param.name for param in self.params if param.is_subject), "")


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """An action that can be previewed here and now: on which target, with which parameters filled in.

    `note` says in a few words what speaks for it (`failed, exit 137`), `blocked` why it could not be applied now.
    `serves` names sources and things (queues) whose alerts it remedies, beside those of its target.
    """

    action: str
    target: str
    title: str
    params: dict[str, str] = {}
    risk: Risk = Risk.LOW
    reversible: bool = False
    note: str = ""
    blocked: str = ""
    serves: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True):
    """One line of a preview or result: what, before, after."""

    label: str
    before: str = ""
    after: str = ""


class Must(StrEnum):
    """What a watched series has to do: get better, or merely get no worse."""

    IMPROVE = "improve"
    KEEP = "keep"


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """A series whose readings prove an action: `bad` is the direction that hurts.

    With a `goal` it has recovered once it lies on the good side of it; without one, once it moved in the good direction
    by more than `tolerance` (a share of what it was). With `beside`, another metric of the same source and attributes,
    what is watched is its share of both together: of all jobs that end, those that fail.
    """

    label: str
    source: str
    metric: str
    attributes: Attributes = ()
    bad: Direction = "up"
    must: Must = Must.KEEP
    goal: float | None = None
    tolerance: float = 0.1
    beside: str = ""


class Undo(msgspec.Struct, frozen=True, kw_only=True):
    """The action that takes a run back, on the same target; it is planned, previewed and confirmed like any other."""

    action: str
    params: dict[str, str]
    title: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What an action will do, exactly; what was previewed is what runs, once.

    `digest` pins the targets (among them the server's identity); `targets` are the exact things that it touches
    within `target`, the first 200 of `count`, `pin` a digest of all of them; `subject` the one thing that it works
    on, if it is one. `bound` says which limit of its own is the one that binds (`2 to 4, at most 8`), where there
    is one. `locks` are held while it runs. `share` is how much of all that there is it touches (0..1). `expires` is
    in monotonic seconds of the agent's clock; `unknown` says what cannot be known beforehand, `guards` what the
    guard will look at, `confirm` is what must be typed (`y` or the target's name), `needs_reason` whether why.
    Proof: `watches` are followed for `window` seconds. `alert` is the key of the alert that it remedies, `undoes` the
    id of the plan that it takes back, `part_of` that of the plan that it is a part of.
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
    subject: str = ""
    targets: tuple[str, ...] = ()
    count: int = 0
    pin: str = ""
    share: float | None = None
    bound: str = ""
    locks: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    rests_on: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    needs_reason: bool = False
    estimate: float | None = None
    params: dict[str, str] = {}
    identity: dict[str, str] = {}
    watches: tuple[Watch, ...] = ()
    window: float = 0.0
    alert: str = ""
    undoes: str = ""
    part_of: str = ""


class Outcome(StrEnum):
    """How an action ended. `partial`: some of it failed; `interrupted`: its agent died; never resumed."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Proof(StrEnum):
    """What the readings after it show. `held`: it is as it was planned, and nothing had to get better by it."""

    PENDING = "pending"
    RECOVERED = "recovered"
    HELD = "as planned"
    UNCHANGED = "unchanged"
    WORSE = "worse"
    UNKNOWN = "unknown"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A running or finished action as the screen shows it; `fraction` 0..1 or None where it cannot be known.

    Of its targets `applied` were changed, `left` left out because they are no longer what was planned, `failed` could
    not be. Wall seconds: when it `started`, when its steps were `done`, and when it `ended`, which is once it was
    proved, too. `undo` is what would take it back; `undone` once that was applied. `passed` names the checks of the
    guard that were passed by break-glass.
    """

    plan: Plan
    outcome: Outcome = Outcome.RUNNING
    proof: Proof = Proof.PENDING
    fraction: float | None = None
    message: str = ""
    lines: tuple[Line, ...] = ()
    proof_lines: tuple[Line, ...] = ()
    applied: int = 0
    left: int = 0
    failed: int = 0
    started: float = 0.0
    done: float | None = None
    ended: float | None = None
    who: str = ""
    reason: str = ""
    passed: tuple[str, ...] = ()
    undo: Undo | None = None
    undone: bool = False


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """One action out of the audit log, in short; `at` and `done` are wall seconds. `key` is that of its picker."""

    plan: str
    at: float
    action: str
    target: str
    subject: str = ""
    title: str = ""
    key: str = ""
    who: str = ""
    reason: str = ""
    passed: tuple[str, ...] = ()
    done: float | None = None
    outcome: str = "open"
    proof: str = ""
    message: str = ""
    lines: tuple[Line, ...] = ()
    undo: Undo | None = None
    undoes: str = ""
    undone: bool = False
    part_of: str = ""
