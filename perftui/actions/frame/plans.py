"""The plans that were previewed and can still be applied: bounded, and gone once they are too old."""

from typing import Any, NamedTuple

from perftui.core.action import Plan
from perftui.core.clock import Clock

MOST_PLANS = 64
_KEPT_EXPIRED = 600.0


class Previewed(NamedTuple):
    """A plan, and what its action goes by beyond it."""

    plan: Plan
    work: Any


class PlanStore:
    """Keeps plans by id. Expired ones stay a little, so that the guard can say that it is their age."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._plans: dict[str, Previewed] = {}

    def add(self, plan: Plan, work: Any) -> None:
        """Keep a plan; the oldest leave."""
        now = self._clock.monotonic()
        self._plans = {
            key: each if now < each.plan.expires else Previewed(each.plan, None)  # what may be large goes first
            for key, each in self._plans.items()
            if now - each.plan.expires < _KEPT_EXPIRED
        }
        while len(self._plans) >= MOST_PLANS:
            del self._plans[next(iter(self._plans))]
        self._plans[plan.id] = Previewed(plan, work)

    def get(self, plan: str) -> Previewed | None:
        """Return a plan by its id."""
        return self._plans.get(plan)

    def drop(self, plan: str) -> None:
        """Let go of a plan: it runs."""
        self._plans.pop(plan, None)
