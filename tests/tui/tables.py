"""Tables of sources in trouble, as the collectors deliver them."""

from perftui.client.state import State
from perftui.core.reading import Table
from tests.support import states

LOCKS = Table(
    columns=(
        *("blocker", "blocker_user", "blocker_doing", "blocker_seconds", "waiting", "waiting_user"),
        *("kind", "object", "seconds", "statement", "sure"),
    ),
    rows=(
        (7, "app", "Sleep", 130.0, 9, "app", "metadata", "shop.orders", 62.0, "ALTER TABLE shop.orders ADD", "likely"),
        (7, "app", "Sleep", 130.0, 11, "web", "metadata", "", 60.0, "SELECT * FROM shop.orders", "likely"),
        (8, "batch", "Updating", 4.2, 12, "web", "row", "shop.stock", 3.0, "UPDATE shop.stock SET n = ?", "yes"),
        (None, "", "", None, 13, "web", "metadata", "", 2.0, "SELECT 1", "unknown"),
    ),
)
STATEMENTS = Table(
    columns=("id", "user", "host", "db", "seconds", "state", "statement"),
    rows=((9, "app", "10.0.0.9", "shop", 62.0, "Waiting for table metadata lock", "ALTER TABLE shop.orders ADD"),),
)
SLOW_LOG = Table(
    columns=("id", "at", "duration", "command", "key", "arguments", "client"),
    rows=((4, states.WALL - 60, 0.0123, "HGETALL", "user:*", 1, "10.0.0.9:4711"),),
)
QUEUES = Table(
    columns=("queue", "kind", "version", "paused", "workers"),
    rows=(("emails", "bullmq", "5.81.5", 0, 4), ("webhook", "bullmq", None, 1, None)),
)
CORES = Table(
    columns=("cpu", "utilization", "user", "system", "iowait", "steal"),
    rows=((0, 0.97, 0.68, 0.29, 0.0, 0.0), (1, 0.12, 0.1, 0.02, None, 0.0)),
)


def with_tables(state: State) -> State:
    """Return the state with a table of each kind."""
    state.tables |= {
        ("orders-db", "locks"): LOCKS,
        ("orders-db", "statements"): STATEMENTS,
        ("cache-1", "slowlog"): SLOW_LOG,
        ("cache-1", "queues"): QUEUES,
        ("web-3", "cores"): CORES,
    }
    return state
