"""The values of a series as they are written in test cases: Prometheus' notation, one value for each interval.

1 2 3      these values                   0+10x60    0, then 60 more, each 10 above the one before
5x3        5, then 3 more                 90-2x10    90, then 10 more, each 2 below the one before
_  _x5     no sample; five times none     stale      from here the figures of the source are too old,
                                          failing    or its polls fail, until a value comes again

Spaces stand between them.
"""

import math
import re

from perftui.core.status import SourceState

Value = float | SourceState | None
"""A sample, none, or what became of the whole source (`STALE` or `FAILING`)."""

LONGEST = 100_000
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?"
_PART = re.compile(rf"(?P<start>{_NUMBER})(?P<step>[-+](?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?)?(?:x(?P<more>\d+))?")
_MISSING = re.compile(r"_(?:x(?P<times>\d+))?")
_SOURCE = {"stale": SourceState.STALE, "failing": SourceState.FAILING}


def parse(text: str) -> list[Value]:
    """Return the values that `text` says. Raises ValueError with the part that is wrong and what would be right."""
    values: list[Value] = []
    state: SourceState | None = None
    for part in text.split():
        if part in _SOURCE:
            state = _SOURCE[part]
            values.append(state)
        elif missing := _MISSING.fullmatch(part):
            values += [state] * _times(part, missing["times"] or "1")
        else:
            state = None
            values += _samples(part)
        if len(values) > LONGEST:
            raise ValueError(f"are more than {LONGEST}; take a longer interval")
    if not values:
        raise ValueError('are none; write them like "0.5x10 0.9x30"')
    return values


def at(values: list[Value], step: int) -> Value:
    """Return the value of one step; behind the last none, or what the source had become by then."""
    if step < len(values):
        return values[step]
    return values[-1] if isinstance(values[-1], SourceState) else None


def _samples(part: str) -> list[Value]:
    found = _PART.fullmatch(part)
    if not found or (found["step"] and found["more"] is None):
        raise ValueError(f'have "{part}" in them; write 5, 5x3, 0+10x60, 90-2x10, _, _x5, stale or failing')
    start, step = float(found["start"]), float(found["step"] or 0.0)
    more = _times(part, found["more"] or "0")
    if not math.isfinite(start + step * more):
        raise ValueError(f'have "{part}" in them, which is beyond what any metric can reach')
    return [start + step * number for number in range(more + 1)]


def _times(part: str, digits: str) -> int:
    if len(digits) > len(str(LONGEST)) or int(digits) > LONGEST:
        raise ValueError(f'have "{part}" in them, which are more than {LONGEST}; take a longer interval')
    return int(digits)
