"""What the types cannot say about a rule or an inhibition: metrics that exist, levels in order, times that can be."""

import re
import string
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from urllib.parse import urlsplit

from perftui.alerts.rules.rule import Aggregate, Inhibition, Rule
from perftui.config.checks import check_duration, check_patterns
from perftui.config.decode import Problems, Where, unknown
from perftui.config.duration import Duration
from perftui.core.alert import Severity
from perftui.core.metric import Kind, Metric
from perftui.core.text import did_you_mean

TEMPLATE_WORDS = ("value", "level", "source", "when", "error")
LONGEST_PERCENTILE_WINDOW = Duration(900)
"""A percentile needs every value of its window: no more of them than are kept."""
_DAY = Duration(86400)
_TIMES: dict[str, tuple[Duration, Duration]] = {
    "over": (Duration(2), _DAY),
    "ahead": (Duration(1), Duration(90 * 86400)),
    "absent_for": (Duration(1), _DAY),
    "for": (Duration(0), _DAY),
    "keep_firing_for": (Duration(0), _DAY),
    "clear_for": (Duration(0), _DAY),
    "cooldown": (Duration(0), Duration(7 * 86400)),
}
_PERCENTILES = frozenset({Aggregate.P50, Aggregate.P90, Aggregate.P95, Aggregate.P99})
_CHANGES_UNIT = frozenset({Aggregate.RATE, Aggregate.INCREASE, Aggregate.PREDICT})
_ACTION = re.compile(r"[a-z0-9_-]+\.[a-z0-9_-]+(:\S+)?")


def check_rule(
    rule: Rule,
    known: Mapping[str, Metric],
    routes: Collection[str] | None,
    where: Where,
    into: Problems,
    *,
    is_whole: bool = True,
) -> None:
    """Add what is wrong with a rule; `routes` are the names that `notify` can give, None for any.

    `is_whole` is False when some key could not be read: what would only follow from that is not told then.
    """
    lines = (*_names(rule, known, routes), *_template(rule.summary, "summary", TEMPLATE_WORDS))
    for line in (*lines, *(_meaning(rule, known) if is_whole else ())):
        into.add(where, line)
    for key, limits in _TIMES.items():
        value = rule.hold if key == "for" else getattr(rule, key)
        if value is not None:
            check_duration(key, value, limits, where, into)
    check_patterns("sources", rule.sources, where, into)
    check_patterns("attributes", rule.attributes, where, into)


def check_inhibition(inhibition: Inhibition, where: Where, into: Problems) -> None:
    """Add what is wrong with an inhibition."""
    if not inhibition.when:
        into.add(where, "when is empty: every alert would be the cause")
    check_patterns("when", inhibition.when, where, into)
    check_patterns("mutes", inhibition.mutes, where, into)
    for line in _template(inhibition.reason, "reason", ("rule", "source", "metric", "severity", "kind", "host")):
        into.add(where, line)


def _names(rule: Rule, known: Mapping[str, Metric], routes: Collection[str] | None) -> Iterator[str]:
    """Yield what is named and does not exist, or cannot."""
    others = (rule.divided_by,) if rule.divided_by else ()
    for name in dict.fromkeys((rule.metric, *others, *(condition.metric for condition in rule.conditions))):
        if name not in known:
            yield f'there is no metric "{name}"{_hint(name, known)}'
    for remedy in rule.remedies:
        if not _ACTION.fullmatch(remedy):
            yield f'remedies: "{remedy}" is no action; write it like "cleanup.expired"'
    for route in rule.notify:
        if routes is not None and route not in routes:
            yield f"notify: {unknown('route', route, routes) if routes else 'there is no [notify.NAME] table'}"
    if rule.runbook and not _is_link(rule.runbook):
        yield "runbook must be a link that begins with http:// or https://"


def _meaning(rule: Rule, known: Mapping[str, Metric]) -> Iterator[str]:
    yield from _condition(rule)
    yield from _window(rule)
    if rule.metric in known:
        yield from _shares(rule, known[rule.metric])


def _condition(rule: Rule) -> Iterator[str]:
    """Yield what is wrong with what the rule waits for."""
    given = [key for key in ("above", "below", "absent_for") if getattr(rule, key) is not None]
    if len(given) != 1:
        instead = f", not {' and '.join(given)}" if given else ""
        yield f"give exactly one of above, below and absent_for{instead}"
    elif rule.absent_for is None:
        yield from _levels(rule)
    else:
        ignored = [key for key in ("clear", "aggregate", "over", "ahead", "divided_by", "when") if getattr(rule, key)]
        yield from (f"absent_for goes without {key}" for key in ignored)
        if rule.hold:
            yield "absent_for goes without for: it is the time itself"
    if any(condition.above is None and condition.below is None for condition in rule.conditions):
        yield "when needs above or below"


def _levels(rule: Rule) -> Iterator[str]:
    every = ((name.value, getattr(rule.levels, name.value)) for name in Severity)
    levels = [(name, level) for name, level in every if level is not None]
    if not levels:
        yield f"{rule.direction} needs info, warning or critical"
        return
    if rule.severity is not None:
        yield f"severity goes with a single level; {rule.direction} has one for each"
    for (milder, low), (worse, high) in pairwise(levels):
        if low != high and not rule.beyond(high, low):
            yield f"{worse} ({high:g}) must lie {rule.direction} {milder} ({low:g})"
    first = levels[0][1]
    if rule.clear is not None and rule.beyond(rule.clear, first):
        yield f"clear ({rule.clear:g}) must not lie {rule.direction} the level ({first:g})"


def _shares(rule: Rule, metric: Metric) -> Iterator[str]:
    """Yield the levels that a share of a whole can never reach; most likely a % was forgotten."""
    if metric.kind is not Kind.RATIO or rule.divided_by or rule.aggregate in _CHANGES_UNIT:
        return
    for name, level in {**{name.value: rule.level(name) for name in Severity}, "clear": rule.clear}.items():
        if level is not None and not 0 <= level <= 1:
            yield f'{name} ({level:g}) is beyond a share of a whole, 0 to 1; write it like 0.8 or "80%"'


def _window(rule: Rule) -> Iterator[str]:
    if rule.aggregate is not None and rule.over is None:
        yield f'aggregate needs over, such as over = "5m": the window that {rule.aggregate.value} is of'
    if rule.over is not None and rule.aggregate is None:
        yield 'over needs aggregate, such as aggregate = "avg"'
    if (rule.aggregate is Aggregate.PREDICT) != (rule.ahead is not None):
        yield "predict and ahead go together: how far it looks ahead"
    if rule.aggregate in _PERCENTILES and rule.over is not None and rule.over > LONGEST_PERCENTILE_WINDOW:
        yield f"over may be {LONGEST_PERCENTILE_WINDOW.text} at most for a percentile"


def _template(template: str, key: str, words: Iterable[str]) -> Iterator[str]:
    try:
        fields = [field for field in string.Formatter().parse(template) if field[1] is not None]
    except ValueError as error:
        yield f"{key}: {error}"
        return
    for _, name, form, conversion in fields:
        if not (name and name.isidentifier()):
            yield f'{key}: "{{{name}}}" is neither an attribute nor one of {", ".join(words)}'
        elif form or conversion:
            yield f'{key}: write "{{{name}}}" without anything behind the name'


def _is_link(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in text


def _hint(name: str, known: Iterable[str]) -> str:
    hint = did_you_mean(name, known)
    return f"; {hint}" if hint else "; `perftui metrics` lists them"
