"""The ground of actions without an engine: settings, sources, and readings that a test sets."""

from collections.abc import Iterable, Mapping

from perftui.config.settings import Settings, SourceSettings
from perftui.core.alert import Alert
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

    def is_fresh(self, source: str) -> bool:
        """Return whether the test has not said otherwise."""
        return source not in self.stale

    def points(self, series: SeriesId) -> Iterable[tuple[float, float | None]]:
        """Return what the test has put there."""
        return self.past.get(series, ())

    def alert(self, key: str) -> Alert | None:
        """Return no alert."""
        return None

    def poke(self, name: str) -> bool:
        """Poll nothing."""
        return name in self.sources
