"""Is a Redis, MySQL, systemd or supervisord there? One short exchange without credentials, in time; never an error.

Redis: `PING` is answered with +PONG, or with one of a few errors that only Redis and its forks give.
MySQL, MariaDB: the server speaks first: 3 bytes length, 1 byte sequence, then 0x0a and its version up to a NUL, or 0xff
and an error, for instance "Too many connections" (MySQL internals, Protocol::HandshakeV10 and ERR_Packet).
supervisor: an HTTP answer whose Server is Medusa, with or without credentials.
"""

import asyncio
import errno
import os
import pwd
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from perftui.core.aside import ask_aside
from perftui.core.errors import DeadlineExceeded

DEADLINE = 0.5
LARGEST = 4096
FIRST_PERSON = 1000
"""Lower user ids belong to the system's own accounts (Debian and Red Hat alike)."""
_REDIS_REPLIES = (b"+PONG", b"-NOAUTH", b"-NOPERM", b"-LOADING", b"-MASTERDOWN", b"-DENIED", b"-BUSY ")
_HANDSHAKE, _ERROR = 0x0A, 0xFF

Probe = Callable[[str], Awaitable[str | None]]
"""Takes an address (`HOST:PORT` or the path of a socket); returns the family found there, or None."""


async def redis(address: str) -> str | None:
    """Return "redis" when a Redis, Valkey or KeyDB listens at `address`."""
    try:
        async with asyncio.timeout(DEADLINE), _connection(address) as (reader, writer):
            writer.write(b"PING\r\n")
            reply = await reader.readline()
    except (OSError, TimeoutError, ValueError, DeadlineExceeded):
        return None
    return "redis" if reply.startswith(_REDIS_REPLIES) else None


async def mysql(address: str) -> str | None:
    """Return "mariadb" or "mysql" when one listens at `address`."""
    try:
        async with asyncio.timeout(DEADLINE), _connection(address) as (reader, _):
            header = await reader.readexactly(4)
            body = await reader.readexactly(min(int.from_bytes(header[:3], "little"), LARGEST))
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, DeadlineExceeded):
        return None
    if header[3] != 0 or not body or body[0] not in (_HANDSHAKE, _ERROR):
        return None
    return "mariadb" if b"mariadb" in body.partition(b"\0")[0].lower() else "mysql"


async def systemd(address: str) -> str | None:
    """Return "systemd" when it is this host's init system (the folder `address` is there) and can be asked."""

    def is_there() -> bool:
        return os.path.isdir(address) and shutil.which("systemctl") is not None  # noqa: PTH112 - no Path is needed

    try:
        return "systemd" if await ask_aside(address, is_there, DEADLINE) else None
    except (OSError, DeadlineExceeded):
        return None


async def supervisor(address: str) -> str | None:
    """Return "supervisor" when a supervisord listens on a socket, also when we may not use it: it is there."""
    try:
        async with asyncio.timeout(DEADLINE), _connection(address) as (reader, writer):
            writer.write(b"HEAD /RPC2 HTTP/1.0\r\n\r\n")
            head = await reader.read(LARGEST)
    except PermissionError as error:
        return "supervisor" if error.errno == errno.EACCES else None
    except (OSError, TimeoutError, ValueError, DeadlineExceeded):
        return None
    return "supervisor" if head.startswith(b"HTTP/1.") and b"medusa" in head.lower() else None


@asynccontextmanager
async def _connection(address: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    if address.startswith("/"):
        await ask_aside(address, lambda: _check_owner(Path(address)), DEADLINE)
        reader, writer = await asyncio.open_unix_connection(address, limit=LARGEST)
    else:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), limit=LARGEST)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def _check_owner(path: Path) -> None:
    """Refuse what another person put there (anybody may in /tmp): credentials would follow. Raises OSError."""
    found = path.stat()
    if not stat.S_ISSOCK(found.st_mode):
        raise FileNotFoundError(f"{path} is no socket")
    if found.st_uid >= FIRST_PERSON and found.st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another user")


def login_name() -> str:
    """Return the name of this process's account, empty when it has none."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""
