"""Matchers: which alerts a silence, an inhibition or a route is about, as a table of label → pattern.

    { rule = "redis-*", source = "cache-1", queue = "!low" }

A pattern is a glob (`*`, `?`, `[ab]`); with `~` before it a regular expression that must match all of the value. A `!`
before either negates it. Every label of the table must match; a label that an alert lacks has the empty value.
"""

import re
from collections.abc import Mapping
from fnmatch import translate
from functools import lru_cache

Matchers = Mapping[str, str]


def matches(matchers: Matchers, labels: Mapping[str, str]) -> bool:
    """Return whether every pattern agrees with the value of its label; no patterns agree with everything."""
    for label, pattern in matchers.items():  # noqa: SIM110 - all() takes twice as long, and this runs for every alert
        if not fits(pattern, labels.get(label, "")):
            return False
    return True


def fits(pattern: str, value: str) -> bool:
    """Return whether a value agrees with one pattern."""
    expression, negated = _compiled(pattern)
    return (expression.fullmatch(value) is None) is negated


def literal(value: str) -> str:
    """Return the pattern that agrees with exactly this value, whatever characters are in it."""
    if value[:1] in ("!", "~"):
        return "~" + re.escape(value)
    return re.sub(r"([*?[])", r"[\1]", value)


def check(pattern: str) -> None:
    """Raise ValueError, with what is wrong, for a pattern that can never be read."""
    try:
        _compiled(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f'"{pattern}" is no regular expression: {error}') from error


@lru_cache(maxsize=8192)  # more than there can be in use: compiling takes 100 times as long as matching
def _compiled(pattern: str) -> tuple[re.Pattern[str], bool]:
    """Return the expression of a pattern, and whether it is negated."""
    wanted = pattern.removeprefix("!")
    expression = wanted[1:] if wanted.startswith("~") else translate(wanted)
    return re.compile(expression), wanted != pattern
