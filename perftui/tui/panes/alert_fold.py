"""Many alerts of one rule as one row, so that one cause does not fill the pane."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from perftui.core.alert import Alert
from perftui.tui.panes.alert_words import word_of

MOST = 4
"""Alerts of one rule, on one source or one each on many, that still have rows of their own."""


class Fold(NamedTuple):
    """Alerts that stand together under one identity."""

    id: str
    alerts: tuple[Alert, ...]


def folded(alerts: Iterable[Alert]) -> Iterator[Alert | Fold]:
    """Yield the alerts in their order, those that are many of one rule as one fold in the place of the first.

    What is critical never hides among warnings, nor what nobody takes care of among what is acked or held back.
    """
    ordered = list(alerts)
    groups: dict[tuple[object, ...], list[Alert]] = {}
    for alert in ordered:
        groups.setdefault(_cause(alert), []).append(alert)
    folds = {id(alert): fold for group in groups.values() for fold in _folds(group) for alert in fold.alerts}
    seen: set[str] = set()
    for alert in ordered:
        found = folds.get(id(alert))
        if found is None:
            yield alert
        elif found.id not in seen:
            seen.add(found.id)
            yield found


def _folds(group: list[Alert]) -> Iterator[Fold]:
    """Yield the folds of one rule: of all its alerts, or where few sources have them of each source that has many."""
    sources = dict.fromkeys(alert.source for alert in group)
    if len(group) <= MOST:
        return
    if len(sources) > MOST:
        yield _fold(group, "*")
        return
    for source in sources:
        here = [alert for alert in group if alert.source == source]
        if len(here) > MOST:
            yield _fold(here, source)


def _fold(group: list[Alert], where: str) -> Fold:
    """Return a fold whose identity stays while its alerts come and go."""
    return Fold(f"fold {' '.join(map(str, _cause(group[0])))} {where}", tuple(group))


def _cause(alert: Alert) -> tuple[object, ...]:
    return word_of(alert), alert.severity, bool(alert.mutes), alert.ack is not None, alert.rule
