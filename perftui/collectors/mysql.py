"""MySQL and MariaDB: load, connections, locks, buffer pool, slow statements, deadlocks, replication.

Calls, one connection: each poll one filtered SHOW GLOBAL STATUS, the same of our own session, one SELECT on
information_schema.innodb_trx and one on information_schema.processlist; on a replica also its status. Where sessions
wait: who waits for whom. MySQL also asks information_schema.innodb_metrics for deadlocks. Every 5 s the
QUERY_RESPONSE_TIME plugin where it is installed; every 30 s max_connections, and whether the server has become a
replica.

Units: seconds, bytes, ratios 0..1; counters as change per second, what is rare also as its sum over the last minute.

Least privileges: MariaDB `GRANT PROCESS, BINLOG MONITOR, SLAVE MONITOR ON *.*`; MySQL `GRANT PROCESS, REPLICATION
CLIENT ON *.*`, and for the blockers in the lock table `GRANT SELECT ON performance_schema.*`. What an account may not
read is denied by name and the rest goes on; since new grants hold for new connections only, a degraded account
connects anew each minute. Our own session and statements are in no figure but `mysql.connections.utilization`.
"""

from collections.abc import Awaitable, Callable

from perftui.collectors.every import Every
from perftui.collectors.mysql_latency import QUERY as RESPONSE_TIMES
from perftui.collectors.mysql_latency import Quantiles, ResponseTimes
from perftui.collectors.mysql_latency import parse as parse_response_times
from perftui.collectors.mysql_locks import lock_table, read_metadata_waits, read_row_waits, root_blocker_age
from perftui.collectors.mysql_replication import add_replication, read_channels
from perftui.collectors.mysql_sessions import read_sessions
from perftui.collectors.mysql_status import OWN_QUERY as OWN_STATUS
from perftui.collectors.mysql_status import QUERY as STATUS
from perftui.collectors.mysql_status import Status, StatusSamples
from perftui.collectors.mysql_status import parse as parse_status
from perftui.config.kinds import MySQLOptions
from perftui.connect.mysql import MySQLConnection, Record
from perftui.core.clock import Clock
from perftui.core.errors import BadAnswer, Denied
from perftui.core.metric import Metric
from perftui.core.rates import share
from perftui.core.reading import Reading, ReadingBuilder

TRY_GRANTS_AGAIN = 60.0
_PLUGINS = """
    SELECT plugin_name FROM information_schema.plugins
    WHERE plugin_status = 'ACTIVE' AND plugin_name IN ('QUERY_RESPONSE_TIME', 'METADATA_LOCK_INFO')"""
_DEADLOCKS = "SELECT count FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks'"
_SESSION_PARTS = (
    "mysql.query.oldest",
    "mysql.transaction.oldest",
    "mysql.metadata_locks.waiting",
    "statements",
    "locks",
    "mysql.lock.root_blocker.age",
)
_LOCK_PARTS = ("locks", "mysql.lock.root_blocker.age")


class MySQLCollector:
    """Polls one server; a part that is refused is denied by name, and the rest goes on."""

    def __init__(
        self, name: str, options: MySQLOptions, clock: Clock, connection: MySQLConnection | None = None
    ) -> None:
        self._name = name
        self._clock = clock
        self._connection = connection or MySQLConnection(options)
        self._samples = StatusSamples()
        self._response_times = ResponseTimes()
        self._forget()

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """None beyond the catalogue."""
        return ()

    def _forget(self) -> None:
        """Start afresh with a new connection."""
        self._refused: dict[str, str] = {}
        self._plugins: set[bytes] = set()
        self._channels: list[Record] = []
        self._quantiles = Quantiles()
        self._max_connections: float | None = None
        self._limits_pace, self._replica_pace, self._quantiles_pace = Every(30), Every(30), Every(5)
        self._grants_pace = Every(TRY_GRANTS_AGAIN)
        self._grants_pace.due(self._clock.monotonic())

    async def open(self) -> None:
        """Connect and find out which plugins are there."""
        await self._connection.open()
        self._forget()
        self._samples.reset()
        self._response_times.reset()
        if self._connection.is_mariadb:
            self._plugins = {row[0] or b"" for row in await self._connection.rows(_PLUGINS)}

    async def close(self) -> None:
        """Leave politely; never raises."""
        await self._connection.close()

    async def poll(self) -> Reading:
        """Read the server once."""
        builder = ReadingBuilder(self._name, self._clock)
        sent = self._connection.statements
        if self._refused and self._grants_pace.due(builder.started):
            await self.open()
        status = await self._poll_status(builder)
        await self._part(builder, _SESSION_PARTS, lambda: self._poll_sessions(builder, status))
        await self._part(builder, ("mysql.replica.running",), lambda: self._poll_replication(builder))
        await self._poll_response_times(builder)
        builder.fact("version", self._connection.version)
        builder.fact("family", "MariaDB" if self._connection.is_mariadb else "MySQL")
        builder.commands = self._connection.statements - sent
        return builder.build()

    async def _part(self, builder: ReadingBuilder, what: tuple[str, ...], read: Callable[[], Awaitable[None]]) -> None:
        """Run `read`; when it fails say why for each of `what`. A refusal stands until the next connection."""
        why = self._refused.get(what[0])
        if why is None:
            try:
                await read()
                return
            except Denied as denied:
                why = self._refused[what[0]] = str(denied)
            except BadAnswer as failure:
                why = str(failure)
        for name in what:
            builder.deny(name, why)

    async def _poll_status(self, builder: ReadingBuilder) -> Status:
        status = parse_status(await self._connection.rows(STATUS))
        own = parse_status(await self._connection.rows(OWN_STATUS))
        deadlocks = status.get("Innodb_deadlocks")
        if deadlocks is None:
            deadlocks = await self._ask_deadlocks(builder)
        self._samples.add(builder, status, own, deadlocks)
        if self._limits_pace.due(builder.started):
            rows = await self._connection.rows("SELECT @@global.max_connections")
            self._max_connections = float(rows[0][0] or 0) or None
        builder.add("mysql.connections.max", self._max_connections)
        taken = share(status.get("Threads_connected"), self._max_connections)
        builder.add("mysql.connections.utilization", taken)
        return status

    async def _ask_deadlocks(self, builder: ReadingBuilder) -> float | None:
        found: list[float] = []

        async def read() -> None:
            found.extend(float(row[0] or 0) for row in await self._connection.rows(_DEADLOCKS))

        await self._part(builder, ("mysql.deadlocks.recent",), read)
        return found[0] if found else None

    async def _poll_sessions(self, builder: ReadingBuilder, status: Status) -> None:
        sessions = await read_sessions(self._connection)
        builder.add("mysql.query.oldest", sessions.oldest_statement)
        builder.add("mysql.transaction.oldest", sessions.oldest_transaction)
        builder.add("mysql.metadata_locks.waiting", sessions.waiting_for_metadata)
        builder.table("statements", sessions.statements())

        async def read_locks() -> None:
            waits = []
            if status.get("Innodb_row_lock_current_waits"):
                waits += await read_row_waits(self._connection)
            if sessions.waiting_for_metadata:
                plugin = b"METADATA_LOCK_INFO" in self._plugins
                waits += await read_metadata_waits(self._connection, sessions, plugin)
            builder.add("mysql.lock.root_blocker.age", root_blocker_age(waits, sessions.all))
            builder.table("locks", lock_table(waits, sessions.all))

        await self._part(builder, _LOCK_PARTS, read_locks)

    async def _poll_replication(self, builder: ReadingBuilder) -> None:
        """Ask a replica each time; any other server, whose long answer is empty, now and then."""
        due = self._replica_pace.due(builder.started)
        if due or self._channels:
            self._channels = await read_channels(self._connection)
        add_replication(builder, self._channels)
        if self._channels:
            builder.fact("role", "replica")

    async def _poll_response_times(self, builder: ReadingBuilder) -> None:
        if b"QUERY_RESPONSE_TIME" not in self._plugins:
            return
        if self._quantiles_pace.due(builder.started):
            buckets = parse_response_times(await self._connection.rows(RESPONSE_TIMES))
            self._quantiles = self._response_times.quantiles(buckets, builder.started)
        builder.add("mysql.query.duration.p90", self._quantiles.p90)
        builder.add("mysql.query.duration.p95", self._quantiles.p95)
