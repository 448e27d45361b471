"""What the console is shown of the alerts: ordered, counted and bounded."""

from collections.abc import Iterable, Sequence
from itertools import islice

from perftui.core.alert import Alert, AlertState, Level, Severity, Silence, Stage
from perftui.core.wire import AlertCounts, AlertsView, Delivery

MOST_FIRING = 250
MOST_PENDING = 50
MOST_ENDED = 100


def alerts_view(
    firing: Sequence[Alert],
    pending: Sequence[Alert],
    ended: Iterable[Alert],
    silences: tuple[Silence, ...],
    levels: tuple[Level, ...],
    delivery: Delivery,
) -> AlertsView:
    """Return the view; `ended` comes newest first."""
    return AlertsView(
        firing=tuple(sorted(firing, key=_rank)[:MOST_FIRING]),
        pending=tuple(sorted(pending, key=_rank)[:MOST_PENDING]),
        log=tuple(islice(ended, MOST_ENDED)),
        silences=silences,
        levels=levels,
        counts=_counts(firing, len(pending)),
        delivery=delivery,
    )


def _rank(alert: Alert) -> tuple[bool, int, str]:
    """Return where an alert stands: what calls somebody first, then the worst, then by name."""
    return bool(alert.mutes), -alert.severity.rank, alert.key


def _counts(firing: Sequence[Alert], pending: int) -> AlertCounts:
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
    )
