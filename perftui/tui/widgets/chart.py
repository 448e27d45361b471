"""A curve in braille by plotext, which is imported late and off the event loop: it takes longer than a first frame."""

import importlib
from functools import lru_cache
from types import ModuleType

_loaded: list[ModuleType] = []


def load() -> None:
    """Import plotext (56 to 180 ms): in a thread, once keys answer."""
    if not _loaded:
        plotext = importlib.import_module("plotext")
        plotext.terminal.limit(False, False)  # It would draw in 80 cells where it finds no terminal on its own.
        _loaded.append(plotext)


def is_loaded() -> bool:
    """Return whether `curve` can draw."""
    return bool(_loaded)


def curve(
    values: tuple[float | None, ...], cells: int, height: int, top: float, ascii: bool = False
) -> tuple[str, ...]:
    """Return `height` lines of `cells` cells with the values drawn from 0 to `top`, spread over the whole width.

    A missing value is a gap. The same arguments cost nothing twice; at most 2 values a cell are worth drawing.
    Before plotext is loaded the lines are blank.
    """
    return _curve(values, cells, height, top, ascii) if _loaded else (" " * cells,) * height


@lru_cache(maxsize=4)
def _curve(values: tuple[float | None, ...], cells: int, height: int, top: float, ascii: bool) -> tuple[str, ...]:
    figure = _loaded[0].figure
    figure.clear()
    figure.plot_size(cells, height)
    figure.axes(False)
    for axis in ("x", "y"):
        for side in (0, 1):
            figure.ruler(axis, side).frequency(0)
    figure.ruler("x", 0).lim(0, max(1, len(values) - 1))
    figure.ruler("y", 0).lim(0, top)
    for xs, ys in _unbroken(values):
        figure.draw(figure.signal(xs, ys, marker="*" if ascii else "braille").lines(True))
    text: str = figure.build().string(colorless=True)
    return tuple(line[:cells].ljust(cells) for line in text.split("\n")[:height])


def _unbroken(values: tuple[float | None, ...]) -> list[tuple[list[int], list[float]]]:
    """Return the runs of values that are there, as x and y."""
    runs: list[tuple[list[int], list[float]]] = []
    fresh = True
    for x, value in enumerate(values):
        if value is None:
            fresh = True
            continue
        if fresh:
            runs.append(([], []))
            fresh = False
        runs[-1][0].append(x)
        runs[-1][1].append(value)
    return runs


def nice(value: float, step: float = 10.0) -> float:
    """Return the next 1, 2 or 5 times a power of 10 (or 1, 2, 4 … times one of 1024), so that a scale stands still."""
    if value <= 0:
        return 1.0
    size = 1.0
    while size * step <= value:
        size *= step
    while size > value:
        size /= step
    factors = (1, 2, 5, 10) if step == 10.0 else tuple(1 << power for power in range(11))
    return next(size * factor for factor in factors if size * factor >= value * 0.9999)
