"""The aftermath of a cause: what followed from it is no news when the cause is over first. Pure.

It is not kept: after a restart of the agent all that would have lingered is loud.
"""

from collections.abc import Container, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from perftui.core.alert import Alert, Mute, Stage
from perftui.core.clock import Clock
from perftui.core.text import clean

LINGER = 300.0
"""Seconds for which a follower may go on being bad once its cause is over: rules look back over minutes, and until then
what they see is still the incident. What is bad for longer than that has another cause."""


class Cause(Protocol):
    """What others follow from."""

    @property
    def key(self) -> str:
        """Return its key."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Return its labels, `rule` and `source` among them."""


class _Followed(NamedTuple):
    """What an alert followed from, and how bad it was when it was last judged.

    `over` is the monotonic second at which the cause was over, `mute` what is said since; None while it is not.
    """

    cause: Cause
    rank: int
    over: float | None = None
    mute: Mute | None = None


class Aftermath:
    """Those that follow from a cause, and those that did until it was over, as long as they are there.

    Such an alert stays muted as long as it is well, otherwise for LINGER seconds. When it becomes worse, or its cause
    is there but mutes it no longer, it is loud until it follows from something again.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._followed: dict[str, _Followed] = {}

    def take_over(self, other: "Aftermath", keys: Mapping[str, object]) -> None:
        """Take what another knows of these alerts."""
        for key in other._followed.keys() & keys.keys():
            self._followed[key] = other._followed.pop(key)

    def lingering(self, alerts: Mapping[str, Alert], firing: Container[str]) -> dict[str, Mute]:
        """Return what mutes those of `alerts` whose cause is not among the keys `firing`; forget all others."""
        now, wall = self._clock.monotonic(), self._clock.wall()
        left: dict[str, _Followed] = {}
        mutes: dict[str, Mute] = {}
        for key, followed in self._followed.items():
            alert = alerts.get(key)
            if alert is None or followed.cause.key in firing:
                continue
            over = now if followed.over is None else followed.over
            if alert.severity.rank <= followed.rank and (alert.well_since is not None or now - over < LINGER):
                mutes[key] = followed.mute or _mute(followed.cause, wall)
                left[key] = _Followed(followed.cause, alert.severity.rank, over, mutes[key])
        self._followed = left
        return mutes

    def note(self, key: str, rank: int, cause: Cause) -> None:
        """Remember that an alert follows from a cause that fires."""
        self._followed[key] = _Followed(cause, rank)


def _mute(cause: Cause, wall: float) -> Mute:
    until = datetime.fromtimestamp(wall, UTC).strftime("%H:%M")
    reason = f"followed from {cause.labels['rule']} on {cause.labels['source']} until {until} UTC"
    return Mute(stage=Stage.INHIBITION, reason=clean(reason))
