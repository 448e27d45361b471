"""What the tests of notifications share: alerts, and routes that step through virtual time."""

from collections.abc import Iterable

import msgspec

from perftui.alerts.kept import Changes, Outage
from perftui.alerts.notify.incidents import Incidents
from perftui.alerts.notify.notification import Notification
from perftui.config.duration import Duration
from perftui.config.notify import Route
from perftui.core.alert import Ack, Alert, AlertState, Mute, Severity, Stage
from perftui.core.clock import ManualClock

ACK = Ack(author="mira", at=1.0)
LASTED = 100.0
SILENCED = Mute(stage=Stage.SILENCE, reason="silenced")


def alert(
    source: str = "cache-1",
    rule: str = "memory",
    severity: Severity = Severity.WARNING,
    state: AlertState = AlertState.FIRING,
    notify: tuple[str, ...] = (),
    cooldown: float = 0.0,
) -> Alert:
    """Return an alert that fires."""
    return Alert(
        rule=rule,
        source=source,
        metric="redis.memory",
        state=state,
        severity=severity,
        summary=f"{rule} is full",
        since=1_700_000_000.0,
        notify=notify,
        cooldown=cooldown,
    )


def critical(source: str = "cache-1", rule: str = "refused", cooldown: float = 0.0) -> Alert:
    """Return a critical alert that fires."""
    return alert(source, rule, Severity.CRITICAL, cooldown=cooldown)


def acked(one: Alert) -> Alert:
    """Return it with somebody who takes care."""
    return msgspec.structs.replace(one, ack=ACK)


def muted(one: Alert) -> Alert:
    """Return it silenced."""
    return msgspec.structs.replace(one, mutes=(SILENCED,))


def well(one: Alert) -> Alert:
    """Return it as it is when it is well, but not yet for long enough to be over."""
    return msgspec.structs.replace(one, well_since=1.0)


def unseen(one: Alert) -> Alert:
    """Return it as it is when its source does not answer."""
    return msgspec.structs.replace(one, state=AlertState.UNKNOWN)


def ended(one: Alert, state: AlertState = AlertState.RESOLVED) -> Alert:
    """Return how it ended."""
    return msgspec.structs.replace(one, state=state, resolved_at=1_700_000_000.0 + LASTED)


class Told:
    """Incidents that step once a second; what fires is set by the test, what ended follows from it."""

    def __init__(self, **routes: Route) -> None:
        self.routes = routes or {"slack": Route(exec=("true",))}
        self.clock = ManualClock()
        self.incidents = Incidents(self.routes, self.clock, "web-1")
        self.firing: dict[str, Alert] = {}
        self.all: list[Notification] = []
        self.disk: dict[tuple[str, str], bytes] = {}

    def step(self, *firing: Alert, end_as: AlertState = AlertState.RESOLVED) -> list[Notification]:
        """Let a second pass with exactly these alerts firing; return what was told."""
        return self.pass_time(1, *firing, end_as=end_as)

    def pass_time(self, seconds: int, *firing: Alert, end_as: AlertState = AlertState.RESOLVED) -> list[Notification]:
        """Let seconds pass with exactly these alerts firing; return what was told."""
        now_firing = {each.key: each for each in firing}
        over = [ended(each, end_as) for key, each in self.firing.items() if key not in now_firing]
        self.firing = now_firing
        told: list[Notification] = []
        for _ in range(seconds):
            self.clock.advance(1.0)
            told += self.incidents.step(firing, over)
            self._write(self.incidents.take_changes())
            over = []
        self.all += told
        return told

    def restart(self, shift: float = 0.0) -> None:
        """Go on in a new agent from what was kept."""
        rows: dict[str, dict[str, bytes]] = {}
        for (kind, key), body in self.disk.items():
            rows.setdefault(kind, {})[key] = body
        self.clock = ManualClock(self.clock.monotonic() + shift, self.clock.wall())
        self.incidents = Incidents(self.routes, self.clock, "web-1")
        self.incidents.restore(rows, Outage(shift=shift))

    def _write(self, changes: Changes) -> None:
        for row, kept in changes.items():
            if kept is None:
                self.disk.pop(row, None)
            else:
                self.disk[row] = msgspec.msgpack.encode(kept)


def titles(told: Iterable[Notification]) -> list[str]:
    """Return the titles alone."""
    return [each.title for each in told]


def route(**settings: object) -> Route:
    """Return a route with these settings; durations in seconds."""
    durations = {"group_wait", "group_interval", "repeat"}
    values = {key: Duration(value) if key in durations else value for key, value in settings.items()}  # type: ignore[arg-type]
    return Route(exec=("true",), **values)  # type: ignore[arg-type]
