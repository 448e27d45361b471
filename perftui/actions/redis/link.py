"""One Redis connection for the length of an action, with a deadline on every command."""

import asyncio
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from perftui.config.kinds import RedisOptions
from perftui.config.settings import SourceSettings
from perftui.connect.redis import (
    Client,
    Command,
    Endpoint,
    connect,
    disconnect,
    exchange,
    exchange_packed,
    translated,
)
from perftui.core.clock import Clock
from perftui.core.errors import DeadlineExceeded, Refused, TargetChanged
from perftui.core.text import clean

COMMAND_DEADLINE = 5.0
PINGS = 10


class Keyspace(dict[int, tuple[int, int]]):
    """Number of database -> (keys, keys with an expiry), as INFO keyspace gives them."""


class RedisLink:
    """Speaks to one server; every method raises SourceError."""

    def __init__(self, client: Client, where: Endpoint, options: RedisOptions, clock: Clock) -> None:
        self.where = where
        self.options = options
        self._client = client
        self._clock = clock

    async def command(self, *words: str | bytes | int) -> Any:
        """Send one command and return its raw reply."""
        try:
            async with asyncio.timeout(COMMAND_DEADLINE):
                with translated(self.where):
                    return await self._client.execute_command(*words)
        except TimeoutError as error:
            raise DeadlineExceeded(f"no answer from {self.where} within {COMMAND_DEADLINE:.0f} s") from error

    async def pipeline(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands in one go, no transaction, and return their raw replies; the server's errors are among them."""
        with translated(self.where):
            return await exchange(self._client, commands)

    async def send_packed(self, commands: bytes, number: int) -> list[Any]:
        """Send so many commands, packed as the protocol wants them, and return their replies as `pipeline` does."""
        with translated(self.where):
            return await exchange_packed(self._client, commands, number)

    async def pings(self) -> list[float]:
        """Return how long some PINGs took (seconds), the quickest first."""
        return sorted([(await self.timed("PING"))[0] for _ in range(PINGS)])

    async def timed(self, *words: str | bytes | int) -> tuple[float, Any]:
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


def identity_of(info: dict[str, str], link: RedisLink) -> dict[str, str]:
    """Return what tells a server from any other: its run_id (new at each start), its role and its address."""
    return {"run_id": info.get("run_id", ""), "role": info.get("role", ""), "address": str(link.where)}


def refuse_replica(target: SourceSettings, info: dict[str, str], why: str) -> None:
    """Raise Refused, with the primary's address, unless the server is a primary."""
    if info.get("role") != "master":
        primary = f"{info.get('master_host', '?')}:{info.get('master_port', '?')}"
        raise Refused("target", f"{target.name} is a replica, and {why}", f"do it on its primary, {primary}")


def refuse_changed(name: str, planned: dict[str, str], now: dict[str, str]) -> None:
    """Raise TargetChanged unless the server is the one that was planned for."""
    if now != planned:
        raise TargetChanged(f"{name} is another server than was planned for, or has restarted; preview it again")
