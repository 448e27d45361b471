"""The options of each kind of source: one struct a kind, each field with its default and meaning."""

from typing import Annotated, Literal

import msgspec

from perftui.config.duration import Duration
from perftui.config.secret import Secret
from perftui.core.metric import Direction, Kind, Metric
from perftui.core.text import clean


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every kind of source can say."""


class SystemOptions(Options, frozen=True):
    """This host."""

    processes: bool = True
    """Read the process table."""


class AgentOptions(Options, frozen=True):
    """The agent itself."""


class QueueOptions(Options, frozen=True):
    """Which job queues to look for on a Redis."""

    discover: bool = True
    """Find BullMQ queues from CLIENT LIST and by a slow SCAN for `PREFIX:*:meta`."""
    prefix: str = "bull"
    """BullMQ's key prefix."""
    bullmq: tuple[str, ...] = ()
    """BullMQ queues known by name, polled even before they are discovered."""
    lists: tuple[str, ...] = ()
    """Keys of plain lists used as queues."""


class RedisOptions(Options, frozen=True):
    """A Redis, Valkey or KeyDB server (standalone), its hit rate, memory and job queues."""

    url: str = "redis://127.0.0.1:6379/0"
    """`redis://HOST:PORT/DB`, `rediss://…` for TLS, or `unix:///PATH`; no password in it."""
    username: str = ""
    """ACL user."""
    password: Secret | None = None
    """Its password, by reference."""
    ca_file: str = ""
    """Certificate authorities for TLS; the system's when empty."""
    queues: QueueOptions = QueueOptions()
    """Job queues on this server."""
    slow_log: bool = True
    """Read SLOWLOG (arguments are redacted)."""


class MySQLOptions(Options, frozen=True):
    """A MySQL or MariaDB server."""

    host: str = "127.0.0.1"
    """Name or address of the server."""
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 3306
    """Its TCP port."""
    socket: str = ""
    """Path of the Unix socket; wins over host and port."""
    user: str = ""
    """Account; it needs PROCESS, and BINLOG MONITOR (MariaDB) or REPLICATION CLIENT (MySQL)."""
    password: Secret | None = None
    """Its password, by reference."""
    defaults_file: str = ""
    """A my.cnf whose [client] section gives what is not written here: user, password, socket, host, port."""
    ca_file: str = ""
    """Certificate authorities for TLS; no TLS when empty."""


class HttpMetric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One metric taken out of a JSON body."""

    path: str
    """A JMESPath that yields a number (or a list of `{attribute…, value}` objects)."""
    unit: str = "1"
    """A UCUM unit: `s`, `By`, `1`, `{job}`, `{request}/s`."""
    kind: Kind = Kind.GAUGE
    """A level, a change per second, or a share 0..1."""
    counter: bool = False
    """The number only grows: show its change per second."""
    scale: float = 1.0
    """Multiply by this, for instance 0.001 for milliseconds to seconds."""
    description: str = ""
    """What it means, in a few words."""
    bad: Direction | None = None
    """The direction that hurts."""

    def metric(self, name: str) -> Metric:
        """Return what is known of the metric that is declared so under `name`."""
        kind, unit = self.kind, self.unit
        if self.counter:
            kind = Kind.RATE
            unit = unit if unit.endswith("/s") else f"{unit}/s"
        return Metric(
            name=name,
            unit=unit,
            kind=kind,
            description=clean(self.description or f"{self.path} of the body", 200),
            bad=self.bad,
            maximum=1.0 if kind is Kind.RATIO else None,
        )


class HttpOptions(Options, frozen=True):
    """An HTTP endpoint: whether it is up, how long it takes, and what its JSON says."""

    url: str
    """`http://…` or `https://…`; no password in it."""
    method: Literal["GET", "HEAD"] = "GET"
    """HEAD asks only whether it is up."""
    headers: dict[str, str] = {}
    """Further request headers."""
    token: Secret | None = None
    """Sent as `Authorization: Bearer …`."""
    expect: tuple[int, int] = (200, 399)
    """Lowest and highest status that counts as up."""
    ca_file: str = ""
    """Certificate authorities for TLS; the system's when empty."""
    metrics: dict[str, HttpMetric] = {}
    """What to take out of the JSON body: a table `[sources.NAME.metrics."app.users"]` each."""
    cleanup: str = ""
    """URL that takes `POST {"type": "all|cache|memory|cleanup"}` with the token: the application cleans up itself."""


class SystemdOptions(Options, frozen=True):
    """The units of this host's systemd."""

    scope: Literal["system", "user"] = "system"
    """The manager of the system, or that of the user who runs the agent."""
    units: tuple[str, ...] = ("*.service",)
    """Patterns of the units that are shown."""


class SupervisorOptions(Options, frozen=True):
    """The programs of a supervisord."""

    url: str = "unix:///run/supervisor.sock"
    """Its XML-RPC server: `unix:///PATH` or `http://HOST:PORT`."""
    username: str = ""
    """User of its `[unix_http_server]` or `[inet_http_server]`."""
    password: Secret | None = None
    """Its password, by reference."""


KINDS: dict[str, type[Options]] = {
    "system": SystemOptions,
    "agent": AgentOptions,
    "redis": RedisOptions,
    "mysql": MySQLOptions,
    "http": HttpOptions,
    "systemd": SystemdOptions,
    "supervisor": SupervisorOptions,
}
HIDDEN_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
"""Headers of an http source whose value is a secret (lower case)."""

DEFAULT_INTERVAL: dict[str, Duration] = {kind: Duration(1.0) for kind in KINDS} | {
    kind: Duration(5.0) for kind in ("http", "systemd", "supervisor")
}
