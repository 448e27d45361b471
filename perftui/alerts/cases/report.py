"""What a failed case says: when, what was expected, what there was instead, and what the rule looked at."""

from collections.abc import Iterable, Iterator, Mapping

from perftui.alerts.cases.file import Expected
from perftui.alerts.cases.runner import Mismatch, Outcome
from perftui.config.duration import Duration
from perftui.core.alert import Alert
from perftui.core.metric import Metric
from perftui.core.units import seconds, show_metric


def lines_of(outcome: Outcome, known: Mapping[str, Metric]) -> Iterator[str]:
    """Yield the lines of a failed case."""
    last = None
    for mismatch in outcome.mismatches:
        if mismatch.at != last:
            yield f"  at {Duration(mismatch.at).text}"
            last = mismatch.at
        yield f"    - expected  {_wanted(mismatch.expected)}"
        yield f"    + got       {_found(mismatch.got)}"
        for reason in _reasons(mismatch, known):
            yield f"      {reason}"


def _wanted(expected: Expected | int | None) -> str:
    if expected is None:
        return "no other alert"
    if isinstance(expected, int):
        return _notifications(expected)
    loud = {None: "", True: "muted", False: "loud"}[expected.muted]
    given = ", ".join(filter(None, (expected.state, expected.severity, loud)))
    summary = "" if expected.summary is None else f': "{expected.summary}"'
    return f"{_name(expected.rule, expected.source, expected.attributes)} {given}{summary}"


def _found(alert: Alert | int | None) -> str:
    if alert is None:
        return "nothing of it"
    if isinstance(alert, int):
        return _notifications(alert)
    words = [alert.state, alert.severity, "muted" if alert.mutes else "loud"]
    return f'{_name(alert.rule, alert.source, dict(alert.attributes))} {", ".join(words)}: "{alert.summary}"'


def _reasons(mismatch: Mismatch, known: Mapping[str, Metric]) -> Iterable[str]:
    alert = mismatch.got
    if isinstance(alert, Alert):
        yield f"looks at {alert.why or alert.metric}: {alert.value_text}, {alert.direction} {alert.level_text}".rstrip()
        if alert.hold:
            yield f"fires after {seconds(alert.hold)}"
        yield from (f"muted: {mute.reason}" for mute in alert.mutes)
    for series, value in mismatch.values:
        shown = value if isinstance(value, str) else show_metric(known[series.metric], value)
        where = ", ".join(f"{name}={text}" for name, text in series.attributes)
        yield f"{series.metric}{f' {{{where}}}' if where else ''} was {shown} then"


def _name(rule: str, source: str, attributes: Mapping[str, str]) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in attributes.items())
    return f"{rule} on {source}{f' {{{labels}}}' if labels else ''}"


def _notifications(count: int) -> str:
    return f"{count} notification{'' if count == 1 else 's'} so far"
