"""What there is to look at: for each source its series, and for each series the rules that are about it.

Which rule is about which source and series is settled once, when they are first met, not at every value.
"""

import math
import platform
from collections.abc import Iterable, Sequence
from functools import cache

from perftui.alerts.evaluation.check import Check
from perftui.alerts.evaluation.episode import Episode
from perftui.alerts.evaluation.measured import Gauge, Measure
from perftui.config.address import normalised
from perftui.core.reading import MAX_SERIES
from perftui.core.series import Attributes
from perftui.core.status import BROKEN_STATES, SourceState, SourceStatus, stale_after

MOST_SERIES = 5 * MAX_SERIES
"""So many series of a source are remembered, those included that it gives no more."""
REMEMBERED = 3600.0
"""Seconds for which a series that is not given any more is remembered, or as long as its longest window is."""
_BLIND_STATES = BROKEN_STATES | {SourceState.STALE, SourceState.FOUND, SourceState.WAITING}
_LOOPBACK = "127.0.0.1"


class Watch:
    """Rules that look at the same value; between `low` and `high` none of them has anything to do."""

    __slots__ = ("checks", "high", "low", "open")

    def __init__(self, checks: Sequence[Check] = ()) -> None:
        self.open: dict[str, Episode] = {}
        self.use(checks)

    def use(self, checks: Sequence[Check]) -> None:
        """Go over to other rules; their episodes are to be put in again."""
        self.checks = tuple(checks)
        self.open.clear()
        self._settle()

    def begin(self, episode: Episode) -> None:
        """Let every value be looked at from now on."""
        self.open[episode.check.name] = episode
        self._settle()

    def end(self, episode: Episode) -> None:
        """Take an episode out."""
        del self.open[episode.check.name]
        self._settle()

    def _settle(self) -> None:
        if self.open:
            self.low, self.high = math.inf, -math.inf
            return
        self.low, self.high = -math.inf, math.inf
        for check in self.checks:
            if check.sign > 0:
                self.high = min(self.high, check.edge)
            else:
                self.low = max(self.low, -check.edge)


class Presence(Watch):
    """Whether a source gives a metric at all: when it last did, None when never."""

    __slots__ = ("judged", "seen")

    def __init__(self, check: Check) -> None:
        super().__init__((check,))
        self.seen: float | None = None
        self.judged: float | None = None

    @property
    def check(self) -> Check:
        """Return the rule that waits for it."""
        return self.checks[0]


class Measured(Watch):
    """The rules on one measure of a series that is not the sample itself."""

    __slots__ = ("gauge", "measure")

    def __init__(self, measure: Measure, checks: Sequence[Check], attributes: Attributes) -> None:
        super().__init__(checks)
        self.measure = measure
        self.gauge = Gauge(measure, checks[0].metric, attributes)


class Series(Watch):
    """One series and the rules on it: those on the sample itself, and those on what is made of it."""

    __slots__ = ("attributes", "measured", "presences", "seen")

    def __init__(self, attributes: Attributes) -> None:
        super().__init__()
        self.attributes = attributes
        self.measured: tuple[Measured, ...] = ()
        self.presences: tuple[Presence, ...] = ()
        self.seen = 0.0

    def follow(self, checks: Iterable[Check], presences: Iterable[Presence]) -> None:
        """Go over to the rules among these that are about it; windows that are still wanted stay."""
        mine = [check for check in checks if check.agrees_with(self.attributes)]
        self.use([check for check in mine if check.measure.is_plain])
        before = {(each.measure, each.checks[0].metric): each for each in self.measured}
        wanted: dict[Measure, list[Check]] = {}
        for check in mine:
            if not check.measure.is_plain:
                wanted.setdefault(check.measure, []).append(check)
        self.measured = tuple(
            before.get((measure, group[0].metric)) or Measured(measure, group, self.attributes)
            for measure, group in wanted.items()
        )
        for measured in self.measured:
            measured.use(wanted[measured.measure])
        self.presences = tuple(each for each in presences if each.check.agrees_with(self.attributes))

    @property
    def is_idle(self) -> bool:
        """Whether none of its rules has an episode."""
        return not self.open and not any(each.open for each in self.measured)

    @property
    def remembered(self) -> float:
        """For how long it is remembered when it is not given any more, in seconds."""
        return max([REMEMBERED, *(each.measure.over for each in self.measured)])


class Source:
    """One source: what it is, how it does, and its series by metric and attributes."""

    def __init__(self, name: str, checks: Iterable[Check]) -> None:
        self.name = name
        self.kind = ""
        self.host = ""
        self.patience = stale_after(1.0)
        self.blind = False
        self.healthy_since: float | None = None
        self.series: dict[str, dict[Attributes, Series]] = {}
        self.presences: dict[str, Presence] = {}
        self._checks: dict[str, list[Check]] = {}
        self._count = 0
        self._limit = MOST_SERIES
        self.use(checks)

    def use(self, checks: Iterable[Check]) -> None:
        """Go over to other rules; their episodes are to be put in again."""
        mine = [check for check in checks if check.watches(self.name)]
        self.presences = {check.name: self._presence(check) for check in mine if check.is_absence}
        self._checks = {check.rule.metric: [] for check in mine}
        for check in mine:
            if not check.is_absence:
                self._checks[check.rule.metric].append(check)
        self.series = {metric: self.series.get(metric, {}) for metric in self._checks}
        for metric, every in self.series.items():
            for series in every.values():
                series.follow(self._checks[metric], self._presences_of(metric))
        self._count = sum(map(len, self.series.values()))

    def meet(self, metric: str, attributes: Attributes, now: float) -> Series:
        """Return the series of a metric that rules are about, made when it is new."""
        every = self.series[metric]
        series = every.get(attributes)
        if series is None:
            series = every[attributes] = Series(attributes)
            series.follow(self._checks[metric], self._presences_of(metric))
            series.seen = now
            self._count += 1
            if self._count > self._limit:
                self.prune(now, self.patience)
                self._limit = max(MOST_SERIES, 2 * self._count)
        return series

    def place(self, check: Check, attributes: Attributes, now: float) -> Watch | None:
        """Return where the episode of a rule on these attributes belongs; None when the rule is not about them."""
        if check.is_absence:
            return self.presences.get(check.name) if not attributes else None
        if not (check.watches(self.name) and check.agrees_with(attributes)):
            return None
        series = self.meet(check.rule.metric, attributes, now)
        return next((each for each in (series, *series.measured) if check in each.checks), None)

    def take_status(self, status: SourceStatus, now: float) -> bool:
        """Take in how the source does; return whether alerts are to be shown another way."""
        self.patience = stale_after(status.interval)
        self.blind = status.state in _BLIND_STATES
        if self.blind:
            self.healthy_since = None
        elif self.healthy_since is None:
            self.healthy_since = now
        before = self.kind, self.host
        self.kind, self.host = status.kind, host_of(status.address)
        return before != (self.kind, self.host)

    def prune(self, now: float, longest: float = math.inf) -> None:
        """Forget series that have not been given for long, or not for `longest` seconds, and have no episode."""
        for metric, every in self.series.items():
            self.series[metric] = {
                attributes: series
                for attributes, series in every.items()
                if now - series.seen <= min(series.remembered, longest) or not series.is_idle
            }
        self._count = sum(map(len, self.series.values()))

    def _presence(self, check: Check) -> Presence:
        before = self.presences.get(check.name)
        if before is None or (before.check.rule.metric, before.check.attributes) != (
            check.rule.metric,
            check.attributes,
        ):
            return Presence(check)
        before.use((check,))
        return before

    def _presences_of(self, metric: str) -> list[Presence]:
        return [presence for presence in self.presences.values() if presence.check.rule.metric == metric]


@cache
def this_host() -> str:
    """Return the name of the machine that the agent runs on."""
    return platform.node()


def host_of(address: str) -> str:
    """Return the host part of an address; this host for sockets, for loopback and for what has none."""
    if not address or address.startswith("/"):
        return this_host()
    host = normalised(address).rpartition(":")[0].strip("[]")
    return this_host() if host == _LOOPBACK else host
