"""Untrusted text: nothing that a terminal acts on survives, and nothing legible is lost."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.core.text import clean, did_you_mean

BIDI_CONTROLS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain words", "plain words"),
        ("Grüße, 世界, ✖", "Grüße, 世界, ✖"),
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("two\nlines\r\tand a tab", "two␊lines␍␉and a tab"),
        ("\x7f\x9b31m", "␡<U+009B>31m"),
        ("abc\u202etxt.exe", "abc<U+202E>txt.exe"),
        ("a\u200bb\ufeff", "a<U+200B>b<U+FEFF>"),
        ("hidden\U000e0041", "hidden<U+E0041>"),
        ("\ud800", "<U+D800>"),
        (b"caf\xc3\xa9 \xff", "café \ufffd"),
        ("proc[/]", "proc[/]"),
        ("", ""),
    ],
)
def test_what_a_terminal_would_act_on_is_made_visible(raw: str | bytes, shown: str) -> None:
    assert clean(raw) == shown


def test_long_text_is_cut_with_a_mark() -> None:
    assert clean("x" * 501) == "x" * 499 + "…"
    assert clean("x" * 500) == "x" * 500
    assert clean("é".encode() * 600, limit=10) == "é" * 9 + "…"


@given(st.text(st.characters()) | st.binary(), st.integers(1, 40))
def test_any_text_becomes_one_harmless_line_within_the_limit(raw: str | bytes, limit: int) -> None:
    shown = clean(raw, limit)
    assert len(shown) <= limit
    for character in shown:
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in BIDI_CONTROLS


@given(st.text(st.characters()), st.integers(1, 40))
def test_cleaning_twice_changes_nothing(raw: str, limit: int) -> None:
    once = clean(raw, limit)
    assert clean(once, limit) == once


def test_the_nearest_name_is_asked_for_and_nothing_where_none_is_near() -> None:
    assert did_you_mean("redi", ("mysql", "redis")) == 'did you mean "redis"?'
    assert did_you_mean("zzz", ("mysql", "redis")) == ""
