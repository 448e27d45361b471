"""One rule on one source: which of its series it looks at, through which windows, and what is not well among them."""

from collections.abc import Mapping

from perftui.alerts.amount import Amount
from perftui.alerts.episode import Episode
from perftui.alerts.measured import explained, measured
from perftui.alerts.rule import Levels, Rule
from perftui.alerts.window import Window, window_of
from perftui.core.alert import Severity
from perftui.core.matcher import fits
from perftui.core.metric import Metric
from perftui.core.reading import Sample
from perftui.core.series import Attributes

Values = Mapping[tuple[str, Attributes], float]
"""The values of one reading that rules compare others with."""
MOST_WINDOWS = 2000


class Compiled:
    """A rule with what follows from it, worked out once."""

    def __init__(self, rule: Rule, known: Mapping[str, Metric]) -> None:
        self.rule = rule
        self.metric = measured(rule, known)
        self.why = explained(rule, self.metric)
        self.conditions = rule.conditions
        self.units = {condition.metric: known[condition.metric] for condition in self.conditions}
        self.compared = self.units.keys() | ({rule.divided_by} if rule.divided_by else set())
        self.new_window = window_of(rule, known[rule.metric])
        self.sign = 1.0 if rule.above else -1.0
        self.limit = self.sign * _mildest(rule.levels) if rule.absent_for is None else 0.0
        self.levels = [
            (severity, level)
            for severity in reversed(Severity)
            if (level := getattr(rule.levels, severity.value)) is not None
        ]
        self.is_direct = self.new_window is None and not rule.divided_by and not rule.attributes
        """Whether the value itself is what the rule looks at, in every series of its metric."""

    def worst(self, value: float) -> Severity | None:
        """Return the worst severity whose level `value` is beyond."""
        beyond = self.rule.beyond
        return next((severity for severity, level in self.levels if beyond(value, level)), None)

    def is_between(self, value: float) -> bool:
        """Return whether `value` is not past `clear`; beyond no level either, that keeps firing what fires."""
        return self.rule.beyond(value, self.rule.clear)


def _mildest(levels: Levels) -> float:
    found: list[Amount | None] = [levels.info, levels.warning, levels.critical]
    return next(float(level) for level in found if level is not None)


class Watch:
    """A compiled rule on one source, with the episodes that it gave rise to."""

    def __init__(self, compiled: Compiled, source: str) -> None:
        self.compiled = compiled
        self.source = source
        self.episodes: dict[Attributes, Episode] = {}
        self.last_here: float | None = None
        """When a series of an `absent_for` rule was last there, or the source first was."""
        self._wanted: dict[Attributes, bool] = {}
        self._windows: dict[Attributes, Window] = {}

    def wants(self, attributes: Attributes) -> bool:
        """Return whether the rule is about a series with these attributes."""
        patterns = self.compiled.rule.attributes
        if not patterns:
            return True
        wanted = self._wanted.get(attributes)
        if wanted is None:
            own = dict(attributes)
            wanted = all(fits(pattern, own.get(name, "")) for name, pattern in patterns.items())
            self._wanted[attributes] = wanted
        return wanted

    def measure(self, sample: Sample, now: float, values: Values) -> float | None:
        """Return what the rule looks at in this sample; None where it looks at nothing, or there is no answer yet."""
        if not self.wants(sample.attributes):
            return None
        value = sample.value
        if other := self.compiled.rule.divided_by:
            divisor = values.get((other, sample.attributes), values.get((other, ())))
            if not divisor:
                return None
            value /= divisor
        if self.compiled.new_window is None:
            return value
        window = self._windows.get(sample.attributes)
        if window is None:
            window = self._open(sample.attributes, self.compiled.new_window())
        return window.add(now, value)

    def look(self, samples: tuple[Sample, ...], now: float) -> None:
        """Note that what an `absent_for` rule is about is there, if it is."""
        metric = self.compiled.rule.metric
        if any(sample.metric == metric and self.wants(sample.attributes) for sample in samples):
            self.last_here = now

    def hand_over(self, after: "Watch | None") -> list[tuple["Watch", Episode]]:
        """Let the watch of a changed rule go on where this one stands; return the episodes that cannot go on."""
        if after is None or after.compiled.rule.metric != self.compiled.rule.metric:
            return [(self, episode) for episode in self.episodes.values()]
        after.last_here = self.last_here
        if after.compiled.rule == self.compiled.rule:
            after._windows = self._windows
        for attributes, episode in self.episodes.items():
            episode.rule = after.compiled.rule
            after.episodes[attributes] = episode
        return []

    def _open(self, attributes: Attributes, window: Window) -> Window:
        """Keep a window for a series that is new; of too many the oldest goes."""
        if len(self._windows) >= MOST_WINDOWS:
            del self._windows[next(iter(self._windows))]
        self._windows[attributes] = window
        return window
