"""One Redis connection for the length of an action, with a deadline on every command."""

import asyncio
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from perftui.config.kinds import RedisOptions
from perftui.config.settings import SourceSettings
from perftui.connect.redis import Client, Endpoint, connect, disconnect, translated
from perftui.core.clock import Clock
from perftui.core.errors import DeadlineExceeded, Refused
from perftui.core.text import clean

COMMAND_DEADLINE = 5.0


class Keyspace(dict[int, tuple[int, int]]):
    """Number of database -> (keys, keys with an expiry), as INFO keyspace gives them."""


class RedisLink:
    """Speaks to one server; every method raises SourceError."""

    def __init__(self, client: Client, where: Endpoint, options: RedisOptions, clock: Clock) -> None:
        self.where = where
        self.options = options
        self._client = client
        self._clock = clock

    async def command(self, *words: str | int) -> Any:
        """Send one command and return its raw reply."""
        try:
            async with asyncio.timeout(COMMAND_DEADLINE):
                with translated(self.where):
                    return await self._client.execute_command(*words)
        except TimeoutError as error:
            raise DeadlineExceeded(f"no answer from {self.where} within {COMMAND_DEADLINE:.0f} s") from error

    async def timed(self, *words: str | int) -> tuple[float, Any]:
        """Send one command and return how long it took (seconds), and its reply."""
        started = self._clock.monotonic()
        reply = await self.command(*words)
        return self._clock.monotonic() - started, reply

    async def info(self) -> dict[str, str]:
        """Return every field of INFO's default sections; the values are cleaned."""
        raw = await self.command("INFO")
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
        pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
        return {name: clean(value) for name, value in pairs}


@asynccontextmanager
async def redis_link(target: SourceSettings, clock: Clock) -> AsyncIterator[RedisLink]:
    """Connect to a redis source and hang up at the end. Raises SourceError."""
    if not isinstance(target.options, RedisOptions):
        raise Refused("target", f"{target.name} is no Redis", "choose a redis source")
    client, where = await connect(target.options)
    try:
        yield RedisLink(client, where, target.options, clock)
    finally:
        await disconnect(client)


def number(info: dict[str, str], field: str) -> float:
    """Return a number out of INFO; 0 where the server does not give it."""
    try:
        return float(info.get(field, "0"))
    except ValueError:
        return 0.0


def keyspace(info: dict[str, str]) -> Keyspace:
    """Return the databases that have keys."""
    found = Keyspace()
    for name, value in info.items():
        if name.startswith("db") and name[2:].isdecimal():
            fields = dict(pair.split("=", 1) for pair in value.split(",") if "=" in pair)
            found[int(name[2:])] = int(fields.get("keys", 0)), int(fields.get("expires", 0))
    return found


def redis_cli(link: RedisLink, database: int) -> str:
    """Return how redis-cli is called for a database; it asks for the password itself, where there is one."""
    where, options = link.where, link.options
    words = ["redis-cli", *(["-s", where.path] if where.path else ["-h", where.host, "-p", str(where.port)])]
    if where.tls:
        words += ["--tls", *(["--cacert", options.ca_file] if options.ca_file else [])]
    if options.username:
        words += ["--user", options.username]
    if options.username or options.password:
        words.append("--askpass")
    return shlex.join([*words, "-n", str(database)])
