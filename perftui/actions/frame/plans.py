"""The plans that were previewed and can still be applied: bounded, and gone once they are too old."""

import asyncio
from typing import Any, NamedTuple

from perftui.core.action import Plan
from perftui.core.clock import Clock
from perftui.core.errors import Refused
from perftui.core.units import size

MOST_PLANS = 64
MOST_WEIGHT = 256 << 20
_KEPT_EXPIRED = 600.0


class Previewed(NamedTuple):
    """A plan, and what its action goes by beyond it, which takes `weight` bytes of memory."""

    plan: Plan
    work: Any
    weight: int


class PlanStore:
    """Keeps 64 plans by id, with at most 256 MiB of work, as far as that is known.

    Expired ones stay a little, without their work, so that the guard can say that it is their age.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._plans: dict[str, Previewed] = {}

    def add(self, plan: Plan, work: Any, weight: int = 0) -> None:
        """Keep a plan; the oldest leave. Raises Refused where its work alone is too much. Needs a running loop."""
        if weight > MOST_WEIGHT:
            reason = f"its targets take {size(weight)} of memory, and previews may hold {size(MOST_WEIGHT)}"
            raise Refused("limits", reason, "narrow it")
        self._sweep()
        while len(self._plans) >= MOST_PLANS:
            del self._plans[next(iter(self._plans))]
        self._make_room(weight)
        self._plans[plan.id] = Previewed(plan, work, weight)
        self._sweep_at(plan.expires)

    def get(self, plan: str) -> Previewed | None:
        """Return a plan by its id."""
        return self._plans.get(plan)

    def drop(self, plan: str) -> None:
        """Let go of a plan: it runs."""
        self._plans.pop(plan, None)

    def _make_room(self, weight: int) -> None:
        room = MOST_WEIGHT - weight - sum(each.weight for each in self._plans.values())
        for key, each in list(self._plans.items()):
            if room >= 0:
                return
            if each.weight:
                room += each.weight
                del self._plans[key]

    def _sweep_at(self, expires: float) -> None:
        """Sweep at a time of the clock, also when nobody asks for anything any more."""
        left = expires - self._clock.monotonic()
        if left > 0:
            asyncio.get_running_loop().call_later(left, self._sweep_at, expires)
        else:
            self._sweep()

    def _sweep(self) -> None:
        now = self._clock.monotonic()
        self._plans = {
            key: each if now < each.plan.expires else Previewed(each.plan, None, 0)
            for key, each in self._plans.items()
            if now - each.plan.expires < _KEPT_EXPIRED
        }
