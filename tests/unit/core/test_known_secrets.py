"""Secrets that were read are found again in a text, though nothing keeps them."""

import pytest

from perftui.core import known_secrets
from perftui.core.known_secrets import remember, without_known


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_secrets, "_known", {})


@pytest.mark.parametrize("secret", ["hunter22", "%p@ss/w:rd\"'", "correct horse battery", "пароль-42"])
def test_it_is_left_out_wherever_it_stands(secret: str) -> None:
    remember(secret)
    said = f"redis://:{secret}@h and password={secret}, '{secret}'"
    assert without_known(said) == "redis://:***@h and password=***, '***'"


def test_the_longer_of_two_that_begin_alike_is_left_out_whole() -> None:
    remember("secret-1")
    remember("secret-1-and-more")
    assert without_known("is secret-1-and-more or secret-1") == "is *** or ***"


def test_short_ones_would_blot_out_words_and_are_not_known() -> None:
    remember("redis")
    assert without_known("redis is down") == "redis is down"


def test_a_secret_that_rotates_is_known_however_often_it_did_and_so_are_those_still_read() -> None:
    remember("fixed-password")
    for number in range(2 * known_secrets.MOST):
        remember(f"token-{number}")
        if number % 100 == 0:
            remember("fixed-password")
    newest = f"token-{2 * known_secrets.MOST - 1}"
    assert without_known(f"{newest} and fixed-password and token-0") == "*** and *** and token-0"
    assert len(known_secrets._known) == known_secrets.MOST


def test_what_is_kept_is_no_secret() -> None:
    remember("hunter22")
    assert "hunter22" not in repr(vars(known_secrets))
