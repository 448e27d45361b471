import os
import time
from pathlib import Path

import pytest

from perftui.config import probe
from tests.unit.config.servers import MARIADB, MYSQL, TOO_MANY, packet, saying


@pytest.mark.parametrize(
    ("words", "family"),
    [
        (b"+PONG\r\n", "redis"),
        (b"-NOAUTH Authentication required.\r\n", "redis"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "redis"),
        (b"HTTP/1.1 400 Bad Request\r\n", None),
        (b"-ERR\r\n", None),
        (b"+" + b"x" * 100_000, None),
        (packet(MARIADB), None),
    ],
)
async def test_a_redis_is_known_by_its_answer(words: bytes, family: str | None) -> None:
    async with saying(words) as address:
        assert await probe.redis(address) == family


@pytest.mark.parametrize(
    ("words", "family"),
    [
        (packet(MARIADB), "mariadb"),
        (packet(MYSQL), "mysql"),
        (packet(TOO_MANY), "mysql"),
        (b"+PONG\r\n" * 20, None),
        (b"\0\0\0\0", None),
        (packet(b"\x09old"), None),
    ],
)
async def test_a_mysql_is_known_by_its_greeting(words: bytes, family: str | None) -> None:
    async with saying(words) as address:
        assert await probe.mysql(address) == family


async def test_silence_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "DEADLINE", 0.1)
    async with saying(b"") as address:
        started = time.monotonic()
        assert await probe.redis(address) is None
        assert await probe.mysql(address) is None
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("address", ["127.0.0.1:1", "/nowhere/at.sock", "/etc/passwd", "a\0b:1", "..:1", "h:port"])
async def test_nobody_there_is_no_error(address: str) -> None:
    assert await probe.redis(address) is None
    assert await probe.mysql(address) is None


async def test_a_socket_of_another_person_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with saying(b"+PONG\r\n", tmp_path / "redis.sock") as address:
        assert await probe.redis(address) == "redis"
        owner = (tmp_path / "redis.sock").stat().st_uid
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
        monkeypatch.setattr(probe, "FIRST_PERSON", owner)
        assert await probe.redis(address) is None
