"""One connection to a Redis, Valkey or KeyDB server, and its driver's errors put into plain words.

RESP2: a poll costs the same as with RESP3, servers older than 6 speak it, and no
HELLO is needed. The driver never retries: a poll that failed is skipped, and the poller decides when to try again.
The driver takes 0.2 s to import, so it is imported when the first source is opened.
"""

import asyncio
import contextlib
import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from perftui.config.address import host_port
from perftui.config.kinds import RedisOptions
from perftui.connect.plain import network_reason, no_secret, trust
from perftui.core.errors import BadAnswer, ConfigError, DeadlineExceeded, Denied, SourceError, Unreachable
from perftui.core.text import clean

CONNECT_TIMEOUT = 3.0
ANSWER_TIMEOUT = 5.0
CLIENT_NAME = "perftui"


Command = tuple[str | bytes | int, ...]


class Moved(BadAnswer):
    """A node of a cluster does not serve the slot of a key; `place` is the host and port of the node that does."""

    def __init__(self, message: str, place: tuple[str, int]) -> None:
        super().__init__(message)
        self.place = place


class Wire(Protocol):
    """What we use of the driver's connection."""

    async def send_packed_command(self, command: bytes) -> None:
        """Send bytes."""

    async def read_response(self, *, timeout: float) -> Any:
        """Read one reply; raises the server's error."""


class Client(Protocol):
    """What we use of the driver's client; replies are raw: bytes, integers, None and lists of them."""

    connection: Wire

    async def initialize(self) -> Any:
        """Connect."""

    async def execute_command(self, *command: str | bytes | int) -> Any:
        """Send one command and return its reply."""

    async def aclose(self) -> None:
        """Close the connection."""


class Endpoint(NamedTuple):
    """Where a server listens: host and port, or the path of a Unix socket."""

    host: str = "127.0.0.1"
    port: int = 6379
    path: str = ""
    database: int = 0
    tls: bool = False

    def __str__(self) -> str:
        return self.path or host_port(self.host, self.port)


def endpoint(url: str) -> Endpoint:
    """Return what `redis://HOST:PORT/DB`, `rediss://…` or `unix:///PATH?db=DB` says; credentials in it are ignored.

    Raises ConfigError, which never repeats the URL: somebody may have put a password there.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme == "unix":
            database = parse_qs(parts.query).get("db", ["0"])[0]
            return Endpoint(path=unquote(parts.path), database=int(database))
        if parts.scheme not in ("redis", "rediss"):
            raise ConfigError("url: it must begin with redis://, rediss:// or unix://")
        host, port = parts.hostname or "127.0.0.1", parts.port or 6379
        return Endpoint(clean(host), port, database=int(parts.path.strip("/") or 0), tls=parts.scheme == "rediss")
    except ValueError as error:
        raise ConfigError("url: write it like redis://HOST:PORT/DB or unix:///PATH") from error


async def connect(options: RedisOptions) -> tuple[Client, Endpoint]:
    """Return a connected client and where it is connected to; raises SourceError."""
    try:
        where = endpoint(options.url)
    except ConfigError as error:
        raise Unreachable(str(error)) from error
    try:
        password = await options.password.ask() if options.password else None
        if where.tls and options.ca_file:
            # The driver reads the file in the loop: here it is seen that it can be.
            await trust(options.ca_file, str(where))
    except ConfigError as error:
        raise no_secret(str(where), error) from error
    client = _client(where, options, password)
    try:
        with translated(where):
            await client.initialize()
            await _introduce(client)
    except BaseException:
        await disconnect(client)
        raise
    return client, where


async def disconnect(client: Client) -> None:
    """Give the connection back; never raises."""
    from redis.exceptions import RedisError

    with contextlib.suppress(RedisError, OSError):
        await client.aclose()


async def exchange(client: Client, commands: Iterable[Command]) -> list[Any]:
    """Send commands in one go, no transaction, and return their replies; an error of the server is one of them.

    Half the cost of the driver's pipeline, which sets a timer for each reply and walks each command several times.
    """
    packed = [_packed(command) for command in commands]
    return await exchange_packed(client, b"".join(packed), len(packed))


async def exchange_packed(client: Client, commands: bytes, number: int) -> list[Any]:
    """Send so many commands that are packed already, and return their replies as `exchange` does."""
    from redis.exceptions import ResponseError

    replies: list[Any] = []
    async with asyncio.timeout(ANSWER_TIMEOUT):
        await client.connection.send_packed_command(commands)
        for _ in range(number):
            try:
                replies.append(await client.connection.read_response(timeout=math.inf))
            except ResponseError as error:
                replies.append(error)
    return replies


def _packed(command: Command) -> bytes:
    """Return a command as RESP: `*PARTS`, then each part as `$LENGTH` and its bytes."""
    parts = [part if isinstance(part, bytes) else str(part).encode() for part in command]
    return b"*%d\r\n%b" % (len(parts), b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts]))


def _client(where: Endpoint, options: RedisOptions, password: str | None) -> Client:
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    client: Any = Redis(
        host=where.host,
        port=where.port,
        unix_socket_path=where.path or None,
        db=where.database,
        username=options.username or None,
        password=password,
        ssl=where.tls,
        ssl_ca_certs=options.ca_file or None,
        socket_connect_timeout=CONNECT_TIMEOUT,
        socket_timeout=ANSWER_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
        single_connection_client=True,
    )
    client.response_callbacks.clear()
    checked: Client = client
    return checked


async def _introduce(client: Client) -> None:
    """Name our connection for whoever reads CLIENT LIST; a user who may not is no reason to fail."""
    from redis.exceptions import ResponseError

    with contextlib.suppress(ResponseError):
        await client.execute_command("CLIENT SETNAME", CLIENT_NAME)


@contextlib.contextmanager
def translated(where: Endpoint) -> Iterator[None]:
    """Turn what the driver raises into a SourceError that says what and where, without a secret in it."""
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError, EOFError, ValueError) as error:
        raise source_error(error, where) from error


def source_error(error: Exception, where: Endpoint) -> SourceError:
    """Return the SourceError that a driver's error means."""
    from redis import exceptions as driver

    words = clean(str(error), 200)
    match error:
        case driver.AuthenticationError() | driver.AuthenticationWrongNumberOfArgsError():
            return Denied(_credentials(words, where))
        case driver.NoPermissionError():
            return Denied(f"{where} refused us: {words}")
        case driver.BusyLoadingError():
            return Unreachable(f"{where} is loading its data set into memory")
        case driver.MasterDownError():
            return Unreachable(f"{where} is a replica whose link to its primary is down, and serves no stale data")
        case driver.TimeoutError() | TimeoutError():
            return DeadlineExceeded(f"no answer from {where} in time")
        case driver.ConnectionError() | OSError() | EOFError():
            return Unreachable(f"{where}: {network_reason(error)}")
        case driver.AskError():  # or MovedError, which is one
            place = error.host if error.host not in ("", "?") else where.host, error.port
            owner = clean(host_port(*place), 200)
            return Moved(f"{where} is one node of a cluster, and what was asked for is on another: use {owner}", place)
        case driver.ClusterCrossSlotError():
            return BadAnswer(f"{where} is one node of a cluster: it takes no command on keys of several slots")
        case driver.ResponseError() if words.startswith("DENIED"):
            return Denied(f"{where} refused us: protected mode, and no password is set on the server")
        case driver.ResponseError():
            return BadAnswer(f"{where} answered with an error: {words}")
    return BadAnswer(f"{where} did not answer like a Redis server: {words}")


def _credentials(words: str, where: Endpoint) -> str:
    if "required" in words:
        return f"{where} needs credentials: set password, and username for an ACL user"
    if "without any password" in words:
        return f"{where} has no password configured, yet one is set for this source"
    return f"{where} refused the username or password"
