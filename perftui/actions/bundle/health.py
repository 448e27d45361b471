"""The health report of what this agent watches."""

from perftui.actions.contract import Ground
from perftui.analysis.health import report
from perftui.core.clock import Clock
from perftui.core.health import HealthReport
from perftui.core.series import SeriesId

RECENT = 60.0
"""Seconds of the past that what comes in bursts is judged by."""


def health_of(ground: Ground, clock: Clock) -> HealthReport:
    """Return how the whole stands now, from the latest readings and the last minute."""
    since = clock.wall() - RECENT

    def recent(series: SeriesId) -> float | None:
        values = [value for wall, value in ground.points(series) if wall >= since and value is not None]
        return sum(values) / len(values) if values else None

    return report(
        ground.sources,
        ground.readings,
        ground.is_fresh,
        ground.settings,
        clock.wall(),
        recent,
        levels=ground.levels(),
        firing=[alert for alert in ground.alerts() if not alert.mutes],
    )
