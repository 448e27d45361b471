"""What one poll of one source brought: frozen, complete, with nothing in it that was not read."""

import math

import msgspec

from perftui.core.clock import Clock
from perftui.core.series import Attributes, attributes

Cell = str | float | int | None
MAX_SERIES = 2000


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One value of one series. A value that is missing has no sample: never 0, never NaN or infinity."""

    metric: str
    value: float
    attributes: Attributes = ()


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows for display only; `denied` counts those that exist but may not be read."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    denied: int = 0


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The samples, tables and facts of one poll.

    `monotonic` and `wall` are when it was taken, `duration` how long it took (seconds).
    `facts` are words, not numbers (`version`, `role`); `denied` maps what may not be read to why;
    `overflow` counts series left out because the source has too many, or the same twice.
    """

    source: str
    monotonic: float
    wall: float
    duration: float
    samples: tuple[Sample, ...] = ()
    tables: dict[str, Table] = {}
    facts: dict[str, str] = {}
    denied: dict[str, str] = {}
    overflow: int = 0
    commands: int = 0


class ReadingBuilder:
    """Collects what a poll finds and freezes it; the one place where missing becomes absent."""

    def __init__(self, source: str, clock: Clock, max_series: int = MAX_SERIES) -> None:
        self._source = source
        self._clock = clock
        self._max_series = max_series
        self._started = clock.monotonic()
        self._samples: dict[tuple[str, Attributes], Sample] = {}
        self._tables: dict[str, Table] = {}
        self._facts: dict[str, str] = {}
        self._denied: dict[str, str] = {}
        self._overflow = 0
        self.commands = 0

    @property
    def started(self) -> float:
        """When this poll began (monotonic seconds): the time that rates are measured at."""
        return self._started

    def add(self, metric: str, value: float | None, /, **pairs: str) -> None:
        """Add a sample; None, NaN and infinity mean missing and add nothing.

        Of a series that comes twice the first is kept.
        """
        if value is None or not math.isfinite(value):
            return
        key = (metric, attributes(pairs) if pairs else ())
        if key in self._samples or len(self._samples) >= self._max_series:
            self._overflow += 1
            return
        self._samples[key] = Sample(metric, float(value), key[1])

    def leave_out(self, count: int) -> None:
        """Count series that the collector itself left out because there are too many."""
        self._overflow += count

    def table(self, name: str, table: Table) -> None:
        """Add a table for display."""
        self._tables[name] = table

    def fact(self, name: str, text: str) -> None:
        """Add a word about the source (already cleaned)."""
        self._facts[name] = text

    def deny(self, what: str, why: str) -> None:
        """Record that `what` (a metric or table) may not be read, and why."""
        self._denied[what] = why

    def build(self) -> Reading:
        """Freeze it."""
        now = self._clock.monotonic()
        return Reading(
            source=self._source,
            monotonic=now,
            wall=self._clock.wall(),
            duration=now - self._started,
            samples=tuple(self._samples.values()),
            tables=self._tables,
            facts=self._facts,
            denied=self._denied,
            overflow=self._overflow,
            commands=self.commands,
        )
