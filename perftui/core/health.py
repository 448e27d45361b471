"""The health report: how the whole stands, what is wrong, and what would help."""

from enum import StrEnum

import msgspec

from perftui.core.alert import Severity


class Health(StrEnum):
    """How it stands as a whole; `unknown` while nothing could be judged."""

    HEALTHY = "healthy"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class Priority(StrEnum):
    """How soon a recommendation should be followed."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong: which metric of which source says so, its value and the level, as people read them."""

    severity: Severity
    title: str
    source: str
    metric: str
    value: str
    level: str


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that would help: an action with its target and parameters, or, with no `action`, advice alone."""

    id: str
    title: str
    priority: Priority
    impact: str
    effort: str
    why: str
    action: str = ""
    target: str = ""
    params: dict[str, str] = {}


class HealthReport(msgspec.Struct, frozen=True, kw_only=True):
    """The worst first; `blind` names sources that could not be judged, and why. `at` is wall seconds."""

    status: Health
    at: float
    issues: tuple[Issue, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()
    blind: tuple[str, ...] = ()
