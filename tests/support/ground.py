"""The ground of actions without an engine: settings, sources, and readings that a test sets."""

from collections.abc import Iterable, Mapping, Sequence

from perftui.config.settings import Settings, SourceSettings
from perftui.core.alert import Alert, Level
from perftui.core.reading import Reading
from perftui.core.series import SeriesId


class StillGround:
    """Everything is fresh, and nothing moves."""

    def __init__(self, settings: Settings, *sources: SourceSettings) -> None:
        self.settings = settings
        self.sources: Mapping[str, SourceSettings] = {source.name: source for source in sources}
        self.readings: dict[str, Reading] = {}
        self.past: dict[SeriesId, list[tuple[float, float | None]]] = {}
        self.stale: set[str] = set()
        self.firing: list[Alert] = []
        self.marks: list[Level] = []

    def is_fresh(self, source: str) -> bool:
        """Return whether the test has not said otherwise."""
        return source not in self.stale

    def points(self, series: SeriesId) -> Iterable[tuple[float, float | None]]:
        """Return what the test has put there."""
        return self.past.get(series, ())

    def alert(self, key: str) -> Alert | None:
        """Return no alert."""
        return None

    def alerts(self) -> Sequence[Alert]:
        """Return what the test lets fire."""
        return self.firing

    def levels(self) -> Sequence[Level]:
        """Return the levels that the test has set."""
        return self.marks

    def poke(self, name: str) -> bool:
        """Poll nothing."""
        return name in self.sources
