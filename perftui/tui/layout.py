"""Where each pane stands, by the size of the terminal: a pure function, and Textual's layout around it."""

from collections.abc import Mapping
from typing import NamedTuple

WIDE, LOW = 100, 30
"""Below this width or height the panes stack as tabs."""
TINY = (40, 12)
"""Below this width or height there is one line of status."""
THREE_ACROSS, FOUR_ACROSS = 150, 220
_ALERTS = 12
"""Lines of alerts beyond which what is left goes to other panes."""
_ALERTS_BESIDE = 8
"""Lines of alerts where the processes stand above them."""
_SESSIONS = 6
"""Lines from which the sessions are worth a pane."""
_PROCESSES = 8
"""Lines from which the processes are worth a pane of the overview."""
PANES = (
    "system", "history", "queues", "caches", "databases", "services", "endpoints", "sessions", "actions", "alerts",
    "processes",
)  # fmt: skip
TABS = ("system", "queues", "caches", "databases", "services", "endpoints", "history")
_WHERE_THERE = ("services", "endpoints")
"""The tabs that stand there only when there is something in them."""


class Box(NamedTuple):
    """Left, top, width and height in cells."""

    x: int
    y: int
    width: int
    height: int


Boxes = dict[str, Box]


def is_tiny(width: int, height: int) -> bool:
    """Return whether there is room for one line of status only."""
    return width < TINY[0] or height < TINY[1]


def is_narrow(width: int, height: int) -> bool:
    """Return whether the panes stack as tabs."""
    return width < WIDE or height < LOW


def tabs(needs: Mapping[str, int]) -> tuple[str, ...]:
    """Return the panes that stack as tabs; `needs` says how many rows a pane has."""
    return tuple(pane for pane in TABS if pane not in _WHERE_THERE or needs.get(pane))


def arrange(width: int, height: int, screen: str, focus: str, maximised: bool, needs: Mapping[str, int]) -> Boxes:
    """Return the box of everything that is drawn; `needs` says how many rows a pane has, 0 for one left out.

    `header` is the first line, `keys` the last, `tabs` the second where panes stack; the rest are panes.
    """
    if is_tiny(width, height):
        return {"header": Box(0, 0, width, height)}
    boxes = {"header": Box(0, 0, width, 1), "keys": Box(0, height - 1, width, 1)}
    body = Box(0, 1, width, height - 2)
    if maximised:
        return boxes | {focus: body}
    if screen == "host":
        return boxes | _host(body, needs)
    if screen == "databases":
        return boxes | _databases(body, needs)
    if screen == "services":
        return boxes | _services(body, needs)
    if screen == "actions":
        return boxes | {screen: body}
    if screen != "overview":
        return boxes | _with_alerts(body, screen)
    if is_narrow(width, height):
        boxes["tabs"] = Box(0, 1, width, 1)
        shown = focus if focus in TABS else "system"
        return boxes | _with_alerts(Box(0, 2, width, height - 3), shown)
    return boxes | _overview(body, needs)


def _with_alerts(body: Box, pane: str) -> Boxes:
    if pane == "alerts":
        return {pane: body}
    alerts = min(max(6, body.height // 3), 12)
    upper, lower = _cut(body, body.height - alerts)
    return {pane: upper, "alerts": lower}


def _databases(body: Box, needs: Mapping[str, int]) -> Boxes:
    """Return the databases with their sessions below, where there is room for both."""
    boxes = _with_alerts(body, "databases")
    upper, lower = _cut(boxes["databases"], max(4, min(needs["databases"] + 3, boxes["databases"].height // 2)))
    return boxes | {"databases": upper, "sessions": lower} if lower.height >= _SESSIONS else boxes


def _services(body: Box, needs: Mapping[str, int]) -> Boxes:
    """Return the services with the HTTP endpoints below, where there are any and there is room for both."""
    boxes = _with_alerts(body, "services")
    if not needs.get("endpoints"):
        return boxes
    upper, lower = _cut(boxes["services"], max(4, boxes["services"].height - needs["endpoints"] - 3))
    return boxes | {"services": upper, "endpoints": lower} if upper.height >= _SESSIONS else boxes


def _host(body: Box, needs: Mapping[str, int]) -> Boxes:
    if is_narrow(body.width, body.height + 2):
        return {"processes": body}
    upper, lower = _cut(body, min(needs["system"] + 2, body.height // 2))
    return _across(upper, ("system", "history"), (1, 1)) | {"processes": lower}


def _overview(body: Box, needs: Mapping[str, int]) -> Boxes:
    tables = [pane for pane in ("queues", "caches", "databases", "endpoints") if needs.get(pane)]
    top = min(needs["system"] + 2, max(8, body.height * 2 // 5))
    bands = _bands(tables, body.width, body.height - top - _ALERTS, needs)
    top += max(0, min(6, body.height - top - _wanted(bands, needs) - _ALERTS))
    room = body.height - top - 7
    boxes: Boxes = {}
    upper, rest = _cut(body, top)
    boxes |= _across(upper, ("system", "history"), (1, 1))
    for index, band in enumerate(bands):
        wanted = max(needs[pane] for pane in band) + 3
        share = room // (len(bands) - index)
        high = max(4, min(wanted, share if index < len(bands) - 1 else room))
        room -= high
        part, rest = _cut(rest, high)
        boxes |= _across(part, band, tuple(_WEIGHT[pane] for pane in band) if len(band) > 2 else (1,) * len(band))
    if rest.height >= _PROCESSES + _ALERTS_BESIDE:
        boxes["processes"], rest = _cut(rest, rest.height - _ALERTS_BESIDE)
    return boxes | {"alerts": rest}


_WEIGHT = {"queues": 20, "caches": 17, "databases": 17, "endpoints": 14}


def _bands(tables: list[str], width: int, room: int, needs: Mapping[str, int]) -> list[tuple[str, ...]]:
    """Return the rows of tables: two across, where more columns fit, unless only more across fit the height."""
    most = 4 if width >= FOUR_ACROSS else 3 if width >= THREE_ACROSS else 2
    for across in range(2, most + 1):
        bands = [tuple(tables[start : start + across]) for start in range(0, len(tables), across)]
        if _wanted(bands, needs) <= room:
            break
    return bands


def _wanted(bands: list[tuple[str, ...]], needs: Mapping[str, int]) -> int:
    return sum(max(needs[pane] for pane in band) + 3 for band in bands)


def _cut(box: Box, at: int) -> tuple[Box, Box]:
    return box._replace(height=at), Box(box.x, box.y + at, box.width, box.height - at)


def _across(box: Box, panes: tuple[str, ...], weights: tuple[int, ...]) -> Boxes:
    boxes, x, left = {}, box.x, box.width
    for index, pane in enumerate(panes):
        wide = left if index == len(panes) - 1 else box.width * weights[index] // sum(weights)
        boxes[pane] = Box(x, box.y, wide, box.height)
        x, left = x + wide, left - wide
    return boxes
