"""The slow log: how many commands entered it, and the newest of them without anybody's data.

Every 5 s `SLOWLOG GET 1`; ids only grow, so its id says how many are new, and only those are then fetched (128 at
most). Arguments hold user data: of each command stays its name, the number of arguments and the shape of its key,
`user:*` for `user:1234:alice`: the first word when it can only be a namespace, a star for each part behind it.
"""

import re
from collections import deque
from typing import Any

from perftui.collectors.every import Every
from perftui.collectors.redis_session import Batch, Reply
from perftui.connect.redis import CLIENT_NAME
from perftui.core.reading import Cell, ReadingBuilder, Table
from perftui.core.text import clean

PERIOD = 5.0
FETCH, KEEP = 128, 50
COLUMNS = ("id", "at", "duration", "command", "key", "arguments", "client")
"""`at` is epoch seconds of the server, `duration` seconds, `client` its address."""

CONTAINERS = frozenset({"ACL", "CLIENT", "CLUSTER", "CONFIG", "DEBUG", "FUNCTION", "LATENCY", "MEMORY", "SCRIPT"})
KEYLESS = CONTAINERS | frozenset({"AUTH", "EVAL", "EVALSHA", "FCALL", "FLUSHALL", "FLUSHDB", "HELLO", "INFO", "KEYS"})
KEYLESS |= frozenset({"PSUBSCRIBE", "PUBLISH", "SCAN", "SELECT", "SLOWLOG", "SUBSCRIBE", "WAIT"})
NAMESPACE = re.compile(r"[A-Za-z][A-Za-z_.-]{0,23}(?=:)")


class SlowLog:
    """Follows the slow log by id."""

    def __init__(self) -> None:
        self._every = Every(PERIOD)
        self._rows: deque[tuple[Cell, ...]] = deque(maxlen=KEEP)
        self._newest: Reply | None = None
        self._fetched: Reply | None = None
        self._seen: tuple[int, float] | None = None
        self._rate: float | None = None

    def forget(self) -> None:
        """Start again: after a restart the ids begin anew."""
        self._rows.clear()
        self._seen = None
        self._rate = None

    def ask(self, batch: Batch, at: float) -> None:
        """Ask for the newest entry when it is time."""
        self._newest = batch.ask("SLOWLOG", "GET", 1) if self._every.due(at) else None
        self._fetched = None

    def follow(self, batch: Batch) -> None:
        """Fetch the entries that are new."""
        if self._newest is None:
            return
        if self._newest.value:
            new = self._newest.value[0][0] - (self._seen[0] if self._seen else -1)
            self._fetched = batch.ask("SLOWLOG", "GET", min(new, FETCH)) if new > 0 else None

    def report(self, builder: ReadingBuilder) -> None:
        """Add the rate and the table."""
        if self._newest is not None and self._newest.ok:
            self._count(builder.started)
        builder.add("redis.slowlog.rate", self._rate)
        builder.table("slowlog", Table(columns=COLUMNS, rows=tuple(self._rows)))

    def _count(self, at: float) -> None:
        entries = self._fetched.value if self._fetched and self._fetched.value else []
        theirs = [entry for entry in entries if not _is_ours(entry)]
        newest = entries[0][0] if entries else (self._seen[0] if self._seen else -1)
        if self._seen is None:
            self._every.hasten()
        else:
            last, since = self._seen
            more = newest - last - (len(entries) - len(theirs))
            self._rate = more / (at - since) if at > since else None
        self._seen = (newest, at)
        self._rows.extendleft(row(entry) for entry in reversed(theirs))


def row(entry: list[Any]) -> tuple[Cell, ...]:
    """Return an entry `[id, at, microseconds, arguments, address, name]` with its arguments redacted."""
    number, at, micros, arguments = entry[:4]
    command = clean(arguments[0], 32).upper() if arguments else "?"
    address = clean(entry[4], 64) if len(entry) > 4 else ""
    name, key = redacted(command, arguments[1:])
    return number, at, micros / 1e6, name, key, len(arguments) - 1, address


def redacted(command: str, arguments: list[bytes]) -> tuple[str, str]:
    """Return the command's name (with the subcommand of a container) and the shape of its first key."""
    if command in CONTAINERS and arguments:
        return f"{command} {clean(arguments[0], 32).upper()}", ""
    if command in ("EVAL", "EVALSHA", "FCALL"):
        return command, shape(arguments[2]) if len(arguments) > 2 and arguments[1] != b"0" else ""
    return command, shape(arguments[0]) if arguments and command not in KEYLESS else ""


def shape(key: bytes) -> str:
    """Return `user:*:*` for `user:1234:alice`; a key with no namespace is just `*`."""
    text = key.decode("utf-8", "replace")
    namespace = NAMESPACE.match(text)
    parts = min(text.count(":"), 8)
    return namespace.group() + ":*" * parts if namespace else "*"


def _is_ours(entry: list[Any]) -> bool:
    return len(entry) > 5 and bool(entry[5] == CLIENT_NAME.encode())
