"""Every rule on every source that it is about, found by what a reading brings."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from perftui.alerts.episode import Episode
from perftui.alerts.rule import Rule
from perftui.alerts.watch import Compiled, Watch
from perftui.core.matcher import fits
from perftui.core.metric import Metric

Standing = tuple[Watch, Episode]


@dataclass(slots=True)
class SourceWatches:
    """The watches of one source: those that look at values, by metric, and those that look for what is missing."""

    by_metric: dict[str, list[Watch]] = field(default_factory=lambda: defaultdict(list))
    absences: list[Watch] = field(default_factory=list)

    def __iter__(self) -> Iterator[Watch]:
        for watches in self.by_metric.values():
            yield from watches
        yield from self.absences


class Watches:
    """Makes the watches of a source when it is first asked for them."""

    def __init__(self) -> None:
        self.compiled: dict[str, Compiled] = {}
        self.compared: frozenset[str] = frozenset()
        """The metrics that others are compared with."""
        self._sources: dict[str, SourceWatches] = {}

    def use(self, rules: Iterable[Rule], known: Mapping[str, Metric]) -> list[Standing]:
        """Go over to other rules; return the episodes whose rule is gone, or looks at something else now."""
        self.compiled = {rule.name: Compiled(rule, known) for rule in rules if rule.enabled}
        self.compared = frozenset().union(*(each.compared for each in self.compiled.values()))
        before, self._sources = self._sources, {}
        orphans: list[Standing] = []
        for source, old in before.items():
            new = {watch.compiled.rule.name: watch for watch in self.of(source)}
            for watch in old:
                orphans += watch.hand_over(new.get(watch.compiled.rule.name))
        return orphans

    def of(self, source: str) -> SourceWatches:
        """Return the watches of a source."""
        found = self._sources.get(source)
        if found is None:
            found = self._sources[source] = SourceWatches()
            for compiled in self.compiled.values():
                rule = compiled.rule
                if not rule.sources or any(fits(pattern, source) for pattern in rule.sources):
                    watches = found.by_metric[rule.metric] if rule.absent_for is None else found.absences
                    watches.append(Watch(compiled, source))
        return found

    def find(self, rule: str, source: str) -> Watch | None:
        """Return the watch of a rule on a source; None where that rule is not, or not about it."""
        return next((watch for watch in self.of(source) if watch.compiled.rule.name == rule), None)

    def forget(self, source: str) -> list[Standing]:
        """Drop a source; return its episodes."""
        return [(watch, episode) for watch in self._sources.pop(source, ()) for episode in watch.episodes.values()]

    def episodes(self) -> Iterator[Standing]:
        """Yield everything that is not well."""
        for watches in self._sources.values():
            for watch in watches:
                for episode in watch.episodes.values():
                    yield watch, episode
