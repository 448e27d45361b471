"""Matchers: what a pattern agrees with, what is no pattern, and how to name exactly one value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.core.matcher import check, fits, literal, matches


@pytest.mark.parametrize(
    ("pattern", "value", "agrees"),
    [
        ("redis-*", "redis-memory", True),
        ("redis-*", "my-redis-memory", False),
        ("cache-?", "cache-1", True),
        ("cache-?", "cache-12", False),
        ("cache-[12]", "cache-2", True),
        ("cache-[!12]", "cache-2", False),
        ("Cache", "cache", False),
        ("*", "", True),
        ("", "", True),
        ("", "x", False),
        ("!low", "high", True),
        ("!low", "low", False),
        ("!", "", False),
        ("!", "x", True),
        ("~mail|video", "video", True),
        ("~mail|video", "video-2", False),
        ("~", "", True),
        ("!~mail.*", "mail-1", False),
        ("!~mail.*", "video", True),
        ("a.c", "abc", False),
        ("x*", "x\ny", True),
    ],
)
def test_a_pattern_agrees_with_all_of_a_value(pattern: str, value: str, agrees: bool) -> None:
    check(pattern)
    assert fits(pattern, value) is agrees


def test_every_label_must_agree_and_one_that_lacks_is_empty() -> None:
    labels = {"rule": "memory", "source": "cache-1"}
    assert matches({}, labels)
    assert matches({"rule": "mem*", "source": "cache-?"}, labels)
    assert not matches({"rule": "mem*", "source": "db"}, labels)
    assert matches({"queue": ""}, labels)
    assert matches({"queue": "!low"}, labels)
    assert not matches({"queue": "?*"}, labels)


@pytest.mark.parametrize("pattern", ["~(", "!~[", "~*", "~a{99999999999999999999}", "~(?P<x>a)(?P<x>b)"])
def test_what_is_no_regular_expression_is_refused_with_what_is_wrong(pattern: str) -> None:
    with pytest.raises(ValueError, match="is no regular expression: ") as raised:
        check(pattern)
    assert pattern in str(raised.value)


@given(st.text(alphabet="ab!~*?[]()-\\. \n^$", max_size=12), st.text(alphabet="ab!~*?[]()-\\. \n^$", max_size=12))
def test_a_literal_agrees_with_exactly_its_value(value: str, other: str) -> None:
    check(literal(value))
    assert fits(literal(value), value)
    assert fits(literal(value), other) is (value == other)
