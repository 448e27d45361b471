"""What a regular expression can cost at most: Python's engine tries every way in which a pattern could be read.

`(a+)+b` has twice as many ways with each further `a`, and nothing stops the engine. So the ways are counted before a
pattern is ever used, from its parse tree: a repetition has as many as there are lengths, alternatives add up, and
what stands in a row multiplies.
"""

from collections.abc import Iterable

# Private names, and the only way to the parse tree; its shape has been the same for all of Python 3.
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

REACH = 200
"""Characters of a value that a regular expression looks at."""
MOST_STEPS = 1_000_000
"""Two repetitions without end are well within it, with some alternatives; three are not. It takes some milliseconds."""

_ONE = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN", "AT"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_LOOKS = frozenset({"ASSERT", "ASSERT_NOT"})


class _Cost(NamedTuple):
    """In how many ways something can agree, and how many steps it takes to try them all."""

    ways: int
    steps: int


_TOO_MUCH = _Cost(MOST_STEPS + 1, MOST_STEPS + 1)


def check_cost(expression: str) -> None:
    """Raise ValueError for an expression that could take too long; re.error for what is none."""
    cost = _row(_parser.parse(expression))
    if cost.steps > MOST_STEPS:
        raise ValueError(f'"{expression}" could take too long: too much repeats or varies, or it refers to a group')


def _row(nodes: Iterable[tuple[Any, Any]]) -> _Cost:
    """Return the cost of what stands in a row: everything is tried for each way of what is before it."""
    ways, steps = 1, 0
    for operation, argument in nodes:
        cost = _node(str(operation), argument)
        steps += ways * cost.steps
        ways *= cost.ways
        if max(ways, steps) > MOST_STEPS:
            return _TOO_MUCH
    return _Cost(ways, steps)


def _node(operation: str, argument: Any) -> _Cost:
    if operation in _ONE:
        return _Cost(1, 1)
    if operation in _REPEATS:
        least, most, body = argument
        return _repeat(least, most, _row(body))
    if operation in _LOOKS:
        return _Cost(1, _row(argument[1]).steps)  # what was found by looking is not looked for again
    if operation == "BRANCH":
        branches = [_row(branch) for branch in argument[1]]
        return _Cost(sum(cost.ways for cost in branches), sum(cost.steps for cost in branches) + 1)
    if operation == "SUBPATTERN":
        return _row(argument[-1])
    if operation == "ATOMIC_GROUP":
        return _row(argument)
    return _TOO_MUCH  # a reference to what was found before


def _repeat(least: int, most: int, body: _Cost) -> _Cost:
    """Return the cost of a repetition; each one takes a character at least, or it is the last."""
    if least > REACH:
        return _TOO_MUCH
    ways, steps, lengths = 0, 1, 1
    for count in range(min(most, REACH) + 1):
        ways += lengths if count >= least else 0
        steps += lengths * (body.steps + 1)
        lengths *= body.ways
        if max(ways, steps) > MOST_STEPS:
            return _TOO_MUCH
    return _Cost(ways, steps)
