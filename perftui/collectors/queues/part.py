"""All job queues of one server: which there are, polled together, at most `MAX_QUEUES` of them."""

from perftui.collectors.queues.bullmq import COLUMNS, BullQueue
from perftui.collectors.queues.discovery import Discovery
from perftui.collectors.queues.lists import ListQueue
from perftui.collectors.redis_info import Info
from perftui.collectors.redis_session import Batch, Session
from perftui.config.kinds import QueueOptions
from perftui.core.reading import Cell, ReadingBuilder, Table
from perftui.core.text import clean

MAX_QUEUES = 100
SAMPLES_EACH = 16
"""Series that a queue left out would have had."""


class Queues:
    """The queues that are configured and those that are found; a reading has them all or counts them as overflow."""

    def __init__(self, options: QueueOptions, database: int) -> None:
        self._options = options
        self._discovery = Discovery(options.prefix, database)
        self._configured = [name.encode() for name in options.bullmq]
        self._lists = [ListQueue(key) for key in options.lists[:MAX_QUEUES]]
        self._queues: dict[bytes, BullQueue] = {}
        self._left_out = 0
        self._server: tuple[float, float] | None = None

    def forget(self) -> None:
        """Drop what was counted; which queues there are stays known."""
        self._server = None
        for queue in self._queues.values():
            queue.forget()
        for each in self._lists:
            each.forget()

    async def explore(self, session: Session, at: float, clients: float = 0.0) -> None:
        """Look for queues and their workers, and decide which are polled from now on; `clients` the server has."""
        if self._options.discover or self._configured:
            await self._discovery.list_clients(session, at, clients)
        if self._options.discover:
            await self._discovery.scan(session, at)
        self._choose()

    def ask(self, batch: Batch, at: float, wall: float) -> None:
        """Ask for every queue; `wall` is our clock, for as long as the server's is not known."""
        server = self._server[0] + at - self._server[1] if self._server else wall
        for queue in self._queues.values():
            queue.ask(batch, at, server, nameless=self._discovery.is_nameless)
        for each in self._lists:
            each.ask(batch)

    def follow(self, batch: Batch) -> None:
        """Ask what only the first replies tell."""
        for queue in self._queues.values():
            queue.follow(batch)

    def report(self, builder: ReadingBuilder, info: Info) -> None:
        """Add the samples of every queue and the table `queues`."""
        if info.server_time is not None:
            self._server = info.server_time, builder.started
        rows: list[tuple[Cell, ...]] = []
        for name, queue in self._queues.items():
            workers = self._workers(name, queue, is_replica=info.text("role") == "slave")
            queue.report(builder, workers)
            if queue.error is not None:
                builder.deny(f"queue {queue.label}", clean(str(queue.error), 120))
            rows.append(queue.row(workers))
        for each in self._lists:
            each.report(builder)
            rows.append((each.label, "list", None, 0, None))
        builder.add("redis.queues", len(rows))
        builder.table("queues", Table(columns=COLUMNS, rows=tuple(rows)))
        builder.leave_out(self._left_out * SAMPLES_EACH)

    def _workers(self, name: bytes, queue: BullQueue, *, is_replica: bool) -> int | None:
        """Return the workers; unknown where no worker ever said its name and yet jobs run.

        Once one did, none is none: a job that is still active then is the orphan of a worker that died. Before that,
        workers may live without a name (some services and proxies forbid it, BullMQ gives none in a Redis Cluster):
        there are none only once the active jobs are seen to be orphans. On a replica nothing tells: workers connect
        to the primary, and locks lapse here when it is the replication that stands still.
        """
        workers = self._discovery.workers
        if workers is None:
            return None
        if self._discovery.is_nameless and (is_replica or (queue.is_busy and not queue.has_orphans_only)):
            return None
        return workers.get(name, 0)

    def _choose(self) -> None:
        """Take the configured ones, then those with workers, then by name."""
        working = self._discovery.workers or {}
        known = self._discovery.names if self._options.discover else set()
        found = sorted(known - set(self._configured), key=lambda name: (not working.get(name), name))
        names = [*self._configured, *found]
        if names != list(self._queues):
            prefix = self._options.prefix.encode()
            kept = {name: self._queues.get(name) or BullQueue(prefix, name) for name in names[:MAX_QUEUES]}
            self._queues = kept
        self._left_out = max(0, len(names) - MAX_QUEUES)
