"""Addresses are understood, and the driver's errors become plain words without a secret."""

import re
import ssl

import pytest
from redis import exceptions as driver

from perftui.connect.redis import Endpoint, Moved, _packed, endpoint, source_error
from perftui.core.errors import BadAnswer, ConfigError, DeadlineExceeded, Denied, SourceError, Unreachable

WHERE = Endpoint(port=6380)


@pytest.mark.parametrize(
    ("url", "expected", "text"),
    [
        ("redis://10.0.0.5:6380/2", Endpoint("10.0.0.5", 6380, database=2), "10.0.0.5:6380"),
        ("redis://cache", Endpoint("cache"), "cache:6379"),
        ("redis://[::1]:6380", Endpoint("::1", 6380), "[::1]:6380"),
        ("rediss://cache:6380", Endpoint("cache", 6380, tls=True), "cache:6380"),
        ("unix:///run/redis.sock?db=3", Endpoint(path="/run/redis.sock", database=3), "/run/redis.sock"),
    ],
)
def test_urls(url: str, expected: Endpoint, text: str) -> None:
    assert endpoint(url) == expected
    assert str(expected) == text


@pytest.mark.parametrize(
    "url", ["http://:geheim@cache", "redis://:geheim@cache:port", "redis://:geheim@[::1", "geheim"]
)
def test_a_bad_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match="url") as caught:
        endpoint(url)
    assert "geheim" not in str(caught.value)


def test_a_password_in_the_url_never_shows() -> None:
    assert "geheim" not in repr(endpoint("redis://user:geheim@cache:6379/0"))


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (driver.AuthenticationError("Authentication required."), Denied, "needs credentials"),
        (driver.AuthenticationError("invalid username-password pair or user is disabled."), Denied, "refused the"),
        (driver.NoPermissionError("User x has no permissions to run the 'info' command"), Denied, "'info' command"),
        (driver.BusyLoadingError("Redis is loading the dataset in memory"), Unreachable, "loading its data set"),
        (driver.MasterDownError("Link with MASTER is down"), Unreachable, "replica"),
        (driver.TimeoutError("Timeout reading"), DeadlineExceeded, "no answer from 127.0.0.1:6380 in time"),
        (TimeoutError(), DeadlineExceeded, "no answer"),
        (driver.ConnectionError("max number of clients reached"), Unreachable, "max number of clients"),
        (driver.ResponseError("DENIED Redis is running in protected mode because"), Denied, "protected mode"),
        (driver.ResponseError("unknown command"), BadAnswer, "answered with an error: unknown command"),
        (driver.MovedError("15144 10.0.0.7:6381"), Moved, "6380 is one node of a cluster, .* use 10.0.0.7:6381"),
        (driver.AskError("15144 :6381"), Moved, "on another: use 127.0.0.1:6381"),
        (driver.ClusterCrossSlotError("Keys in request"), BadAnswer, "takes no command on keys of several slots"),
        (driver.InvalidResponse("Protocol Error: b'HTTP/1.1 400'"), BadAnswer, "did not answer like a Redis"),
        (ConnectionRefusedError(111, "Connection refused"), Unreachable, "127.0.0.1:6380: connection refused"),
        (ssl.SSLError(1, "[SSL] wrong version number"), Unreachable, "127.0.0.1:6380: TLS failed"),
        (driver.ConnectionError("evil \x1b]0;x\x07"), Unreachable, "evil ␛]0;x␇"),
    ],
)
def test_errors_in_plain_words(error: Exception, kind: type[SourceError], words: str) -> None:
    translated = source_error(error, WHERE)
    assert type(translated) is kind
    assert re.search(words, str(translated))


def test_commands_are_packed_by_length_in_bytes() -> None:
    assert _packed(("LINDEX", b"k\r\n", -1)) == b"*3\r\n$6\r\nLINDEX\r\n$3\r\nk\r\n\r\n$2\r\n-1\r\n"
    assert _packed(("LLEN", "ü")) == "*2\r\n$4\r\nLLEN\r\n$2\r\nü\r\n".encode()
