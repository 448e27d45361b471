"""Absence: a metric that a source which answers does not give."""

from perftui.alerts.evaluation.ledger import Ledger
from perftui.alerts.evaluation.watched import Presence, Source
from perftui.core.alert import AlertState


def judge_absence(presence: Presence, source: Source, ledger: Ledger, now: float, wall: float) -> None:
    """Judge how long the metric has not come, counted from when the source was last found healthy at the earliest.

    A source that does not answer says nothing, and a rule for any source is only about those that ever gave the metric.
    """
    given, check = presence.seen, presence.check
    episode = presence.open.get(check.name)
    if source.healthy_since is None or (given is None and episode is None and not check.rule.sources):
        return
    if given is not None and given != presence.judged:
        presence.judged = given
        if episode is None:
            return
        if episode.firing and not episode.well(now - given, now):
            ledger.note(episode)
        else:
            ledger.end(episode, AlertState.RESOLVED)
        return
    since = max(given or 0.0, source.healthy_since)
    gap = now - since
    if gap <= min(check.hold, source.patience):
        return
    if episode is None:
        episode = ledger.begin(check, source, presence, (), since)
    if episode is not None:
        episode.bad(check.bounds[0][1], gap, {}, now, wall)
        ledger.note(episode)
