"""The recent past of every series, in memory: aligned rings, one for each series and one for the time."""

from collections.abc import Iterator

from perftui.core.reading import MAX_SERIES, Reading
from perftui.core.series import Attributes, Ring

CAPACITY = 900
SWEEP_EVERY = 300


class SourceHistory:
    """The last 900 readings of one source; series are aligned by the count of what was ever appended."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._wall = Ring(capacity)
        self._series: dict[tuple[str, Attributes], Ring] = {}

    def __len__(self) -> int:
        return len(self._series)

    def add(self, reading: Reading) -> None:
        """Append a reading; series that it lacks get a gap when they are next looked at."""
        frame = self._wall.count
        self._wall.append(reading.wall)
        for sample in reading.samples:
            key = (sample.metric, sample.attributes)
            ring = self._series.get(key)
            if ring is None:
                if len(self._series) >= MAX_SERIES:
                    continue
                ring = self._series[key] = Ring(self._capacity)
                ring.count = frame
            if ring.count < frame:
                _pad(ring, frame)
            ring.append(sample.value)
        if frame % SWEEP_EVERY == SWEEP_EVERY - 1:
            self._sweep(frame)

    def points(self, metric: str, attributes: Attributes) -> Iterator[tuple[float, float | None]]:
        """Yield (wall seconds, value or None where it is missing), oldest first."""
        ring = self._series.get((metric, attributes))
        if ring is None:
            return
        _pad(ring, self._wall.count)
        walls = list(self._wall)[-len(ring) :]
        for wall, value in zip(walls, ring, strict=True):
            if wall is not None:
                yield wall, value

    def _sweep(self, frame: int) -> None:
        """Drop the series that have been missing for as long as is kept."""
        gone = [key for key, ring in self._series.items() if frame - ring.count >= self._capacity]
        for key in gone:
            del self._series[key]


def _pad(ring: Ring, frame: int) -> None:
    for _ in range(min(frame - ring.count, ring.capacity)):
        ring.append(None)
    ring.count = frame
