"""The figures of the agent as a source: its own meter, and what each source costs to poll."""

from collections.abc import Callable, Iterator

from perftui.collectors.agent import PollCost
from perftui.core.reading import Reading
from perftui.engine.meter import Meter
from perftui.engine.store import SourceHistory


class EngineMeasure(Meter):
    """The meter of this process, with what the engine counts."""

    def __init__(self, histories: dict[str, SourceHistory], consoles: Callable[[], int]) -> None:
        super().__init__()
        self._histories = histories
        self._consoles = consoles
        self._costs: dict[str, PollCost] = {}
        self._last: dict[str, float] = {}

    def note(self, reading: Reading) -> None:
        """Take in what a poll cost."""
        before = self._last.get(reading.source)
        self._last[reading.source] = reading.monotonic
        apart = reading.monotonic - before if before is not None else 0.0
        commands = reading.commands / apart if apart > 0 and reading.commands else None
        self._costs[reading.source] = PollCost(reading.source, commands, reading.duration)

    def forget(self, source: str) -> None:
        """Drop a source that is gone."""
        self._costs.pop(source, None)
        self._last.pop(source, None)

    def series(self) -> int:
        """Return how many series are kept."""
        return sum(len(history) for history in self._histories.values())

    def consoles(self) -> int:
        """Return how many consoles are attached."""
        return self._consoles()

    def poll_costs(self) -> Iterator[PollCost]:
        """Yield what each source costs."""
        yield from self._costs.values()
