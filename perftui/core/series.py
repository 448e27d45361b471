"""A series: the values of one metric of one source with one set of attributes, over time."""

import math
from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

Attributes = tuple[tuple[str, str], ...]


class SeriesId(NamedTuple):
    """Which series: source, metric and sorted attributes."""

    source: str
    metric: str
    attributes: Attributes = ()


def attributes(pairs: dict[str, str]) -> Attributes:
    """Return attributes in their one canonical order."""
    return tuple(sorted(pairs.items()))


class Ring:
    """The last `capacity` floats, oldest first; a sample that is missing is None, stored as NaN."""

    __slots__ = ("_data", "_next", "capacity", "count")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.count = 0
        self._next = 0
        self._data = array("d")

    def append(self, value: float | None) -> None:
        """Add the newest sample, dropping the oldest when full; None is a missing one."""
        number = math.nan if value is None else value
        if len(self._data) < self.capacity:
            self._data.append(number)
        else:
            self._data[self._next] = number
        self._next = (self._next + 1) % self.capacity
        self.count += 1

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[float | None]:
        start = self._next if len(self._data) == self.capacity else 0
        for index in range(len(self._data)):
            value = self._data[(start + index) % self.capacity]
            yield None if math.isnan(value) else value

    def extend(self, values: Iterable[float | None]) -> None:
        """Append each of `values`."""
        for value in values:
            self.append(value)
