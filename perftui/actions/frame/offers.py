"""What is on offer: in the picker of a key, on a source, or against an alert, the best first."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from perftui.actions.contract import Action, Ask, Ground
from perftui.config.settings import SourceSettings
from perftui.core.action import Offer
from perftui.core.alert import Alert
from perftui.core.errors import PerftuiError
from perftui.core.text import clean

MOST_OFFERS = 200


class Offers:
    """Asks every action what it offers; reads nothing but the ground. `locked` says why a source is read-only."""

    def __init__(self, actions: Mapping[str, Action], ground: Ground, locked: Callable[[SourceSettings], str]) -> None:
        self._actions = actions
        self._ground = ground
        self._locked = locked

    def find(self, key: str, source: str, alert: Alert | None, params: Mapping[str, str]) -> tuple[Offer, ...]:
        """Return at most 200 offers; against an alert those that its rule names stand first."""
        found = self._all(Ask(alert, params), source) if alert is None else self._against(alert, source, params)
        wanted = (offer for offer in found if key in ("", self._actions[offer.action].info.key))
        distinct: dict[tuple[object, ...], Offer] = {}
        for each in wanted:
            distinct.setdefault((each.action, each.target, *sorted(each.params.items())), each)
            if len(distinct) >= MOST_OFFERS:
                break
        return tuple(distinct.values())

    def _against(self, alert: Alert, source: str, params: Mapping[str, str]) -> Iterator[Offer]:
        """Yield what the rule names, in its order, then what else serves the alert.

        Where the rule names nothing, what shares its attributes, too; but no job's history is in the way of a queue.
        """
        for remedy in alert.remedies:
            yield from self._named(remedy, alert, source, params)
        every = list(self._all(Ask(alert, params), source))
        yield from (offer for offer in every if _serves(offer, alert))
        if alert.remedies:
            return
        labels = set(alert.attributes)
        near = [offer for offer in every if offer.target == alert.source and labels & set(offer.params.items())]
        is_queue = alert.metric.startswith("queue.")
        yield from (offer for offer in near if not (is_queue and offer.action.startswith("cleanup.")))

    def _named(self, remedy: str, alert: Alert, source: str, params: Mapping[str, str]) -> list[Offer]:
        """Return the offers of `family.verb` or `family.verb:subject`: those for the alert, else wherever it stands."""
        id, _, subject = remedy.partition(":")
        action = self._actions.get(id)
        if action is None:
            return []
        name = action.info.subject
        filled = {**params, name: subject} if subject and name else dict(params)
        found = [
            offer
            for offer in self._of(action, Ask(alert, filled), source)
            if not (subject and name) or offer.params.get(name) == subject
        ]
        near = [offer for offer in found if offer.target == alert.source or _serves(offer, alert)]
        return near or (found if subject or not name else [])

    def _all(self, ask: Ask, source: str) -> Iterator[Offer]:
        for action in self._actions.values():
            yield from self._of(action, ask, source)

    def _of(self, action: Action, ask: Ask, source: str) -> Iterator[Offer]:
        for target in list(self._ground.sources.values()):
            if target.kind in action.info.kinds and source in ("", target.name):
                for offer in _asked(action, target, ask):
                    yield self._as_it_stands(offer, target)

    def _as_it_stands(self, offer: Offer, target: SourceSettings) -> Offer:
        """Return the offer with why it cannot be applied now, or that the target tells nothing.

        The latter blocks nothing: a plan reads its target afresh, and what no longer answers may need it most.
        """
        if (why := self._locked(target)) and not offer.blocked:
            return msgspec.structs.replace(offer, blocked=f"read-only: {why}")
        if self._ground.is_fresh(target.name):
            return offer
        note = f"no fresh readings of {target.name}"
        return msgspec.structs.replace(offer, note="; ".join(filter(None, [offer.note, note])))


def _asked(action: Action, target: SourceSettings, ask: Ask) -> Iterable[Offer]:
    try:
        return action.offers(target, ask)
    except PerftuiError as error:
        return (_broken(action, target, str(error)),)
    except Exception as error:  # noqa: BLE001 - a defect of one action must not hide all others, nor itself
        return (_broken(action, target, f"a defect of perftui: {type(error).__name__}: {error}"),)


def _broken(action: Action, target: SourceSettings, why: str) -> Offer:
    return msgspec.structs.replace(action.offer(target), blocked=clean(why, 200))


def _serves(offer: Offer, alert: Alert) -> bool:
    return any(name in offer.serves for name in (alert.source, *(value for _, value in alert.attributes)))
