"""The lease: a target is held on the target itself, so that two agents do not work on it at once.

| kind | how | what ends it |
|---|---|---|
| redis | `SET perftui:lease TOKEN NX PX`, database 0 (a cluster: on that slot's primary), renewed | its expiry |
| mysql | `GET_LOCK('perftui.action', 0)` on a connection held for the length | the connection |
| system, systemd, supervisor | an abstract Unix socket of the host, named by the thing | the process |

Others hold nothing. Importing this loads no driver.
"""

from contextlib import AbstractAsyncContextManager, nullcontext

from perftui.actions.lease.host import host_lease
from perftui.actions.lease.mysql import mysql_lease
from perftui.actions.lease.redis import redis_lease
from perftui.actions.lease.shared import Lease
from perftui.config.kinds import MySQLOptions, RedisOptions
from perftui.config.settings import SourceSettings
from perftui.core.clock import Clock
from perftui.core.text import clean

LIFE = 30.0
"""Seconds after which what nobody renews is free again."""
HOST_KINDS = ("system", "systemd", "supervisor")
LONGEST_HOLDER = 160


def lease_on(
    source: SourceSettings, holder: str, clock: Clock, *, life: float = LIFE
) -> AbstractAsyncContextManager[Lease]:
    """Return what holds a source while it is entered; `holder` says who to whoever comes second (no secrets in it).

    Entering raises Refused while somebody else holds it, and SourceError when the target cannot be reached.
    """
    holder = clean(holder, LONGEST_HOLDER)
    if isinstance(source.options, RedisOptions):
        return redis_lease(source, holder, clock, life)
    if isinstance(source.options, MySQLOptions):
        return mysql_lease(source, life)
    if source.kind in HOST_KINDS:
        return host_lease(source)
    return nullcontext(Lease())
