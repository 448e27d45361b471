"""What proves an action: who watches the readings after it, and how what was seen becomes one verdict."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from perftui.actions.contract import Ground, Verdict
from perftui.core.action import Line, Must, Plan, Proof, Watch
from perftui.core.alert import Alert
from perftui.core.series import SeriesId


class Watcher(Protocol):
    """Follows the watches of a plan through the readings of the engine; a Prover is one."""

    def before(self, plan: Plan) -> Any:
        """Return what the watched series show right before apply."""

    async def watch(self, plan: Plan, before: Any, report: Callable[[tuple[Line, ...]], None]) -> Verdict:
        """Follow them for the plan's window; `report` takes what they show so far."""


_ORDER = (Proof.RECOVERED, Proof.UNCHANGED, Proof.UNKNOWN)


def combined(plan: Plan, own: Verdict, watched: Verdict | None) -> Verdict:
    """Return the verdict of the action's own second reading and of the watched series together.

    Worse if either is. That what had to improve has improved, only its readings can say: without any it is not known.
    """
    if watched is None:
        return own
    seen = {own.proof, watched.proof}
    lines = (*own.lines, *watched.lines)
    must_improve = any(watch.must is Must.IMPROVE for watch in plan.watches)
    if Proof.WORSE in seen:
        proof = Proof.WORSE
    elif must_improve and watched.proof is not Proof.RECOVERED:
        proof = watched.proof if own.proof is Proof.RECOVERED else min(seen, key=_ORDER.index)
    else:
        proof = min(seen, key=_ORDER.index)
    return Verdict(proof=proof, lines=lines)


def with_alert(watches: tuple[Watch, ...], alert: Alert | None, ground: Ground) -> tuple[Watch, ...]:
    """Return the watches with one on what the alert fires for, unless it is watched already.

    Its level is the goal only where the alert looks at the plain value: a change per second or a share of something
    else cannot be read off the series.
    """
    if alert is None or alert.level is None:
        return watches
    series = SeriesId(alert.source, alert.metric, alert.attributes)
    if any((each.source, each.metric, each.attributes) == series for each in watches):
        return watches
    plain = alert.value is not None and _holds(alert.value, (value for _, value in ground.points(series)))
    watch = Watch(
        label=f"{alert.metric} of {alert.source}",
        source=alert.source,
        metric=alert.metric,
        attributes=alert.attributes,
        bad="down" if alert.direction == "below" else "up",
        must=Must.IMPROVE,
        goal=alert.level if plain else None,
    )
    return (watch, *watches)


def _holds(wanted: float, values: Iterable[float | None]) -> bool:
    return any(value == wanted for value in values)
