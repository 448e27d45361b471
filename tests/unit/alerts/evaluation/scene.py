"""Rules in virtual time: one source, read and looked at once a second, and all that became of its alerts."""

from collections.abc import Iterable
from typing import Any

import msgspec

from perftui.alerts.evaluation.engine import AlertEngine
from perftui.alerts.kept import Outage
from perftui.alerts.rules.amount import Amount
from perftui.alerts.rules.rule import Aggregate, Levels, Rule, When
from perftui.config.duration import Duration
from perftui.core.alert import Alert, AlertState, Severity
from perftui.core.catalogue import CATALOGUE
from perftui.core.clock import ManualClock
from perftui.core.metric import Metric, gauge, rate, ratio
from perftui.core.reading import Reading, Sample
from perftui.core.series import attributes
from perftui.core.status import SourceState, SourceStatus

SOURCE = "web-3"
KNOWN: dict[str, Metric] = (
    CATALOGUE
    | {
        metric.name: metric
        for metric in (ratio("load", ""), gauge("jobs", "{job}", ""), gauge("used", "By", ""), gauge("size", "By", ""))
    }
    | {"kills": rate("kills", "{kill}/s", "")}
)
_DURATIONS = ("hold", "keep_firing_for", "clear_for", "cooldown", "over", "ahead", "absent_for")
Transition = tuple[float, str, str, str]
"""Seconds since the start, rule, state and severity."""


def rule(name: str = "load", metric: str = "load", *, warning: float | None = 0.7, **more: Any) -> Rule:
    """Return a rule with plain numbers for its times; levels above, unless `below` gives the warning below."""
    levels = {"info": more.pop("info", None), "warning": warning, "critical": more.pop("critical", None)}
    below = more.pop("below", False)
    known = Levels(**{key: None if level is None else Amount(level) for key, level in levels.items()})
    times: dict[str, Any] = {key: Duration(more.pop(key)) for key in _DURATIONS if key in more}
    if "clear" in more:
        more["clear"] = Amount(more["clear"])
    if "aggregate" in more:
        more["aggregate"] = Aggregate(more["aggregate"])
    if "absent_for" not in times:
        more["below" if below else "above"] = known
    return Rule(name=name, metric=metric, **{"clear_for": Duration(0), **times}, **more)


def when(metric: str, *, above: float | None = None, below: float | None = None) -> When:
    """Return a condition."""
    bounds = {"above": above, "below": below}
    return When(metric=metric, **{key: None if level is None else Amount(level) for key, level in bounds.items()})


class Scene:
    """An engine and the source that it watches."""

    def __init__(self, *rules: Rule, clock: ManualClock | None = None, interval: float = 1.0) -> None:
        self.clock = clock or ManualClock()
        self.engine = AlertEngine(rules, self.clock, KNOWN)
        self.interval = interval
        self.transitions: list[Transition] = []
        self.ended: list[Alert] = []
        self.store: dict[str, dict[str, bytes]] = {"episode": {}}
        self.began = self.clock.monotonic()
        self._last: dict[str, tuple[str, str]] = {}

    def play(self, *values: float | None, metric: str = "load", **labels: str) -> "Scene":
        """Read one value after the other; None is a reading without the metric."""
        for value in values:
            self.read(*() if value is None else (Sample(metric, value, attributes(labels)),))
        return self

    def read(self, *samples: Sample, source: str = SOURCE) -> bool:
        """Let an interval pass, and read; return whether a screen could tell."""
        self.clock.advance(self.interval)
        now, wall = self.clock.monotonic(), self.clock.wall()
        changed = self.engine.observe(Reading(source=source, monotonic=now, wall=wall, duration=0.0, samples=samples))
        return self.look(source=source) or changed

    def look(self, state: SourceState = SourceState.OK, *, source: str = SOURCE, **more: Any) -> bool:
        """Look at the source, and write down what came of it."""
        now = self.clock.monotonic()
        more = {"kind": "system", "last_ok": now, **more}
        changed = self.engine.observe_sources([SourceStatus(name=source, state=state, interval=self.interval, **more)])
        self._write_down()
        return changed

    def fail(self, seconds: float, state: SourceState = SourceState.FAILING) -> "Scene":
        """Let the source be in trouble for a while."""
        since = self.clock.monotonic()
        for _ in range(round(seconds)):
            self.clock.advance(1.0)
            self.look(state, failing_since=since, last_ok=since, error="refused")
        return self

    def jump(self, seconds: float) -> None:
        """Let somebody set the clock on the wall."""
        self.clock.jump(seconds)

    def save(self) -> dict[str, dict[str, bytes]]:
        """Bring to the store what changed, and return it."""
        for (kind, key), kept in self.engine.take_changes().items():
            if kept is None:
                del self.store[kind][key]
            else:
                self.store[kind][key] = msgspec.msgpack.encode(kept)
        return self.store

    def restarted(self, away: float, *rules: Rule, shift: float = 0.0) -> "Scene":
        """Return another agent that goes on after `away` seconds, its monotonic clock ahead of ours by `shift`."""
        wall = self.clock.wall() + away
        monotonic = self.clock.monotonic() + away + shift
        scene = Scene(*rules, clock=ManualClock(monotonic, wall), interval=self.interval)
        scene.store = self.save()
        scene.engine.restore(scene.store, Outage(shift=shift, seconds=away))
        return scene

    @property
    def firing(self) -> list[tuple[str, AlertState, Severity]]:
        return [(alert.rule, alert.state, alert.severity) for alert in self.engine.firing()]

    @property
    def alert(self) -> Alert:
        """The one that fires."""
        (alert,) = self.engine.firing()
        return alert

    @property
    def pending(self) -> Alert:
        """The one that will."""
        (alert,) = self.engine.pending()
        return alert

    @property
    def steps(self) -> list[tuple[float, str, str]]:
        """The transitions of the only rule."""
        return [(time, state, severity) for time, _, state, severity in self.transitions]

    def _write_down(self) -> None:
        ended = self.engine.take_ended()
        self.ended += ended
        for alert in ended:
            self._note(alert)
            del self._last[alert.key]
        shown = [*self.engine.firing(), *self.engine.pending()]
        for gone in self._last.keys() - {alert.key for alert in shown}:
            del self._last[gone]
        for alert in shown:
            if self._last.get(alert.key) != (alert.state.value, alert.severity.value):
                self._note(alert)

    def _note(self, alert: Alert) -> None:
        self._last[alert.key] = alert.state.value, alert.severity.value
        word = "ended unknown" if alert.resolved_at and alert.state is AlertState.UNKNOWN else alert.state.value
        self.transitions.append((self.clock.monotonic() - self.began, alert.rule, word, alert.severity.value))


def samples(values: Iterable[tuple[str, float]]) -> tuple[Sample, ...]:
    """Return samples without attributes."""
    return tuple(Sample(metric, value) for metric, value in values)
