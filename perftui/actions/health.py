"""The health report of what this agent watches."""

from perftui.actions.contract import Ground
from perftui.core.clock import Clock
from perftui.core.health import Health, HealthReport


def health_of(ground: Ground, clock: Clock) -> HealthReport:
    """Return how the whole stands now, from the latest readings."""
    return HealthReport(status=Health.UNKNOWN, at=clock.wall())
