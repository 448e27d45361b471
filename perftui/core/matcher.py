"""Matchers: which alerts a silence, an inhibition or a route is about, as a table of label → pattern.

    { rule = "redis-*", source = "cache-1", queue = "!low" }

A pattern is a glob (`*`, `?`, `[ab]`); with `~` before it a regular expression that must match all of the value. A `!`
before either negates it. Every label of the table must match; a label that an alert lacks has the empty value.

Patterns come from anybody and are judged in the middle of everything else, so that none may take long: a regular
expression looks at the first 200 characters of a value, and one that could try too much on those is refused.
"""

import re
import sys
from collections.abc import Mapping
from fnmatch import translate
from functools import lru_cache

from perftui.core.matching_cost import REACH, check_cost

Matchers = Mapping[str, str]


def matches(matchers: Matchers, labels: Mapping[str, str]) -> bool:
    """Return whether every pattern agrees with the value of its label; no patterns agree with everything."""
    for label, pattern in matchers.items():  # noqa: SIM110 - all() takes twice as long, and this runs for every alert
        if not fits(pattern, labels.get(label, "")):
            return False
    return True


def fits(pattern: str, value: str) -> bool:
    """Return whether a value agrees with one pattern."""
    expression, reach, negated = _compiled(pattern)
    return (expression.fullmatch(value, 0, reach) is None) is negated


def literal(value: str) -> str:
    """Return the pattern that agrees with exactly this value, whatever characters are in it."""
    if value[:1] in ("!", "~"):
        return "~" + re.escape(value[:REACH])
    return re.sub(r"([*?[])", r"[\1]", value)


def check(pattern: str) -> None:
    """Raise ValueError, with what is wrong, for a pattern that cannot be read or could take too long."""
    try:
        _compiled(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f'"{pattern}" is no regular expression: {error}') from error


@lru_cache(maxsize=8192)  # more than there can be in use: compiling takes 100 times as long as matching
def _compiled(pattern: str) -> tuple[re.Pattern[str], int, bool]:
    """Return the expression of a pattern, how many characters it looks at, and whether it is negated."""
    wanted = pattern.removeprefix("!")
    negated = wanted != pattern
    if not wanted.startswith("~"):
        return re.compile(translate(wanted)), sys.maxsize, negated  # a glob never tries again what it has passed
    expression = wanted[1:]
    check_cost(expression)
    return re.compile(expression), REACH, negated
