"""The lease on a Redis: one key in database 0 with an expiry, renewed while the action runs.

`SET … NX` and what writes count no key lookup; each renewal reads the key once, which is a hit, never a miss. Where the
key is gone before its time (flushed, or evicted: a server short of memory takes what expires soon first), it is taken
again, unless somebody else was quicker. Of a cluster it is held on the primary that owns the key's slot, which every
node names (MOVED): whichever nodes two agents are attached to, they meet there.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from perftui.actions.lease.held import ALREADY, held_by
from perftui.actions.lease.shared import Lease
from perftui.actions.redis.cluster import at
from perftui.actions.redis.link import RedisLink, redis_link
from perftui.config.settings import SourceSettings
from perftui.connect.redis import Moved
from perftui.core.clock import Clock
from perftui.core.errors import BadAnswer, Denied, Refused, SourceError
from perftui.core.text import clean

KEY = "perftui:lease"
RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0"
RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_OURS: set[str] = set()
"""The tokens that this process holds: one server may be configured as two sources, and a bundle may want both."""
_BY_HAND = {RENEW: "PEXPIRE", RELEASE: "DEL"}


@asynccontextmanager
async def redis_lease(source: SourceSettings, holder: str, clock: Clock, life: float) -> AsyncIterator[Lease]:
    """Hold a server, or its cluster, for as long as it is renewed. Raises Refused and SourceError."""
    async with AsyncExitStack() as stack:
        key = _Key(await stack.enter_async_context(redis_link(source, clock)), holder, clock, life)
        lease = Lease(note=await _take(key, source, stack))
        if lease.note:
            yield lease
            return
        renewing = asyncio.create_task(key.keep(lease), name=f"lease on {source.name}")
        _OURS.add(key.token)
        try:
            yield lease
        finally:
            _OURS.discard(key.token)
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            if not lease.lost.is_set():
                await key.release()


async def _take(key: "_Key", source: SourceSettings, stack: AsyncExitStack) -> str:
    """Take the key where it belongs, or return why there is nothing to take. Raises Refused and SourceError."""
    try:
        return await key.take(source.name)
    except Moved as moved:
        owner = at(source, key.link, moved.place)
    try:
        key.link = await stack.enter_async_context(redis_link(owner, key.clock))
        return await key.take(source.name)
    except SourceError as error:
        # Its owner may be what is down: no reason not to mend another node.
        return _without(error)


class _Key:
    """Our key on one server; `life` is in seconds."""

    def __init__(self, link: RedisLink, holder: str, clock: Clock, life: float) -> None:
        self.link = link
        self.token = f"{uuid.uuid4().hex} {holder}"
        self.clock = clock
        self._life = life
        self._until = 0.0
        self._scripts = True

    async def take(self, target: str) -> str:
        """Take it, or return why there is nothing to take. Raises Refused while it is taken, Moved, SourceError."""
        try:
            # It may expire between the two: then it is ours at the second try.
            if await self._set() or ((value := await self._command("GET", KEY)) is None and await self._set()):
                return ""
        except Moved:
            raise
        except (Denied, BadAnswer) as error:
            # A user without rights, a replica, a full memory: no reason to help nobody.
            return _without(error)
        if isinstance(value, bytes) and value.decode("utf-8", "replace") in _OURS:
            return ALREADY
        raise _held(value, target)

    async def keep(self, lease: Lease) -> None:
        """Renew it until it is lost; a server that does not answer is asked again until our time is over."""
        while True:
            await asyncio.sleep(min(self._life / 3, max(0.0, self._until - self.clock.monotonic())))
            try:
                async with asyncio.timeout(max(0.0, self._until - self.clock.monotonic())):
                    ours = await self._renew()
            except (SourceError, TimeoutError):
                ours = self.clock.monotonic() < self._until
            if not ours:
                lease.lost.set()
                return

    async def release(self) -> None:
        """Give it back if it is ours; where that fails, it expires."""
        with contextlib.suppress(SourceError):
            await self._if_ours(RELEASE)

    async def _set(self) -> bool:
        asked = self.clock.monotonic()
        taken = await self._command("SET", KEY, self.token, "NX", "PX", self._milliseconds) is not None
        if taken:
            self._until = asked + self._life
        return taken

    async def _renew(self) -> bool:
        asked = self.clock.monotonic()
        if not await self._if_ours(RENEW, self._milliseconds):
            return await self._set()
        self._until = asked + self._life
        return True

    @property
    def _milliseconds(self) -> int:
        return round(self._life * 1000)

    async def _if_ours(self, script: str, *words: int) -> bool:
        """Do what a script does while the key holds our token; without the right to EVAL, in a transaction."""
        if self._scripts:
            try:
                return bool(await self._command("EVAL", script, 1, KEY, self.token, *words))
            except (Denied, BadAnswer):
                self._scripts = False
        await self._command("WATCH", KEY)
        if await self.link.command("GET", KEY) != self.token.encode():
            await self.link.command("UNWATCH")
            return False
        await self.link.command("MULTI")
        await self.link.command(_BY_HAND[script], KEY, *words)
        return bool(await self.link.command("EXEC"))

    async def _command(self, *words: str | int) -> object:
        """Send a command to database 0; the driver may have connected anew meanwhile, to that of the URL."""
        if self.link.where.database:
            await self.link.command("SELECT", 0)
        reply: object = await self.link.command(*words)
        return reply


def _without(error: SourceError) -> str:
    return f"no lease: {error}; another perftui elsewhere would not be noticed"


def _held(value: object, target: str) -> Refused:
    """Return the refusal that names who wrote the key."""
    words = clean(value, 250).partition(" ")[2] if isinstance(value, bytes) else ""
    return held_by(words or "another perftui", target)
