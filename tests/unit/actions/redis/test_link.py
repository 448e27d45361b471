"""How redis-cli is called for the same server; that it does the same is tested with a real one."""

from typing import cast

import pytest

from perftui.actions.redis.link import RedisLink, redis_cli
from perftui.config.kinds import RedisOptions
from perftui.config.secret import Secret
from perftui.connect.redis import Client, endpoint
from perftui.core.clock import ManualClock


@pytest.mark.parametrize(
    ("options", "command"),
    [
        (RedisOptions(), "redis-cli -h 127.0.0.1 -p 6379 -n 2"),
        (RedisOptions(url="unix:///run/a b.sock"), "redis-cli -s '/run/a b.sock' -n 2"),
        (RedisOptions(password=Secret("hunter2")), "redis-cli -h 127.0.0.1 -p 6379 --askpass -n 2"),
        (RedisOptions(username="a;b"), "redis-cli -h 127.0.0.1 -p 6379 --user 'a;b' --askpass -n 2"),
        (RedisOptions(url="rediss://c.example:6380/0"), "redis-cli -h c.example -p 6380 --tls -n 2"),
        (
            RedisOptions(url="rediss://c.example/0", ca_file="/etc/ca.pem"),
            "redis-cli -h c.example -p 6379 --tls --cacert /etc/ca.pem -n 2",
        ),
    ],
)
def test_redis_cli_goes_to_the_same_server_as_the_same_user(options: RedisOptions, command: str) -> None:
    link = RedisLink(cast("Client", None), endpoint(options.url), options, ManualClock())
    assert redis_cli(link, 2) == command
