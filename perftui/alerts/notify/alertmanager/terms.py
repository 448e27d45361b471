"""Our alerts and silences in Alertmanager's terms, and back.

The label `rule` is `alertname` there. Ours has one pattern a label, theirs any number of conditions.
"""

import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from perftui.alerts.silences import checked
from perftui.connect.alertmanager import LabelMatcher, PushedAlert
from perftui.core.alert import Alert, AlertState
from perftui.core.matcher import literal

_NAMES_THERE = {"rule": "alertname"}
_NAMES_HERE = {there: here for here, there in _NAMES_THERE.items()}
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_]")
_GLOB = re.compile(r"\[(?>!?).[^\]]*\]|.", re.DOTALL)


def labels_there(alert: Alert) -> dict[str, str]:
    """Return the labels that are the alert's identity there."""
    return {_name_there(name): value for name, value in alert.labels.items() if value}


def pushed(alert: Alert, agent: str, starts_at: datetime, ends_at: datetime) -> PushedAlert:
    """Return an alert as it is pushed; `agent` is the host that watches."""
    ack = f"{alert.ack.author} {alert.ack.note}".rstrip() if alert.ack else ""
    facts = {
        "summary": alert.summary,
        "description": alert.why,
        "value": alert.value_text,
        "level": alert.level_text,
        "runbook_url": alert.runbook,
        "acknowledged": ack,
        "state": "unknown: no data now" if alert.state is AlertState.UNKNOWN else "",
        "agent": agent,
    }
    annotations = {name: fact for name, fact in facts.items() if fact}
    return PushedAlert(
        labels=labels_there(alert), annotations=annotations, starts_at=min(starts_at, ends_at), ends_at=ends_at
    )


def matchers_there(matchers: Mapping[str, str]) -> tuple[LabelMatcher, ...]:
    """Return our patterns as their conditions."""
    return tuple(_matcher_there(_name_there(label), pattern) for label, pattern in matchers.items())


def matchers_here(matchers: Iterable[LabelMatcher]) -> dict[str, str]:
    """Return their conditions as our patterns. Raises ValueError for what cannot be read or followed here."""
    by_label: dict[str, list[LabelMatcher]] = defaultdict(list)
    for matcher in matchers:
        by_label[_NAMES_HERE.get(matcher.name, matcher.name)].append(matcher)
    if not by_label:
        raise ValueError("no matchers")
    return _checked({label: _pattern(several) for label, several in by_label.items()})


def _name_there(label: str) -> str:
    return _NAMES_THERE.get(label) or _NOT_A_NAME.sub("_", label)


def _matcher_there(name: str, pattern: str) -> LabelMatcher:
    negated = pattern.startswith("!")
    wanted = pattern[1:] if negated else pattern
    value, is_regex = (wanted[1:], True) if wanted[:1] == "~" else _glob_there(wanted)
    return LabelMatcher(name=name, value=value, is_regex=is_regex, is_equal=not negated)


def _glob_there(glob: str) -> tuple[str, bool]:
    """Return a glob as the plain value that it stands for, or as a regular expression and True."""
    tokens = _GLOB.findall(glob)
    characters = [_character(token) for token in tokens]
    plain = [character for character in characters if character]
    if len(plain) == len(tokens):
        return "".join(plain), False
    pairs = zip(characters, tokens, strict=True)
    return "".join(re.escape(character) if character else _wildcard(token) for character, token in pairs), True


def _character(token: str) -> str:
    """Return the one character that a part of a glob stands for, empty for a wildcard."""
    if len(token) == 3:
        return token[1]
    return token if len(token) == 1 and token not in "*?" else ""


def _wildcard(token: str) -> str:
    return {"*": ".*", "?": "."}.get(token) or token.replace("[!", "[^", 1)


def _pattern(matchers: list[LabelMatcher]) -> str:
    """Return the pattern of one label: all of the conditions."""
    if len(matchers) == 1:
        only = matchers[0]
        wanted = f"~{only.value}" if only.is_regex else literal(only.value)
        return wanted if only.is_equal else f"!{wanted}"
    return "~" + "".join(_condition(matcher) for matcher in matchers) + "(?s:.*)"


def _condition(matcher: LabelMatcher) -> str:
    value = matcher.value if matcher.is_regex else re.escape(matcher.value)
    return f"(?{'=' if matcher.is_equal else '!'}(?:{value})\\Z)"


def _checked(patterns: Mapping[str, str]) -> dict[str, str]:
    """Return patterns that could be ours. Raises ValueError for others, and for one that means something else here."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return checked(patterns)
        except FutureWarning as warning:
            raise ValueError(f"a regular expression means something else there: {warning}") from warning
