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


@pytest.mark.parametrize(
    "expression",
    [
        "(a+)+b",
        "(a|a)*b",
        "(a|ab)+c",
        "((a*)){2,}b",
        "([a-z]+ ?)+b",
        ".*.*.*x",
        ".{0,150}.{0,150}.{0,150}x",
        "a?" * 30 + "a" * 30,
        "(a|a)" * 30 + "b",
        "(?=(a+)+b).*",
        "(?!(a+)+b).*",
        "(?:){4000000000}",
        "(((){200}){200}){200}",
        r"(a)\1",
        "(?P<x>a)(?P=x)",
        "(a)(?(1)b|c)",
        "(?>a+)+b",
        "(?:a|ab)++x",
    ],
)
def test_a_regular_expression_that_could_take_for_ever_is_refused_and_never_used(expression: str) -> None:
    for pattern in (f"~{expression}", f"!~{expression}"):
        with pytest.raises(ValueError, match="could take too long"):
            check(pattern)
        with pytest.raises(ValueError, match="could take too long"):
            fits(pattern, "a" * 100)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (r"cache-\d+", "cache-12"),
        ("redis-(memory|evictions)", "redis-memory"),
        (".*", "anything"),
        (r"web-[a-z]+-\d{1,3}", "web-eu-12"),
        (r"(\d{1,3}\.){3}\d{1,3}", "10.0.0.12"),
        (r"web(-\d+)?", "web-1"),
        (".*(memory|disk|cpu).*", "redis-memory-high"),
        ("(prod|staging)-(web|db)-[0-9]+", "prod-db-4"),
        ("(ab)*", "abab"),
        ("(?i)web.*", "WEB-1"),
        ("(?!web-3).*", "web-4"),
        (r"a*+b", "aab"),
    ],
)
def test_an_ordinary_regular_expression_is_taken(expression: str, value: str) -> None:
    check(f"~{expression}")
    assert fits(f"~{expression}", value)
    assert not fits(f"!~{expression}", value)


def test_a_regular_expression_looks_at_the_beginning_of_a_long_value_and_a_glob_at_all_of_it() -> None:
    long = "a" * 200 + "b" * 300
    assert fits("~a*", long)
    assert not fits("~.*b", long)
    assert fits("*ab*b", long)
    for value in (long, f"~{long}", f"!{long}"):
        assert fits(literal(value), value)


@given(st.text(alphabet="ab!~*?[]()-\\. \n^$", max_size=12), st.text(alphabet="ab!~*?[]()-\\. \n^$", max_size=12))
def test_a_literal_agrees_with_exactly_its_value(value: str, other: str) -> None:
    check(literal(value))
    assert fits(literal(value), value)
    assert fits(literal(value), other) is (value == other)
