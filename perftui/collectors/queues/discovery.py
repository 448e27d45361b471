"""Finds the BullMQ queues of a server: from its client list first, then by a slow walk over the keys.

Clients: CLIENT LIST, every 5 s and less often the more clients there are; BullMQ names a worker's connection
`PREFIX:BASE64(QUEUE)`, from version 5 with `:w:NAME` behind it when the worker has a name, and a listener's `…:qe`.
Keys: `SCAN cursor MATCH PREFIX:*:meta COUNT 1000`, slices of about 1.5 ms of the server's time, one after the other
until 5 ms in a second are spent; the cursor is kept from poll to poll, and after a pass there is a minute of rest.
"""

import base64
import binascii
import re
from collections.abc import Iterable

from perftui.collectors.every import Every
from perftui.collectors.redis_session import Session

CLIENTS_PERIOD, CLIENTS_PER_SECOND = 5.0, 100
SLICE, SLICES, SCAN_BUDGET, REST = 1000, 5, 0.005, 60.0
KNOWN_MAX = 1000
_SPECIAL = re.compile(r"([*?\[\]\\])")


class Discovery:
    """The names of the queues, and the workers of each (None while that cannot be known)."""

    def __init__(self, prefix: str, database: int) -> None:
        self._prefix = prefix.encode()
        self._pattern = _SPECIAL.sub(r"\\\1", prefix).encode() + b":*:meta"
        name = rb" name=" + re.escape(self._prefix) + rb":([A-Za-z0-9+/=]+)(:\S*)? "
        self._client = re.compile(name + rb"[^\n]*?\bdb=%d " % database)
        self._clients = Every(CLIENTS_PERIOD)
        self._cursor = 0
        self._next_slice = self._next_pass = float("-inf")
        self._found: set[bytes] = set()
        self.names: set[bytes] = set()
        self.workers: dict[bytes, int] | None = None
        self.names_workers = False

    @property
    def is_nameless(self) -> bool:
        """Whether no worker ever said its name, nor does a listener now."""
        return not self.workers and not self.names_workers

    async def list_clients(self, session: Session, at: float, clients: float) -> None:
        """Read the client list when it is time; `clients` is how many there are: what the answer costs."""
        self._clients.period = max(CLIENTS_PERIOD, clients / CLIENTS_PER_SECOND)
        if not self._clients.due(at):
            return
        batch = session.batch()
        reply = batch.ask("CLIENT", "LIST")
        await batch.run()
        self.workers = workers_of(self._client.findall(reply.value)) if reply.value else None
        self.names_workers = self.names_workers or any((self.workers or {}).values())
        self._add(self.workers or {})

    async def scan(self, session: Session, at: float) -> None:
        """Walk on over the keys for as long as this second's share of the server's time allows."""
        if at < max(self._next_slice, self._next_pass):
            return
        self._next_slice = at + 1.0
        spent = 0.0
        for _ in range(SLICES):
            began = session.clock.monotonic()
            goes_on = await self._slice(session)
            spent += session.clock.monotonic() - began
            if not goes_on:
                self._next_pass = at + REST
            if not goes_on or spent >= SCAN_BUDGET:
                return

    async def _slice(self, session: Session) -> bool:
        """Take one step; returns whether the pass goes on."""
        batch = session.batch()
        reply = batch.ask("SCAN", self._cursor, "MATCH", self._pattern, "COUNT", SLICE)
        await batch.run()
        if not reply.value:
            return False
        self._cursor = int(reply.value[0])
        found = [key[len(self._prefix) + 1 : -len(b":meta")] for key in reply.value[1]]
        self._found.update(found[: KNOWN_MAX - len(self._found)])
        self._add(found)
        if self._cursor:
            return True
        self.names = self._found | set(self.workers or ())
        self._found = set()
        return False

    def _add(self, names: Iterable[bytes]) -> None:
        new = [name for name in names if name not in self.names]
        self.names.update(new[: KNOWN_MAX - len(self.names)])


def workers_of(clients: list[tuple[bytes, bytes]]) -> dict[bytes, int]:
    """Return the workers of each queue that a named client works for or listens to; `clients`: (base64, suffix)."""
    workers: dict[bytes, int] = {}
    for encoded, suffix in clients:
        try:
            name = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            continue
        is_worker = not suffix or suffix.startswith(b":w:")
        workers[name] = workers.get(name, 0) + is_worker
    return workers
