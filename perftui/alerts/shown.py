"""An episode as the alert that travels: with its figures and its summary in words."""

from typing import NamedTuple

from perftui.alerts.episode import Episode
from perftui.alerts.watch import Compiled
from perftui.core.alert import Alert, AlertState
from perftui.core.series import Attributes
from perftui.core.units import show_metric

DEFAULT_SUMMARY = "{metric} {value} {direction} {level}"
DEFAULT_ABSENCE = "{metric} has not come for {value}"


class Origin(NamedTuple):
    """The kind of a source, and the host that it is on."""

    kind: str = ""
    host: str = ""


def alert_of(
    episode: Episode, compiled: Compiled, origin: Origin, state: AlertState | None = None, ended: float | None = None
) -> Alert:
    """Return it as it travels; `state` is its own when none is given, `ended` the wall time of its end."""
    rule, level = compiled.rule, compiled.rule.level(episode.severity)
    return Alert(
        rule=rule.name,
        source=episode.source,
        metric=rule.metric,
        attributes=episode.attributes,
        kind=origin.kind,
        host=origin.host,
        state=state or _state(episode),
        severity=episode.severity,
        value=episode.value,
        level=level,
        value_text=str(show_metric(compiled.metric, episode.value)),
        level_text="" if level is None else str(show_metric(compiled.metric, level)),
        direction=rule.direction,
        summary=_summary(episode, compiled, level),
        why=compiled.why,
        began=episode.started,
        hold=float(rule.hold),
        since=episode.since,
        well_since=episode.well_since,
        clears_after=episode.clears_after if episode.firing else 0.0,
        resolved_at=ended,
        remedies=rule.remedies,
        notify=rule.notify,
        cooldown=float(rule.cooldown),
        runbook=rule.runbook,
    )


def key_of(rule: str, source: str, attributes: Attributes) -> str:
    """Return the stable identity of an alert."""
    return Alert(rule=rule, source=source, metric="", attributes=attributes).key


def _state(episode: Episode) -> AlertState:
    if not episode.firing:
        return AlertState.PENDING
    return AlertState.FIRING if episode.known else AlertState.UNKNOWN


def _summary(episode: Episode, compiled: Compiled, level: float | None) -> str:
    """Return what happened, with the figures of when it last was so."""
    rule = compiled.rule
    template = rule.summary or (DEFAULT_SUMMARY if rule.absent_for is None else DEFAULT_ABSENCE)
    words = {
        "metric": rule.metric,
        "source": episode.source,
        "direction": rule.direction,
        "value": str(show_metric(compiled.metric, episode.bad_value)),
        "level": "" if level is None else str(show_metric(compiled.metric, level)),
    }
    return template.format_map(_Words({**dict(episode.attributes), **words, **episode.words}))


class _Words(dict[str, str]):
    """The words of a summary; one that this series does not have is empty."""

    def __missing__(self, _name: str) -> str:
        return ""
