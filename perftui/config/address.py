"""Where a source is: as it is shown, and in one form by which two names of one place are told to be the same."""

import os.path
import re
from pathlib import PurePosixPath
from urllib.parse import SplitResult, urlsplit

from perftui.config.kinds import HttpOptions, MySQLOptions, Options, RedisOptions, SupervisorOptions, SystemdOptions

_LOCAL = ("localhost", "127.0.0.1", "::1")
SYSTEMD_PLACE = "/run/systemd/system"
"""There where systemd is the init system: sd_booted(3)."""
DEFAULT_PORTS = {"redis": 6379, "rediss": 6379, "http": 80, "https": 443}


def address_of(options: Options) -> str:
    """Return `HOST:PORT` or the path of a socket, without any credentials; empty for what is on this host anyway."""
    match options:
        case MySQLOptions(socket=socket) if socket:
            return socket
        case MySQLOptions():
            return host_port(options.host, options.port)
        case RedisOptions() | HttpOptions() | SupervisorOptions():
            return _of_url(urlsplit(options.url))
        case SystemdOptions(scope="system"):
            return SYSTEMD_PLACE
    return ""


def host_port(host: str, port: int) -> str:
    """Return `HOST:PORT`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def normalised(address: str) -> str:
    """Return the one form of an address: links resolved, every name of this host `127.0.0.1`."""
    if address.startswith("/"):
        return os.path.realpath(address)
    host, _, port = address.rpartition(":")
    return f"127.0.0.1:{port}" if host.strip("[]").lower() in _LOCAL else address.lower()


def short_name(family: str, address: str) -> str:
    """Return a stable, readable name for what was found there: `redis-6379`, `mariadb`, `mysql-db.example.com`."""
    if address.startswith("/"):
        return family
    host, _, port = normalised(address).rpartition(":")
    name = f"{family}-{port}" if host == "127.0.0.1" else f"{family}-{host.strip('[]')}"
    return re.sub(r"[^a-z0-9_.-]", "-", name)[:60]


def _of_url(url: SplitResult) -> str:
    if url.scheme == "unix":
        return str(PurePosixPath(url.path))
    return host_port(url.hostname or "", url.port or DEFAULT_PORTS.get(url.scheme, 0))
