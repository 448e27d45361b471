"""An alert, or a row that is none, as Markdown: to be pasted into a chat, a ticket, a report.

Everything that comes from outside stands in a code span that it cannot leave: no name breaks a line, draws a link or
calls anybody. What stands outside of them is ours.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec.structs import replace

from perftui.client.state import Link, State
from perftui.core import units
from perftui.core.alert import Alert, AlertState
from perftui.core.reading import Reading, Sample
from perftui.core.series import Attributes, SeriesId
from perftui.core.text import clean
from perftui.tui.panes.alert_words import (
    is_over,
    level_of,
    mark_of,
    name_of,
    remedy_words,
    series_of,
    standing,
    summary_of,
    took,
    value_of,
    word_of,
)
from perftui.tui.panes.content import Row
from perftui.tui.panes.silence_rows import remaining, words_of
from perftui.tui.panes.state_words import ago, firing, quantity, trouble
from perftui.tui.widgets.text import plain

RECENT = 900.0
"""Seconds of the past that the last values are told of."""
_MOST_ALERTS, _MOST_FIGURES = 20, 100
_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]+")
_TICKS = re.compile("`+")


def code(text: str) -> str:
    """Return text from anywhere as a code span on one line; an empty one is `–`."""
    text = clean(text).strip()
    if not text:
        return units.MISSING
    fence = "`" * (1 + max(map(len, _TICKS.findall(text)), default=0))
    pad = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def link(address: str) -> str:
    """Return a web address that can be followed; anything else as code."""
    return f"<{address}>" if _URL.fullmatch(address) else code(address)


def moment(wall: float | None) -> str:
    """Return epoch seconds as day and time: `2026-11-21 02:14:52 UTC`."""
    return units.MISSING if wall is None else f"{datetime.fromtimestamp(wall, UTC):%Y-%m-%d %H:%M:%S} UTC"


def lasted(state: State, alert: Alert) -> str:
    """Return how long an alert has fired, or fired."""
    end = state.wall if alert.resolved_at is None else alert.resolved_at
    return str(units.seconds(max(0.0, round(end - (alert.since if alert.since is not None else end)))))


def figures(state: State, alert: Alert) -> str:
    """Return the value of an alert and the level that it passed."""
    value, level = code(plain(value_of(state, alert))), plain(level_of(state, alert))
    direction, _, limit = level.partition(" ")
    return f"{value} {direction} {code(limit)}" if level else value


def words_for(alert: Alert) -> str:
    """Return what happens: in the rule's words, else the metric and which one."""
    return code(summary_of(alert) or name_of(alert))


def severity_of(alert: Alert) -> str:
    """Return its mark and how bad it is, would be, or was; who has acknowledged it is told in words."""
    word = "" if word_of(alert) == alert.severity.value else f"{word_of(alert)} "
    return f"{mark_of(replace(alert, ack=None))[0]} {word}{alert.severity.value}"


def acked(alert: Alert) -> str:
    """Return who takes care of an alert and what they say; empty where nobody does."""
    if alert.ack is None:
        return ""
    note = f": {code(alert.ack.note)}" if alert.ack.note else ""
    return f"acked by {code(alert.ack.author)} at {moment(alert.ack.at)}{note}"


def as_of(state: State) -> str:
    """Return the last line: of which moment this is, of which host, and whether it was the present."""
    host = f" on {code(state.welcome.host)}" if state.welcome is not None else ""
    late = "" if state.link is Link.LIVE else f"; **the agent does not answer**: {code(state.link_note)}"
    return f"as of {moment(state.wall)}, perftui{host}{late}"


def alert_text(state: State, alert: Alert) -> str:
    """Return everything that somebody who does not sit here has to know of an alert."""
    facts = [
        ("state", _state(state, alert)),
        ("since", f"{moment(alert.since)}, for {lasted(state, alert)}" if alert.since is not None else ""),
        ("ended", moment(alert.resolved_at) if alert.resolved_at is not None else ""),
        ("value", figures(state, alert)),
        ("looks at", code(alert.why) if alert.why else ""),
        ("metric", " ".join([code(alert.metric), *(code(f"{name}={value}") for name, value in alert.attributes)])),
        ("last 15 min", _recent(state, series_of(alert))),
        ("source", _source(state, alert.source, alert.kind, alert.host)),
        ("rule", code(alert.rule)),
        ("ack", acked(alert)),
        *(("held back", code(mute.reason)) for mute in alert.mutes),
        *(("notified", code(note)) for note in alert.notes),
        *(("remedy", code(remedy_words(state, remedy))) for remedy in alert.remedies),
        ("runbook", link(alert.runbook) if alert.runbook else ""),
    ]
    others = [each for each in firing(state, alert.source) if each.key != alert.key]
    return _text(_title(alert), [*bullets(facts), *also_firing(state, others)], as_of(state))


def folded_text(state: State, alerts: Iterable[Alert]) -> str:
    """Return many alerts of one rule, a line each."""
    alerts = tuple(alerts)
    title = f"## {severity_of(alerts[0])}: {len(alerts)} × {code(alerts[0].rule)}"
    return _text(title, [f"- {alert_line(state, alert)}" for alert in alerts], as_of(state))


def row_text(state: State, row: Row) -> str:
    """Return the facts of a row that is no alert: what it shows, its source, its figures, what fires there."""
    if row.silence is not None:
        silence = row.silence
        facts = [
            ("by", code(silence.author) + (f" in {code(silence.origin)}" if silence.origin else "")),
            ("until", f"{moment(silence.until)}, {remaining(state, silence)}"),
            ("comment", code(silence.comment) if silence.comment else ""),
        ]
        return _text(f"## Silence of {code(words_of(silence.matchers))}", bullets(facts), as_of(state))
    shown = [f"- shown: {code(' '.join(plain(line).split()))}" for line in row.lines]
    labels = [code(f"{name}={value}") for name, value in (row.series.attributes if row.series else ())]
    title = " ".join(["##", code(row.source or row.id), *labels])
    status, reading = state.sources.get(row.source), state.readings.get(row.source)
    lines = list(shown)
    if status is not None:
        ills = trouble(state, status)
        lines += bullets(
            [
                ("source", _source(state, status.name, status.kind, "")),
                ("state", status.state.value + (f", {code(ills)}" if ills else "")),
                ("read", ago(state.age(status.name))),
            ]
        )
    if reading is not None:
        lines += bullets([(code(name), code(text)) for name, text in sorted(reading.facts.items())])
        lines += _figures(state, reading, row.series)
    attributes = row.series.attributes if row.series else ()
    return _text(title, [*lines, *also_firing(state, firing(state, row.source, attributes), "firing")], as_of(state))


def alert_line(state: State, alert: Alert) -> str:
    """Return an alert on one line: how bad, where, what, since when, at which value, who has it."""
    parts = [
        f"{severity_of(alert)} {code(alert.source)} {words_for(alert)}",
        figures(state, alert),
        f"since {moment(alert.since)} ({lasted(state, alert)})" if alert.since is not None else "",
        _unseen(state, alert),
        acked(alert),
        *(f"held back: {code(mute.reason)}" for mute in alert.mutes),
    ]
    return ", ".join(filter(None, parts))


def also_firing(state: State, alerts: list[Alert], title: str = "also firing on it") -> list[str]:
    """Return the alerts that fire on the same source, below a line that says so; nothing where there are none."""
    if not alerts:
        return []
    more = len(alerts) - _MOST_ALERTS
    lines = [f"- {title}:", *(f"  - {alert_line(state, alert)}" for alert in alerts[:_MOST_ALERTS])]
    return [*lines, f"  - and {more} more"] if more > 0 else lines


def bullets(facts: Iterable[tuple[str, str]]) -> list[str]:
    """Return a line for each fact that has something to say."""
    return [f"- {label}: {text}" for label, text in facts if text]


def _text(title: str, lines: list[str], end: str) -> str:
    return "\n".join([title, "", *lines, "", end, ""])


def _title(alert: Alert) -> str:
    return f"## {severity_of(alert)}: {code(alert.source)} {words_for(alert)}"


def _state(state: State, alert: Alert) -> str:
    if is_over(alert):
        word = "resolved" if alert.state is AlertState.RESOLVED else "lost from sight"
        return f"{word}, was {alert.severity.value}"
    progress = took(state, alert, 40) if alert.state is AlertState.PENDING else _unseen(state, alert)
    word = "firing" if alert.state is AlertState.UNKNOWN else alert.state.value
    return ", ".join(filter(None, [word, alert.severity.value, progress]))


def _unseen(state: State, alert: Alert) -> str:
    """Return that it is out of sight, or about to clear, where one of these is so."""
    return "" if is_over(alert) else standing(state, replace(alert, ack=None, mutes=()))


def _source(state: State, name: str, kind: str, host: str) -> str:
    status = state.sources.get(name)
    address = f" at {code(status.address)}" if status is not None and status.address else ""
    kind = kind or (status.kind if status is not None else "")
    where = f" on host {code(host)}" if host else ""
    return f"{code(name)}{f' ({code(kind)})' if kind else ''}{address}{where}"


def _recent(state: State, series: SeriesId) -> str:
    """Return the last values of a series; empty where it is not tracked."""
    track = state.track(*series)
    if track is None:
        return ""
    points = zip(track.wall, track.values, strict=True)
    values = [value for at, value in points if value is not None and 0 <= state.wall - at <= RECENT]
    if not values:
        return ""
    told = (("last", values[-1]), ("min", min(values)), ("mean", sum(values) / len(values)), ("max", max(values)))
    words = (f"{word} {_figure(state, series.source, series.metric, value)}" for word, value in told)
    return f"{', '.join(words)} ({len(values)} values)"


def _figures(state: State, reading: Reading, series: SeriesId | None) -> list[str]:
    """Return the figures that have the attributes of a row, those of its own metric first; none without a series."""
    if series is None:
        return []

    def rank(sample: Sample) -> tuple[bool, str, Attributes]:
        return sample.metric != series.metric, sample.metric, sample.attributes

    wanted = set(series.attributes)
    chosen = sorted((each for each in reading.samples if wanted <= set(each.attributes)), key=rank)
    lines = [_sample(state, reading.source, sample, wanted) for sample in chosen[:_MOST_FIGURES]]
    more = len(chosen) - _MOST_FIGURES
    return [*lines, f"- and {more} more figures"] if more > 0 else lines


def _sample(state: State, source: str, sample: Sample, wanted: set[tuple[str, str]]) -> str:
    labels = [code(f"{name}={value}") for name, value in sample.attributes if (name, value) not in wanted]
    return f"- {' '.join([code(sample.metric), *labels])}: {_figure(state, source, sample.metric, sample.value)}"


def _figure(state: State, source: str, metric: str, value: float) -> str:
    return plain(quantity(state, source, metric, value))
