"""A sparkline whose columns are fixed spans of time, so that it stands still until a column is over."""

from collections.abc import Iterable, Reversible

BLOCKS = "▁▂▃▄▅▆▇█"
COLUMN_SECONDS = 10


def columns(
    wall: Reversible[float],
    values: Reversible[float | None],
    now: float,
    cells: int,
    seconds: float = COLUMN_SECONDS,
) -> list[float | None]:
    """Return the mean of the values in each of the last `cells` columns of `seconds`; None where there is none.

    `wall` are the epoch seconds of the values, oldest first; the newest column is the one that `now` is in.
    """
    last = int(now // seconds)
    sums, counts = [0.0] * cells, [0] * cells
    for at_wall, value in zip(reversed(wall), reversed(values), strict=True):
        at = cells - 1 - (last - int(at_wall // seconds))
        if at < 0:
            break
        if value is not None and at < cells:
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
