"""A sparkline whose columns are fixed spans of time, so that it stands still until a column is over."""

from collections.abc import Iterable

BLOCKS = "▁▂▃▄▅▆▇█"
COLUMN_SECONDS = 10


def columns(
    points: Iterable[tuple[float, float | None]], now: float, cells: int, seconds: float = COLUMN_SECONDS
) -> list[float | None]:
    """Return the mean of the points (wall seconds, value) in each of the last `cells` columns; None where none is."""
    last = int(now // seconds)
    sums, counts = [0.0] * cells, [0] * cells
    for wall, value in points:
        at = cells - 1 - (last - int(wall // seconds))
        if value is not None and 0 <= at < cells:
            sums[at] += value
            counts[at] += 1
    return [total / count if count else None for total, count in zip(sums, counts, strict=True)]


def spark(values: Iterable[float | None], top: float | None = None) -> str:
    """Return one character a value, a gap where it is missing; `top` is the full height, else the largest value."""
    values = list(values)
    highest = top or max((value for value in values if value is not None), default=0.0)
    return "".join(_block(value, highest) for value in values)


def _block(value: float | None, top: float) -> str:
    if value is None:
        return " "
    if top <= 0:
        return BLOCKS[0]
    return BLOCKS[min(7, max(0, int(value / top * 7.999)))]
