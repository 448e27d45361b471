"""The servers that hold the keys of one redis source: itself, or every primary of the cluster that it is a node of.

`CLUSTER SLOTS` (3.0 and later) lists ranges of slots, each with its primary first: `[first, last, [host, port, id, …],
replicas…]`. A node that does not know its own address leaves the host empty: then it is the one that was asked.
Slots may move meanwhile: a key whose slot has moved is answered by an error (MOVED), and stays.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import msgspec

from perftui.actions.redis.link import RedisLink, identity_of, redis_link, refuse_replica
from perftui.config.address import host_port
from perftui.config.kinds import RedisOptions
from perftui.config.settings import SourceSettings
from perftui.core.clock import Clock
from perftui.core.errors import Refused
from perftui.core.text import clean

SLOTS = 16384


class Servers:
    """Connections to those servers, all in one database; `place` says which of them holds a key."""

    def __init__(self, links: list[RedisLink], infos: list[dict[str, str]], owners: list[int] | None = None) -> None:
        self.links = links
        self.infos = infos
        self._owners = owners

    @property
    def is_cluster(self) -> bool:
        """Whether there are slots."""
        return self._owners is not None

    @property
    def identity(self) -> dict[str, str]:
        """What tells these servers from any others: run_id, role and address of each."""
        each = [identity_of(info, link) for info, link in zip(self.infos, self.links, strict=True)]
        return {name: ",".join(found[name] for found in each) for name in ("run_id", "role", "address")}

    def place(self, key: bytes) -> int:
        """Return the index of the server that holds a key; 0 also where no server serves its slot."""
        if self._owners is None:
            return 0
        from redis.crc import key_slot

        return max(0, self._owners[key_slot(key)])

    def link(self, key: bytes) -> RedisLink:
        """Return the connection to the server that holds a key."""
        return self.links[self.place(key)]

    async def size(self) -> int:
        """Return how many keys the database has."""
        return sum([int(await link.command("DBSIZE")) for link in self.links])

    async def read_infos(self) -> list[dict[str, str]]:
        """Read INFO of each again."""
        return [await link.info() for link in self.links]


@asynccontextmanager
async def servers(
    target: SourceSettings, clock: Clock, why: str, database: int | None = None
) -> AsyncIterator[Servers]:
    """Connect to the source or to all primaries of its cluster, and select the database.

    Raises SourceError, and Refused on a replica that stands alone; `why` says why a primary is needed.
    """
    async with AsyncExitStack() as stack:
        seed = await stack.enter_async_context(redis_link(target, clock))
        info = await seed.info()
        if info.get("cluster_enabled") != "1":
            refuse_replica(target, info, why)
            if database is not None and database != seed.where.database:
                await seed.command("SELECT", database)
            yield Servers([seed], [info])
            return
        if database:
            raise Refused("parameters", f"{target.name} is a cluster, which has database 0 alone", "leave database out")
        places, owners = _places(await seed.command("CLUSTER", "SLOTS"), seed)
        links = [await stack.enter_async_context(redis_link(at(target, seed, place), clock)) for place in places]
        yield Servers(links, [await link.info() for link in links], owners)


def _places(ranges: Any, seed: RedisLink) -> tuple[list[tuple[str, int]], list[int]]:
    """Return the addresses of the primaries, and for each slot the index of its primary (-1: nobody's)."""
    known: dict[tuple[str, int], int] = {}
    owners = [-1] * SLOTS
    for first, last, (host, port, *_), *_replicas in ranges:
        name = clean(host) if host and host != b"?" else seed.where.host
        number = known.setdefault((name, int(port)), len(known))
        for slot in range(int(first), int(last) + 1):
            owners[slot] = number
    if not known:
        raise Refused("target", f"no slot of the cluster at {seed.where} is served", "look at CLUSTER INFO")
    order = sorted(known)
    index = {known[place]: number for number, place in enumerate(order)}
    return order, [index.get(owner, -1) for owner in owners]


def at(target: SourceSettings, seed: RedisLink, place: tuple[str, int]) -> SourceSettings:
    """Return the same source, with the same credentials, at another node of its cluster."""
    options = seed.options
    scheme = "rediss" if seed.where.tls else "redis"
    assert isinstance(options, RedisOptions)
    moved = msgspec.structs.replace(options, url=f"{scheme}://{host_port(*place)}/0")
    return msgspec.structs.replace(target, options=moved)
