"""A Redis, Valkey or KeyDB server (one node) and the job queues on it.

Calls: one round trip a poll: INFO (0.6 ms of the server's time), and with it 10 to 16 small commands for each
BullMQ queue and one for each list, every 2 s up to 4 more for a queue with active jobs where no worker says its
name; every 5 s also SLOWLOG GET 1, LATENCY HISTOGRAM (7.0 and later) and CLIENT LIST; a second round trip when there
is something new to look up; SCAN in slices while queues are searched for. All without a transaction and without a
script. Units: seconds, bytes, per second, shares 0..1.

Least privileges, an ACL user that can read nothing but this:
    ACL SETUSER perftui on >PASSWORD resetkeys -@all +ping +hello +auth +info +dbsize +role +latency|histogram
        +latency|latest +slowlog|get +slowlog|len +client|list +client|setname +client|id +config|get +memory|stats
for job queues also
        +llen +zcard +lindex +hmget +scan +get +zcount %R~bull:*
(+get for arrivals and the locks of active jobs, +zcount for completions of queues whose workers keep no metrics;
+select for another database than 0). INFO must be allowed; whatever else is not costs only what it feeds, and the
reading says what.

The hit rate is that of the last interval, without our own lookups; with no traffic it is absent.
"""

from perftui.collectors.queues.part import Queues
from perftui.collectors.redis_info import Info, InfoMetrics
from perftui.collectors.redis_latency import Latency
from perftui.collectors.redis_session import Session
from perftui.collectors.redis_slowlog import SlowLog
from perftui.config.kinds import RedisOptions
from perftui.connect.redis import connect, disconnect, source_error
from perftui.core.clock import Clock
from perftui.core.errors import Unreachable
from perftui.core.metric import Metric
from perftui.core.reading import Reading, ReadingBuilder

FEEDS = {
    "SLOWLOG GET": "slowlog",
    "LATENCY HISTOGRAM": "redis.latency.p95",
    "CLIENT LIST": "queue.workers",
    "SCAN": "queue discovery",
    "LLEN": "queue.depth",
    "ZCARD": "queue.jobs",
    "HMGET": "queue.paused",
    "LINDEX": "queue.oldest_age",
    "GET": "queue.added",
    "ZCOUNT": "queue.completed",
}
"""What a command is there for: said when the user may not run it."""


class RedisCollector:
    """Polls one server over one connection."""

    metrics: tuple[Metric, ...] = ()

    def __init__(self, name: str, options: RedisOptions, clock: Clock) -> None:
        self._name = name
        self._options = options
        self._clock = clock
        self._session: Session | None = None
        self._info = InfoMetrics()
        self._latency = Latency()
        self._slowlog = SlowLog() if options.slow_log else None
        self._queues: Queues | None = None

    async def open(self) -> None:
        """Connect; what was counted before is dropped, so that no rate spans the time without a connection."""
        await self.close()
        client, where = await connect(self._options)
        self._session = Session(client, where, self._clock)
        self._queues = self._queues or Queues(self._options.queues, where.database)
        self._forget()
        await self._queues.explore(self._session, self._clock.monotonic())

    async def close(self) -> None:
        """Give the connection back."""
        session, self._session = self._session, None
        if session is not None:
            await disconnect(session.client)

    async def poll(self) -> Reading:
        """Read the server and its queues once."""
        session, queues = self._session, self._queues
        if session is None or queues is None:
            raise Unreachable("not connected")
        builder = ReadingBuilder(self._name, self._clock)
        sent, ours = session.sent, session.take_probes()
        info = await self._ask(session, queues, builder.started)
        if self._info.notice_restart(info):
            self._forget()
        self._info.report(builder, info, ours)
        self._latency.report(builder)
        if self._slowlog:
            self._slowlog.report(builder)
        queues.report(builder, info)
        await queues.explore(session, builder.started, info.number("connected_clients") or 0.0)
        _say_what_is_denied(builder, session)
        builder.commands = session.sent - sent
        return builder.build()

    async def _ask(self, session: Session, queues: Queues, at: float) -> Info:
        """Send what this poll asks, INFO first, so that what we cause shows in the next one; return INFO."""
        batch = session.batch()
        reply = batch.ask("INFO")
        self._latency.ask(batch, at)
        if self._slowlog:
            self._slowlog.ask(batch, at)
        queues.ask(batch, at, self._clock.wall())
        await batch.run()
        if reply.error is not None:
            raise source_error(reply.error, session.where) from reply.error
        more = session.batch()
        if self._slowlog:
            self._slowlog.follow(more)
        queues.follow(more)
        await more.run()
        return Info(reply.value)

    def _forget(self) -> None:
        self._info.forget()
        self._latency.forget()
        if self._slowlog:
            self._slowlog.forget()
        if self._queues:
            self._queues.forget()


def _say_what_is_denied(builder: ReadingBuilder, session: Session) -> None:
    for command in session.denied:
        permission = command.lower().replace(" ", "|")
        builder.deny(FEEDS.get(command, permission), f"not permitted: the user needs +{permission}")
