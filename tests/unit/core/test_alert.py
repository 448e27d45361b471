"""Alerts: what tells one from another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perftui.core.alert import Alert
from perftui.core.series import Attributes

WORDS = st.text(alphabet="ab,=/\\", max_size=4)
IDENTITIES = st.tuples(WORDS, WORDS, st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple))


def key(rule: str, source: str, attributes: Attributes = ()) -> str:
    return Alert(rule=rule, source=source, metric="m", attributes=attributes).key


@pytest.mark.parametrize(
    ("alert", "expected"),
    [
        (("memory", "cache-1", ()), "memory/cache-1/"),
        (("disk", "web-3", (("device", "sda"), ("mountpoint", "/var"))), "disk/web-3/device=sda,mountpoint=/var"),
        (("r", "a/b", (("x", "1,y=2"),)), r"r/a\/b/x=1\,y\=2"),
    ],
)
def test_a_key_can_be_read(alert: tuple[str, str, Attributes], expected: str) -> None:
    assert key(*alert) == expected


@given(IDENTITIES, IDENTITIES)
def test_two_alerts_never_share_a_key(one: tuple[str, str, Attributes], other: tuple[str, str, Attributes]) -> None:
    assert (key(*one) == key(*other)) is (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("r", "s", (("a", "1,b=2"),)), ("r", "s", (("a", "1"), ("b", "2")))),
        (("r", "s/t", ()), ("r/s", "t", ())),
        (("r\\", "s", ()), ("r", "\\s", ())),
        (("r", "s", (("a=b", "c"),)), ("r", "s", (("a", "b=c"),))),
    ],
)
def test_not_even_those_that_look_alike(one: tuple[str, str, Attributes], other: tuple[str, str, Attributes]) -> None:
    assert key(*one) != key(*other)
