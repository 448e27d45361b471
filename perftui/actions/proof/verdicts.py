"""What proves an action: who watches the readings after it, and how what was seen becomes one verdict."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import msgspec

from perftui.actions.contract import Verdict
from perftui.core.action import Line, Must, Plan, Proof, Watch
from perftui.core.alert import Alert
from perftui.core.metric import Direction
from perftui.core.proof_words import is_switch
from perftui.core.series import SeriesId


class Watcher(Protocol):
    """Follows the watches of a plan through the readings of the engine; a Prover is one."""

    def before(self, plan: Plan) -> Any:
        """Return what the watched series show right before apply."""

    async def watch(self, plan: Plan, before: Any, report: Callable[[tuple[Line, ...]], None]) -> Verdict:
        """Follow them for the plan's window; `report` takes what they show so far."""


def combined(plan: Plan, own: Verdict, watched: Verdict | None) -> Verdict:
    """Return the verdict of the action's own second reading and of the watched series together.

    Worse if either is. That what had to improve has improved, only its readings can say: without any it is not known.
    Where nothing had to, what the action itself has seen counts.
    """
    if watched is None:
        return own
    must_improve = any(watch.must is Must.IMPROVE for watch in plan.watches)
    return Verdict(proof=_combined(own, watched.proof, must_improve=must_improve), lines=(*own.lines, *watched.lines))


def _combined(own: Verdict, watched: Proof, *, must_improve: bool) -> Proof:
    if Proof.WORSE in (own.proof, watched):
        return Proof.WORSE
    if not must_improve:
        return watched if own.proof is Proof.HELD else own.proof
    if watched is Proof.RECOVERED:
        return own.proof if own.caps else watched
    return watched if own.proof in (Proof.RECOVERED, Proof.HELD, watched) else Proof.UNCHANGED


def with_alerts(watches: tuple[Watch, ...], against: Alert | None, firing: Iterable[Alert]) -> tuple[Watch, ...]:
    """Return the watches with one on what the alert fires for that the plan is made against, unless it is among them.

    What must improve has recovered once no alert has a reason to fire for it any more: that is its goal.
    """
    if against is not None and against.level is not None:
        watches = _watching(watches, against)
    goals: dict[tuple[SeriesId, str], list[float]] = {}
    for alert in firing:
        if alert.clear is not None:
            goals.setdefault((_series(alert), _bad(alert)), []).append(alert.clear)
    return tuple(_aiming(watch, goals.get((_series(watch), watch.bad), ())) for watch in watches)


def _watching(watches: tuple[Watch, ...], alert: Alert) -> tuple[Watch, ...]:
    """Return the watches, among which what the alert fires for must improve."""
    series = _series(alert)
    if any(_series(each) == series for each in watches):
        must = {"must": Must.IMPROVE}
        same = [_series(each) == series and not each.beside and each.bad == _bad(alert) for each in watches]
        return tuple(
            msgspec.structs.replace(each, **must) if is_same else each
            for each, is_same in zip(watches, same, strict=True)
        )
    subject = ", ".join(value for name, value in alert.attributes if name != "kind") or alert.source
    watch = Watch(
        label=f"{subject} is up" if is_switch(alert.metric) else f"{alert.metric} of {alert.source}",
        source=alert.source,
        metric=alert.metric,
        attributes=alert.attributes,
        bad=_bad(alert),
        must=Must.IMPROVE,
        goal=alert.clear,
    )
    return (watch, *watches)


def _aiming(watch: Watch, goals: Sequence[float]) -> Watch:
    """Return a watch that must improve with the strictest of these goals and its own."""
    if watch.must is not Must.IMPROVE or watch.beside or not goals:
        return watch
    every = (*goals, *(() if watch.goal is None else (watch.goal,)))
    return msgspec.structs.replace(watch, goal=min(every) if watch.bad == "up" else max(every))


def _series(of: Alert | Watch) -> SeriesId:
    return SeriesId(of.source, of.metric, of.attributes)


def _bad(alert: Alert) -> Direction:
    return "down" if alert.direction == "below" else "up"
