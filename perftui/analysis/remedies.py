"""What would help against an issue: the actions and the advice, in words."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple, Protocol

from perftui.analysis.levels import Remedy
from perftui.config.settings import Settings, SourceSettings
from perftui.core.alert import Severity
from perftui.core.health import Issue, Priority, Recommendation
from perftui.core.series import Attributes
from perftui.core.units import size

ROOMIER = 1.25
"""By how much maxmemory is proposed to be raised."""
TEMP = ("/tmp", "/var/tmp")
_STEP = 1 << 20


class Value(Protocol):
    """Gives the value of another series of the same source."""

    def __call__(self, metric: str, attributes: Attributes, *, recent: bool) -> float | None:
        """Return it, or the mean of its last minute."""


class Facts(NamedTuple):
    """What an issue is about (its attributes), and what else its source said."""

    of: Mapping[str, str]
    value: Value


class _Case(NamedTuple):
    issue: Issue
    facts: Facts
    sources: Mapping[str, SourceSettings]
    settings: Settings

    @property
    def why(self) -> str:
        return f"{self.issue.source}: {self.issue.title}, {self.issue.value} ({self.issue.level})"

    @property
    def priority(self) -> Priority:
        return Priority.HIGH if self.issue.severity is Severity.CRITICAL else Priority.MEDIUM

    def fact(self, metric: str) -> float | None:
        return self.facts.value(metric, (), recent=True)


def recommendations(
    remedy: Remedy, issue: Issue, facts: Facts, sources: Mapping[str, SourceSettings], settings: Settings
) -> Iterator[Recommendation]:
    """Yield what an issue calls for; nothing where nothing is known to help."""
    make = _MAKERS.get(remedy)
    if make is not None:
        yield from make(_Case(issue, facts, sources, settings))


def _memory(case: _Case) -> Iterator[Recommendation]:
    host = next((source.name for source in case.sources.values() if source.kind == "system"), "")
    if host:
        yield Recommendation(
            id="cleanup.memory",
            title="Memory cleanup",
            priority=Priority.HIGH,
            impact="frees what has expired, is finished or was left behind, on every source here",
            effort="one confirmation, about a minute",
            why=case.why,
            action="cleanup.memory",
            target=host,
        )


def _cache_memory(case: _Case) -> Iterator[Recommendation]:
    yield from _memory(case)
    yield from _raise_maxmemory(case)


def _hit_rate(case: _Case) -> Iterator[Recommendation]:
    """More memory where keys are removed to make room: warming would push out what is hot. Else what warms it."""
    name = case.issue.source
    if (case.fact("redis.keys.evicted") or 0.0) > 0:
        yield from _raise_maxmemory(case)
        return
    recipes = [recipe for recipe, table in case.settings.warm.items() if table.target == name]
    for recipe in recipes:
        yield Recommendation(
            id=f"cache.warm:{recipe}",
            title=f"Warm {name} by {recipe}",
            priority=Priority.MEDIUM,
            impact="fewer misses at once, as far as what is asked for is what the recipe loads",
            effort="one confirmation; how long depends on the recipe",
            why=case.why,
            action="cache.warm",
            target=name,
            params={"recipe": recipe},
        )
    if not recipes:
        yield Recommendation(
            id=f"cache.warm:{name}:advice",
            title=f"Write a recipe that warms {name}",
            priority=Priority.MEDIUM,
            impact="fewer misses, at once and after each restart",
            effort=f'a [warm.NAME] table with target = "{name}" in perftui.toml',
            why=f"{case.why}; no recipe has it as its target",
        )


def _raise_maxmemory(case: _Case) -> Iterator[Recommendation]:
    name, most = case.issue.source, case.facts.value("redis.memory.max", (), recent=False)
    if not most:
        return
    wanted = max(1, round(most * ROOMIER / _STEP))
    yield Recommendation(
        id=f"cache.tune:{name}",
        title=f"Raise maxmemory of {name} to {size(wanted * _STEP)}",
        priority=Priority.MEDIUM,
        impact=f"room for a quarter more keys ({size(most)} now): fewer are removed before they are asked for",
        effort="one confirmation; can be taken back; lost at a restart unless it is written to redis.conf",
        why=case.why,
        action="cache.tune",
        target=name,
        params={"maxmemory": f"{wanted}MiB"},
    )


def _queries(case: _Case) -> Iterator[Recommendation]:
    name = case.issue.source
    yield Recommendation(
        id=f"queries:{name}",
        title=f"Query optimisation on {name}",
        priority=Priority.MEDIUM,
        impact="shorter waits for whoever asks this database, fewer locks held",
        effort="look at the databases screen: running statements, the slowest first, and who blocks whom",
        why=case.why,
    )


def _disk(case: _Case) -> Iterator[Recommendation]:
    mount, host = case.facts.of.get("mountpoint", "/"), case.issue.source
    for rule, table in case.settings.files.items():
        if any(_within(path, mount) for path in table.paths):
            yield Recommendation(
                id=f"cleanup.files:{rule}",
                title=f"Delete old files by the rule {rule}",
                priority=case.priority,
                impact=f"space on {mount}",
                effort="one confirmation; the preview lists the files",
                why=case.why,
                action="cleanup.files",
                target=host,
                params={"rule": rule},
            )
    folders = [folder for folder in TEMP if _within(folder, mount)]
    if folders:
        yield Recommendation(
            id="cleanup.temp",
            title="Delete old temporary files",
            priority=case.priority,
            impact=f"space on {mount}, as far as {' and '.join(folders)} lie there",
            effort="one confirmation; the preview lists the files",
            why=case.why,
            action="cleanup.temp",
            target=host,
        )


def _within(path: str, mount: str) -> bool:
    """Return whether a path lies below a mount point; one mounted deeper down is not known here."""
    return PurePosixPath(path).is_relative_to(mount)


def _connections(case: _Case) -> Iterator[Recommendation]:
    name = case.issue.source
    yield Recommendation(
        id=f"cleanup.connections:{name}",
        title=f"Close sleeping connections of {name}",
        priority=case.priority,
        impact="free connection slots, before newcomers are refused",
        effort="one confirmation; applications connect again",
        why=case.why,
        action="cleanup.connections",
        target=name,
    )


def _workers(case: _Case) -> Iterator[Recommendation]:
    queue, name = case.facts.of.get("queue", ""), case.issue.source
    yield Recommendation(
        id=f"workers:{name}/{queue}",
        title=f"Start workers of {queue}",
        priority=Priority.HIGH,
        impact="the queue drains again",
        effort="look at the services screen: why they ended comes first",
        why=case.why,
    )


def _failing_jobs(case: _Case) -> Iterator[Recommendation]:
    queue, name = case.facts.of.get("queue", ""), case.issue.source
    yield Recommendation(
        id=f"failing:{name}/{queue}",
        title=f"Look at the failing jobs of {queue}",
        priority=case.priority,
        impact="work that is lost now gets done",
        effort="look at the queues screen and the workers' logs: what fails, and since which release",
        why=case.why,
    )


def _replication(case: _Case) -> Iterator[Recommendation]:
    name = case.issue.source
    yield Recommendation(
        id=f"replication:{name}",
        title=f"Look at the replication of {name}",
        priority=case.priority,
        impact="it serves today's data again",
        effort="look at its primary and the link to it; read from the primary meanwhile",
        why=case.why,
    )


_MAKERS: dict[Remedy, Callable[[_Case], Iterator[Recommendation]]] = {
    Remedy.MEMORY: _memory,
    Remedy.CACHE_MEMORY: _cache_memory,
    Remedy.HIT_RATE: _hit_rate,
    Remedy.QUERIES: _queries,
    Remedy.DISK: _disk,
    Remedy.CONNECTIONS: _connections,
    Remedy.WORKERS: _workers,
    Remedy.FAILING_JOBS: _failing_jobs,
    Remedy.REPLICATION: _replication,
}
