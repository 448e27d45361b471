"""How a source is doing, in the words that the screen uses."""

from enum import StrEnum

import msgspec

from perftui.core.metric import Metric


class SourceState(StrEnum):
    """What the poller knows of a source.

    `waiting`: not polled yet. `slow`: a poll takes longer than the interval. `stale`: the last reading is older
    than max(3 × interval, 5 s). `failing`: the last poll failed. `open`: the breaker holds polls back.
    `denied`: it answers and refuses us. `found`: discovered, refuses us, needs credentials: no alarm.
    """

    WAITING = "waiting"
    OK = "ok"
    SLOW = "slow"
    STALE = "stale"
    FAILING = "failing"
    OPEN = "open"
    DENIED = "denied"
    FOUND = "found"


BROKEN_STATES = frozenset({SourceState.FAILING, SourceState.OPEN, SourceState.DENIED})


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The state of one source; times are monotonic seconds of the agent's clock, None when it never happened."""

    name: str
    kind: str
    state: SourceState = SourceState.WAITING
    interval: float = 1.0
    error: str = ""
    last_ok: float | None = None
    failing_since: float | None = None
    next_poll: float | None = None
    polls: int = 0
    failures: int = 0
    production: bool = False
    discovered: bool = False
    address: str = ""
    metrics: tuple[Metric, ...] = ()


def stale_after(interval: float) -> float:
    """Return the age in seconds above which a reading is stale."""
    return max(3 * interval, 5.0)
