"""Alerts as they travel: what fires, since when, at which value, and what holds it back."""

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


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody has seen it and takes care; holds until the alert is over. `at` is wall seconds."""

    author: str
    at: float
    note: str = ""


class Stage(StrEnum):
    """What can keep a firing alert from calling anybody."""

    SILENCE = "silence"
    INHIBITION = "inhibition"


class Mute(msgspec.Struct, frozen=True, kw_only=True):
    """One stage that holds an alert back, and why, in words for the screen."""

    stage: Stage
    reason: str


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts with these labels call nobody for a time. A snooze is a silence of exactly one alert.

    `created` and `until` are wall seconds for display; `expires` is the agent's monotonic time, which decides.
    `origin` names the system that it came from, empty for our own. `holds` is how many alerts that fire agree with it,
    as far as whoever made it knows: it is no part of what a silence is.
    """

    id: str
    matchers: dict[str, str]
    author: str
    comment: str = ""
    created: float
    until: float
    expires: float
    origin: str = ""
    holds: int = 0


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One rule on one series.

    `since` and `resolved_at` are wall seconds; `since` is when it began to fire. `began` is when its condition began,
    `well_since` since when it has been well, `seen` when there was the last verdict on it, all in the agent's monotonic
    seconds; it fires after `hold` seconds and is resolved after `clears_after` well ones. `kind` and `host` are of its
    source. `value_text` and `level_text` are for people: the unit may not be the metric's (a change per second, a
    share). `why` says in words what the rule looks at. `notes` say what became of its notifications.
    `clear` is the value of the series at which it is well again, None where the series alone does not tell (a change
    per second, a share, other metrics that count).
    """

    rule: str
    source: str
    metric: str
    attributes: Attributes = ()
    kind: str = ""
    host: str = ""
    state: AlertState = AlertState.OK
    severity: Severity = Severity.WARNING
    value: float | None = None
    level: float | None = None
    clear: float | None = None
    value_text: str = ""
    level_text: str = ""
    direction: str = "above"
    summary: str = ""
    why: str = ""
    began: float | None = None
    hold: float = 0.0
    since: float | None = None
    well_since: float | None = None
    seen: float | None = None
    clears_after: float = 0.0
    resolved_at: float | None = None
    ack: Ack | None = None
    mutes: tuple[Mute, ...] = ()
    notes: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    cooldown: float = 0.0
    runbook: str = ""

    @property
    def key(self) -> str:
        """Return the stable identity of the alert: `rule/source/name=value,name=value`."""
        labels = ",".join(f"{_label_word(name)}={_label_word(value)}" for name, value in self.attributes)
        return f"{_word(self.rule)}/{_word(self.source)}/{labels}"

    @property
    def labels(self) -> dict[str, str]:
        """Return what matchers look at; its own words win over an attribute of the same name."""
        return dict(self.attributes) | {
            "rule": self.rule,
            "source": self.source,
            "metric": self.metric,
            "severity": self.severity.value,
            "kind": self.kind,
            "host": self.host,
        }


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """The levels of a rule on a metric, for the marks on bars and charts."""

    metric: str
    direction: str
    warning: float | None = None
    critical: float | None = None


class RuleInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the console shows of a rule and lets edit; levels and durations as one would write them in TOML.

    `origin` is the file that has the last word on it; `changed` when that is not the file of the defaults.
    """

    name: str
    metric: str
    direction: str = "above"
    info: str = ""
    warning: str = ""
    critical: str = ""
    clear: str = ""
    hold: str = ""
    enabled: bool = True
    summary: str = ""
    why: str = ""
    origin: str = ""
    changed: bool = False


def _word(text: str) -> str:
    """Return a name with what would end it in a key marked, so that no two alerts share a key."""
    return text.replace("\\", "\\\\").replace("/", "\\/")


def _label_word(text: str) -> str:
    """Return the same of a label; a path needs no marks here, as nothing follows the labels."""
    return text.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")
