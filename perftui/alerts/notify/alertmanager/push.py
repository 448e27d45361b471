"""What an Alertmanager is told of alerts: new ones at once, what fires once a minute, what ended until it took it.

As Prometheus does, what is silenced here is told all the same (the silences hold there, too), and each alert is told
with an end a few minutes ahead, so that it resolves by itself when this agent dies. What follows from another alert is
not told: our inhibitions are unknown there, and it would page what we hold back.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from perftui.alerts.notify.alertmanager.terms import pushed
from perftui.alerts.notify.grouping import takes
from perftui.config.notify import Route
from perftui.connect.alertmanager import Alertmanager, PushedAlert, Rejected, moment
from perftui.core.alert import Alert, Stage
from perftui.core.clock import Clock

RESEND_EVERY = 60.0
HOLDS_FOR = 4 * RESEND_EVERY
"""Seconds after which an alert that is no longer told is over there."""
BATCH = 250
MOST_ENDED = 1000

_Identity = tuple[object, ...]
_NEVER = float("-inf")


class _Told(NamedTuple):
    """An alert that is there, or may be, and when it was last taken (monotonic)."""

    alert: Alert
    at: float


class AlertPush:
    """The alerts of one Alertmanager; `name` is its route's, `host` ours.

    An alert is its labels there, and its severity is one of them.
    """

    def __init__(self, name: str, route: Route, client: Alertmanager, clock: Clock, host: str) -> None:
        self._name = name
        self._route = route
        self._client = client
        self._clock = clock
        self._host = host
        self._told: dict[_Identity, _Told] = {}
        self._ended: dict[_Identity, tuple[Alert, float]] = {}
        self._inhibited: set[_Identity] = set()

    def take(self, firing: Iterable[Alert], ended: Iterable[Alert]) -> None:
        """Take in all that fires, and what ended since the last call."""
        now = self._clock.wall()
        for alert in filter(self._concerns, ended):
            if _identity(alert) not in self._inhibited:  # it was over there when it began to follow from another
                self._ended[_identity(alert)] = (alert, alert.resolved_at or now)
        concerned = {_identity(alert): alert for alert in filter(self._concerns, firing)}
        self._inhibited = {identity for identity, alert in concerned.items() if is_inhibited(alert)}
        fires = {identity: alert for identity, alert in concerned.items() if identity not in self._inhibited}
        # Not only what ended: with another severity it is another alert there, and its rule may be gone.
        for identity in self._told.keys() - fires.keys():
            self._ended.setdefault(identity, (self._told.pop(identity).alert, now))
        for identity, alert in fires.items():
            self._ended.pop(identity, None)
            self._told[identity] = _Told(alert, self._told[identity].at if identity in self._told else _NEVER)
        while len(self._ended) > MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    async def push(self) -> str:
        """Tell what is due and return what of it was not taken, in words. Raises NotifyError: then all is due again."""
        now = self._clock.monotonic()
        due = [identity for identity, told in self._told.items() if now - told.at >= RESEND_EVERY]
        work = [*self._ended, *due]
        batches = [work[start : start + BATCH] for start in range(0, len(work), BATCH)]
        rejected = [reason for batch in batches if (reason := await self._push(batch))]
        return rejected[0] if rejected else ""

    def _concerns(self, alert: Alert) -> bool:
        return takes(self._name, self._route, alert)

    async def _push(self, batch: Sequence[_Identity]) -> str:
        ended = {identity: self._ended[identity] for identity in batch if identity in self._ended}
        told = {identity: self._told[identity] for identity in batch if identity in self._told}
        at, now = self._clock.monotonic(), self._clock.wall()
        alerts = [self._pushed(alert, min(end, now)) for alert, end in ended.values()]
        alerts += [self._pushed(each.alert, now + HOLDS_FOR) for each in told.values()]
        reason = ""
        try:
            await self._client.push(alerts)
        except Rejected as error:  # it took what is right; what is wrong would be no better a second time
            reason = str(error)
        # Meanwhile alerts may have come and gone: only what was sent is done with.
        for identity, sent in ended.items():
            if self._ended.get(identity) == sent:
                del self._ended[identity]
        for identity in told.keys() & self._told.keys():
            self._told[identity] = self._told[identity]._replace(at=at)
        return reason

    def _pushed(self, alert: Alert, ends: float) -> PushedAlert:
        now = self._clock.wall()
        ahead = self._client.ahead
        began = min(alert.since if alert.since is not None else now, now)
        return pushed(alert, self._host, moment(began + ahead), moment(ends + ahead))


def is_inhibited(alert: Alert) -> bool:
    """Return whether an alert is held back because it follows from another."""
    return any(mute.stage is Stage.INHIBITION for mute in alert.mutes)


def _identity(alert: Alert) -> _Identity:
    """Return what its labels are made of: cheaper than the labels, for thousands of alerts."""
    return alert.rule, alert.source, alert.metric, alert.attributes, alert.severity, alert.kind, alert.host
