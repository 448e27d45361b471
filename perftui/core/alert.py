"""Alerts as they travel: what fires, since when, at which value."""

from enum import StrEnum

import msgspec

from perftui.core.series import Attributes


class Severity(StrEnum):
    """How bad it is; ordered by `rank`."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return 0 for info up to 2 for critical."""
        return ("info", "warning", "critical").index(self.value)


class AlertState(StrEnum):
    """Where an alert stands. `unknown` (no data, stale or failing source) never resolves anything."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One rule on one series. `since` and `resolved_at` are wall seconds; `since` is when it began to fire."""

    rule: str
    source: str
    metric: str
    attributes: Attributes = ()
    state: AlertState = AlertState.OK
    severity: Severity = Severity.WARNING
    value: float | None = None
    level: float | None = None
    direction: str = "above"
    summary: str = ""
    since: float | None = None
    resolved_at: float | None = None
    remedies: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return the stable identity of the alert."""
        labels = ",".join(f"{name}={value}" for name, value in self.attributes)
        return f"{self.rule}/{self.source}/{labels}"


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """The levels of a rule on a metric, for the marks on bars and charts."""

    metric: str
    direction: str
    warning: float | None = None
    critical: float | None = None
