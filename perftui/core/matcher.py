"""Matchers: which alerts a silence, an inhibition or a route is about, as a table of label → pattern.

    { rule = "redis-*", source = "cache-1", queue = "!low" }

A pattern is a glob (`*`, `?`, `[ab]`); with `~` before it a regular expression that must match all of the value. A `!`
before either negates it. Every label of the table must match; a label that an alert lacks has the empty value.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import lru_cache

Matchers = Mapping[str, str]


def matches(matchers: Matchers, labels: Mapping[str, str]) -> bool:
    """Return whether every pattern agrees with the value of its label; no patterns agree with everything."""
    return all(fits(pattern, labels.get(label, "")) for label, pattern in matchers.items())


def fits(pattern: str, value: str) -> bool:
    """Return whether a value agrees with one pattern."""
    negated = pattern.startswith("!")
    wanted = pattern[1:] if negated else pattern
    found = _expression(wanted[1:]).fullmatch(value) is not None if wanted[:1] == "~" else fnmatchcase(value, wanted)
    return found is not negated


def literal(value: str) -> str:
    """Return the pattern that agrees with exactly this value, whatever characters are in it."""
    if value[:1] in ("!", "~"):
        return "~" + re.escape(value)
    return re.sub(r"([*?[])", r"[\1]", value)


def check(pattern: str) -> None:
    """Raise ValueError, with what is wrong, for a pattern that can never be read."""
    wanted = pattern.removeprefix("!")
    if wanted[:1] == "~":
        try:
            _expression(wanted[1:])
        except re.error as error:
            raise ValueError(f'"{pattern}" is no regular expression: {error}') from error


@lru_cache(maxsize=512)
def _expression(text: str) -> re.Pattern[str]:
    return re.compile(text)
