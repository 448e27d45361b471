"""The lease on a Redis: one key in database 0 with an expiry, renewed while the action runs.

`SET … NX` and what writes count no key lookup; each renewal reads the key once, which is a hit, never a miss. Where the
key is gone before its time (flushed, or evicted: a server short of memory takes what expires soon first), it is taken
again, unless somebody else was quicker.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from perftui.actions.lease.held import ALREADY, held_by
from perftui.actions.lease.shared import Lease
from perftui.actions.redis.link import RedisLink, redis_link
from perftui.config.settings import SourceSettings
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
    """Hold a server for as long as it is renewed. Raises Refused and SourceError."""
    async with redis_link(source, clock) as link:
        key = _Key(link, f"{uuid.uuid4().hex} {holder}", clock, life)
        lease = Lease(note=await key.take(source.name))
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


class _Key:
    """Our key on one server; `life` is in seconds."""

    def __init__(self, link: RedisLink, token: str, clock: Clock, life: float) -> None:
        self._link = link
        self.token = token
        self._clock = clock
        self._life = life
        self._until = 0.0
        self._scripts = True

    async def take(self, target: str) -> str:
        """Take it, or return why there is nothing to take. Raises Refused while it is taken, and SourceError."""
        try:
            # It may expire between the two: then it is ours at the second try.
            if await self._set() or ((value := await self._command("GET", KEY)) is None and await self._set()):
                return ""
        except (Denied, BadAnswer) as error:
            # A user without rights, a replica, a full memory: no reason to help nobody.
            return f"no lease: {error}; another perftui elsewhere would not be noticed"
        if isinstance(value, bytes) and value.decode("utf-8", "replace") in _OURS:
            return ALREADY
        raise _held(value, target)

    async def keep(self, lease: Lease) -> None:
        """Renew it until it is lost; a server that does not answer is asked again until our time is over."""
        while True:
            await asyncio.sleep(min(self._life / 3, max(0.0, self._until - self._clock.monotonic())))
            try:
                async with asyncio.timeout(max(0.0, self._until - self._clock.monotonic())):
                    ours = await self._renew()
            except (SourceError, TimeoutError):
                ours = self._clock.monotonic() < self._until
            if not ours:
                lease.lost.set()
                return

    async def release(self) -> None:
        """Give it back if it is ours; where that fails, it expires."""
        with contextlib.suppress(SourceError):
            await self._if_ours(RELEASE)

    async def _set(self) -> bool:
        asked = self._clock.monotonic()
        taken = await self._command("SET", KEY, self.token, "NX", "PX", self._milliseconds) is not None
        if taken:
            self._until = asked + self._life
        return taken

    async def _renew(self) -> bool:
        asked = self._clock.monotonic()
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
        if await self._link.command("GET", KEY) != self.token.encode():
            await self._link.command("UNWATCH")
            return False
        await self._link.command("MULTI")
        await self._link.command(_BY_HAND[script], KEY, *words)
        return bool(await self._link.command("EXEC"))

    async def _command(self, *words: str | int) -> object:
        """Send a command to database 0; the driver may have connected anew meanwhile, to that of the URL."""
        if self._link.where.database:
            await self._link.command("SELECT", 0)
        reply: object = await self._link.command(*words)
        return reply


def _held(value: object, target: str) -> Refused:
    """Return the refusal that names who wrote the key."""
    words = clean(value, 250).partition(" ")[2] if isinstance(value, bytes) else ""
    return held_by(words or "another perftui", target)
