"""Which keys an invalidation would remove: looked for at a pace that the server does not feel, and pinned."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable

from perftui.actions.pace import Pacer, rest
from perftui.actions.params import Params
from perftui.actions.redis.cluster import Servers
from perftui.actions.redis.link import RedisLink
from perftui.actions.redis.pinned import BLOCK, Gathering, Pinned
from perftui.actions.redis.queues import queue_options
from perftui.config.remedies import ActionRules
from perftui.config.settings import SourceSettings
from perftui.core.clock import Clock
from perftui.core.errors import Refused
from perftui.core.text import clean

SCAN_COUNT = 2000
OWN = b"perftui:"
"""Our own keys on a server (leases): never part of a cache."""
PREFIXES = 1000
QUEUES = 10_000
SAMPLE = 100


class Keys:
    """The keys of one key, pattern or tag; `found` calls it done."""

    def __init__(self, servers: Servers, target: SourceSettings, clock: Clock, rules: ActionRules) -> None:
        self.own = 0
        self._servers = servers
        self._target = target
        self._clock = clock
        self._rules = rules
        self._gathering = Gathering()
        options = queue_options(target)
        self._queues: set[bytes] = set()
        self._prefixes = {f"{options.prefix}:".encode(), b"bull:"}
        self._lists = {name.encode() for name in options.lists}

    async def pinned(self, params: Params) -> Pinned:
        """Return the keys, each once. Raises Refused where there are none, too many, or queues among them."""
        key, pattern, tag = (params[name].encode() for name in ("key", "pattern", "tag"))
        if key:
            # MEMORY USAGE neither counts as a look-up nor frees a key that has expired.
            if await self._servers.link(key).command("MEMORY", "USAGE", key) is not None:
                self._add([key])
        elif pattern:
            await self._scan(pattern)
        else:
            await self._members(tag)
        if not self._gathering.seen:
            raise Refused("target", f"no key there for {clean(key or pattern or tag, 80)}", "check its spelling")
        await self._refuse_queues()
        return await self._gathering.pinned()

    async def _scan(self, pattern: bytes) -> None:
        began, longest = self._clock.monotonic(), self._rules.scan_seconds
        total = await self._servers.size()
        looked = 0
        for link in self._servers.links:
            async for batch, keys in _paced(link, self._clock, ("SCAN",), ("MATCH", pattern)):
                looked += batch
                self._add(keys)
                if self._clock.monotonic() - began > longest:
                    seen = f"{min(looked, total):,} of {total:,} keys looked at in {longest} s"
                    remedy = (
                        "raise scan_seconds in [actions], or choose a narrower pattern, or a tag, which needs no scan"
                    )
                    raise Refused("limits", f"{seen}, {self._gathering.seen:,} of them match", remedy)

    async def _members(self, tag: bytes) -> None:
        link = self._servers.link(tag)
        kind = clean(await link.command("TYPE", tag))
        if kind not in ("set", "none"):
            raise Refused("target", f"{clean(tag, 80)} is a {kind}, and a tag is a set of keys", "name its set")
        async for _, keys in _paced(link, self._clock, ("SSCAN", tag), ()):
            self._add(keys)

    def _add(self, keys: Iterable[bytes]) -> None:
        kept = [key for key in keys if not key.startswith(OWN)]
        self._gathering.add(kept)
        for key in kept:
            if key in self._lists:
                raise Refused("target", f"{clean(key, 80)} is a queue, no cache", "choose a narrower pattern")
            for prefix in self._prefixes:
                if key.startswith(prefix) and len(self._queues) < QUEUES:
                    self._queues.add(prefix + key[len(prefix) :].partition(b":")[0])
        if self._gathering.seen > self._rules.max_targets:
            reason = f"more than {self._rules.max_targets:,} keys match"
            raise Refused("limits", reason, "choose a narrower pattern, or raise max_targets in [actions]")

    async def _refuse_queues(self) -> None:
        for name in sorted(self._queues):
            meta = name + b":meta"
            if await self._servers.link(meta).command("TYPE", meta) == b"hash":
                reason = f"keys of the queue {clean(name, 80)} are among them, and a queue's state is no cache"
                raise Refused("target", reason, "choose a narrower pattern; cleanup.jobs removes finished jobs")


async def _paced(
    link: RedisLink, clock: Clock, words: tuple[str | bytes, ...], more: tuple[str | bytes, ...]
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """Yield how many were asked for and what came, step by step, to the end of a SCAN or SSCAN.

    Between two steps it waits at least as long as one took with all that was done with it here: neither the server nor
    the agent is kept busy for more than half of the time.
    """
    pacer = Pacer((await link.pings())[0], SCAN_COUNT)
    never = asyncio.Event()
    cursor = b"0"
    while True:
        batch, began = pacer.batch, clock.monotonic()
        work, (cursor, found) = await link.timed(*words, cursor, *more, "COUNT", batch)
        yield batch, found
        if cursor == b"0":
            return
        ping, _ = await link.timed("PING")
        await rest(never, max(pacer.pause(work, ping), clock.monotonic() - began))


async def by_prefix(keys: Pinned) -> list[tuple[str, int]]:
    """Return how many keys there are of each prefix (up to the first colon), the most first."""
    counts: Counter[bytes] = Counter()
    for block in keys:
        for key in block:
            prefix, colon, _ = key.partition(b":")
            name = prefix + b":*" if colon else b"without a colon"
            counts[name if name in counts or len(counts) < PREFIXES else b"others"] += 1
        await asyncio.sleep(0)
    return [(clean(name, 60), number) for name, number in counts.most_common()]


def sample(keys: Pinned, most: int = SAMPLE) -> list[bytes]:
    """Return some of the keys: they were put in order by a checksum, so the first are as good as any."""
    return next(iter(keys), [])[: min(most, BLOCK)]


async def memory_of(servers: Servers, keys: Pinned) -> float | None:
    """Return about how many bytes the keys take, by a sample; None where the server does not say."""
    sizes = []
    for key in sample(keys):
        size = await servers.link(key).command("MEMORY", "USAGE", key)
        if size is not None:
            sizes.append(int(size))
    return sum(sizes) / len(sizes) * keys.count if sizes else None
