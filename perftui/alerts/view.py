"""What the console is shown of the alerts: ordered, counted and bounded, in number and in bytes."""

from collections.abc import Iterable, Sequence
from itertools import accumulate, islice
from typing import TypeVar

import msgspec

from perftui.core.alert import Alert, AlertState, Level, Severity, Silence, Stage
from perftui.core.wire import AlertCounts, AlertsView, Delivery

MOST_FIRING = 250
MOST_PENDING = 50
MOST_ENDED = 100
_KIB = 1 << 10
ROOM_FIRING, ROOM_PENDING, ROOM_ENDED = 256 * _KIB, 64 * _KIB, 128 * _KIB
ROOM_SILENCES, ROOM_LEVELS = 128 * _KIB, 64 * _KIB
"""Bytes, as they are sent: all of it goes in one line, which a console would refuse if it were longer than MAX_LINE."""

_encode = msgspec.json.Encoder().encode
_Shown = TypeVar("_Shown", Alert, Silence, Level)


def alerts_view(
    firing: Sequence[Alert],
    pending: Sequence[Alert],
    ended: Iterable[Alert],
    silences: tuple[Silence, ...],
    levels: tuple[Level, ...],
    delivery: Delivery,
) -> AlertsView:
    """Return the view; `ended` comes newest first, `silences` the next to end first."""
    return AlertsView(
        firing=_within(ROOM_FIRING, tuple(sorted(firing, key=_rank)[:MOST_FIRING])),
        pending=_within(ROOM_PENDING, tuple(sorted(pending, key=_rank)[:MOST_PENDING])),
        log=_within(ROOM_ENDED, tuple(islice(ended, MOST_ENDED))),
        silences=_within(ROOM_SILENCES, silences),
        levels=_within(ROOM_LEVELS, levels),
        counts=_counts(firing, len(pending), len(silences)),
        delivery=delivery,
    )


def _rank(alert: Alert) -> tuple[bool, int, str]:
    """Return where an alert stands: what calls somebody first, then the worst, then by name."""
    return bool(alert.mutes), -alert.severity.rank, alert.key


def _within(room: int, shown: tuple[_Shown, ...]) -> tuple[_Shown, ...]:
    """Return as many of the first as have room."""
    if len(_encode(shown)) <= room:  # a microsecond each, which is less than it takes to add up their texts
        return shown
    ends = accumulate(len(_encode(each)) + 1 for each in shown)
    return shown[: sum(end < room for end in ends)]


def _counts(firing: Sequence[Alert], pending: int, silences: int) -> AlertCounts:
    loud = [alert.severity for alert in firing if not alert.mutes]
    first = [alert.mutes[0].stage for alert in firing if alert.mutes]
    return AlertCounts(
        critical=loud.count(Severity.CRITICAL),
        warning=loud.count(Severity.WARNING),
        info=loud.count(Severity.INFO),
        silenced=first.count(Stage.SILENCE),
        inhibited=first.count(Stage.INHIBITION),
        acked=sum(alert.ack is not None for alert in firing),
        unknown=sum(alert.state is AlertState.UNKNOWN for alert in firing),
        pending=pending,
        silences=silences,
    )
