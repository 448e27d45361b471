"""What the parameters of each method look like."""

import msgspec

from perftui.core.series import Attributes


class Nothing(msgspec.Struct):
    """No parameters."""


class Subscribe(msgspec.Struct):
    """The topics that a console's screens show."""

    topics: tuple[str, ...]
    resync: bool = False


class History(msgspec.Struct):
    """The series whose recent past is wanted."""

    series: tuple[tuple[str, str, Attributes], ...]


class Source(msgspec.Struct):
    """A source by name."""

    source: str


class Bye(msgspec.Struct):
    """A quit; `end` asks a private agent to end when nobody else is attached."""

    end: bool = True


class OffersRequest(msgspec.Struct):
    """What offers are wanted for: the key of a picker, a source, an alert by its key, and known parameters."""

    key: str = ""
    source: str = ""
    alert: str = ""
    params: dict[str, str] = {}


class PlanRequest(msgspec.Struct):
    """Which action on which source, and against which alert."""

    action: str
    target: str
    params: dict[str, str] = {}
    alert: str = ""


class UndoRequest(msgspec.Struct):
    """Which run is to be taken back, by its plan."""

    plan: str


class ApplyRequest(msgspec.Struct):
    """Which plan, what was typed to confirm it, why, and whether checks of the guard are to be passed."""

    plan: str
    confirmation: str
    reason: str = ""
    break_glass: bool = False


class AuditRequest(msgspec.Struct):
    """How many of the last actions."""

    number: int = 200


class CancelRequest(msgspec.Struct):
    """Which running plan."""

    plan: str


class AckRequest(msgspec.Struct):
    """Which alert somebody takes care of, and what they say to it."""

    key: str
    note: str = ""


class SilenceRequest(msgspec.Struct):
    """Which alerts call nobody, for how many seconds, and why."""

    matchers: dict[str, str]
    seconds: float
    comment: str = ""


class UnsilenceRequest(msgspec.Struct):
    """Which silence ends."""

    id: str


class EndedRequest(msgspec.Struct):
    """Which alert's past is wanted."""

    rule: str
    source: str
    attributes: Attributes = ()


class RuleRequest(msgspec.Struct):
    """Which rule, and its keys as text as one would write them in TOML."""

    name: str
    changes: dict[str, str]
