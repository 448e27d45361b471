"""Twenty sources that anybody can start: this host, nine Redis, ten HTTP endpoints of 24 numbers: some 500 series."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.bench.endpoint import NUMBERS, endpoint
from tests.support.agents import QUIET, write_config
from tests.support.redis_server import redis_server

REDIS, HTTP = 9, 10


@contextlib.contextmanager
def twenty_sources(folder: Path) -> Iterator[Path]:
    """Run the servers; yield the path of a configuration that polls all of them each second."""
    with redis_server() as redis, endpoint() as port:
        tables = [f'[sources.cache-{number}]\nkind = "redis"\nurl = "{redis.url}"\n' for number in range(REDIS)]
        tables += [_http(f"api-{number}", port) for number in range(HTTP)]
        yield Path(write_config(folder, QUIET + "\n".join(tables)))


def _http(name: str, port: int) -> str:
    lines = [f"[sources.{name}]", 'kind = "http"', f'url = "http://127.0.0.1:{port}/{name}"', 'interval = "1s"']
    lines += [f'[sources.{name}.metrics."app.n{index}"]\npath = "n{index}"' for index in range(NUMBERS)]
    return "\n".join(lines) + "\n"
