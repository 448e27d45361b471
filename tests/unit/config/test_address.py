from pathlib import Path

import pytest

from perftui.config.address import address_of, normalised, short_name
from perftui.config.kinds import AgentOptions, HttpOptions, MySQLOptions, Options, RedisOptions


@pytest.mark.parametrize(
    ("options", "address"),
    [
        (RedisOptions(), "127.0.0.1:6379"),
        (RedisOptions(url="rediss://cache.example.com:6380/3"), "cache.example.com:6380"),
        (RedisOptions(url="redis://[fd00::5]/0"), "[fd00::5]:6379"),
        (RedisOptions(url="unix:///run/redis.sock"), "/run/redis.sock"),
        (MySQLOptions(host="db", port=3307), "db:3307"),
        (MySQLOptions(host="db", socket="/run/a.sock"), "/run/a.sock"),
        (HttpOptions(url="https://user@api.example.com/health?key=secret"), "api.example.com:443"),
        (AgentOptions(), ""),
    ],
)
def test_where_a_source_is(options: Options, address: str) -> None:
    assert address_of(options) == address


def test_the_names_of_this_host_are_one_place(tmp_path: Path) -> None:
    assert normalised("localhost:6379") == normalised("[::1]:6379") == "127.0.0.1:6379"
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert normalised(str(tmp_path / "link")) == normalised(str(tmp_path / "real"))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("127.0.0.1:6379", "redis-6379"),
        ("/run/redis.sock", "redis"),
        ("Cache.example.com:1", "redis-cache.example.com"),
        ("[fd00::5]:1", "redis-fd00--5"),
        ("a/b*:1", "redis-a-b-"),
    ],
)
def test_names_are_readable_and_fit_for_a_topic(address: str, name: str) -> None:
    assert short_name("redis", address) == name
