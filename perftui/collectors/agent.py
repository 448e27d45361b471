"""The agent as a source: what watching costs, so that the observer pays its way.

Reads its own process only (no privileges, no commands): CPU seconds, `/proc/self/statm`, the loop's lag; and what the
engine counts: series kept, consoles attached, and for each source the commands sent and the time a poll takes.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from perftui.config.kinds import AgentOptions
from perftui.core.clock import Clock
from perftui.core.metric import Metric
from perftui.core.reading import Reading, ReadingBuilder


class PollCost(NamedTuple):
    """What polling one source cost since the last look: commands sent per second, seconds the last poll took."""

    source: str
    commands: float | None
    duration: float


class SelfMeasure(Protocol):
    """What the engine can say of itself."""

    def cpu_utilization(self) -> float | None:
        """Return the share of one core used since the last call."""

    def resident_bytes(self) -> float | None:
        """Return the resident memory."""

    def take_lag(self) -> float:
        """Return the worst loop lag in seconds since the last call."""

    def series(self) -> int:
        """Return how many series are kept."""

    def consoles(self) -> int:
        """Return how many consoles are attached."""

    def poll_costs(self) -> Iterable[PollCost]:
        """Return what each source costs."""


class AgentCollector:
    """Polls the agent itself."""

    metrics: tuple[Metric, ...] = ()

    def __init__(self, name: str, _options: AgentOptions, clock: Clock, measure: SelfMeasure) -> None:
        self._name = name
        self._clock = clock
        self._measure = measure

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def poll(self) -> Reading:
        """Read the agent's own figures."""
        builder = ReadingBuilder(self._name, self._clock)
        builder.add("agent.cpu.utilization", self._measure.cpu_utilization())
        builder.add("agent.memory.usage", self._measure.resident_bytes())
        builder.add("agent.loop.lag", self._measure.take_lag())
        builder.add("agent.series", self._measure.series())
        builder.add("agent.consoles", self._measure.consoles())
        for cost in self._measure.poll_costs():
            builder.add("agent.commands", cost.commands, source=cost.source)
            builder.add("agent.poll.duration", cost.duration, source=cost.source)
        return builder.build()
