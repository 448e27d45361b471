"""The settings that `cache.tune` changes: as they are and are to be, read and set, the limit in steps."""

import asyncio
import math
from typing import NamedTuple

from perftui.actions.contract import Job
from perftui.actions.redis.link import RedisLink, keyspace, number
from perftui.core.clock import Clock
from perftui.core.errors import BadAnswer, Denied, SourceError
from perftui.core.text import clean
from perftui.core.units import size

NAMES = ("maxmemory", "maxmemory-policy", "maxmemory-samples")
MIB = 1 << 20
STEPS = 50
SMALLEST_STEP = MIB
SLACK = MIB
"""Bytes above the limit that are no sign of trouble: buffers come and go, that of our own INFO among them."""
LOOK_EVERY = 0.02
STUCK_AFTER = 5.0


class Change(NamedTuple):
    """One setting, before and after, as the server writes them."""

    name: str
    before: str
    after: str

    def words(self) -> tuple[str, str]:
        """Return both as people read them."""
        if self.name != "maxmemory":
            return self.before, self.after
        return _limit_words(int(self.before)), _limit_words(int(self.after))


class Server(NamedTuple):
    """What a plan rests on: INFO, CONFIG, and what they will be."""

    name: str
    info: dict[str, str]
    config: dict[str, str]
    wanted: dict[str, str]

    @property
    def used(self) -> float:
        """The bytes that count against the limit."""
        return used_of(self.info)

    @property
    def keys(self) -> int:
        """All keys, in all databases."""
        return sum(keys for keys, _ in keyspace(self.info).values())

    @property
    def over(self) -> float:
        """By how many bytes what is used exceeds the new limit; 0 when it does not."""
        limit = int(self.wanted["maxmemory"])
        return max(0.0, self.used - limit) if limit else 0.0

    @property
    def evicted(self) -> float:
        """About how many keys must go."""
        each = number(self.info, "used_memory_dataset") / self.keys if self.keys else 0.0
        return min(self.over / each, float(self.keys)) if each else 0.0

    @property
    def policy(self) -> str:
        """The eviction policy to be."""
        return self.wanted["maxmemory-policy"]

    @property
    def is_tighter(self) -> bool:
        """Whether the limit will be lower, or the policy will evict where it did not."""
        before, after = (int(values["maxmemory"]) or math.inf for values in (self.config, self.wanted))
        return after < before or (self.config["maxmemory-policy"] == "noeviction" != self.policy)

    @property
    def evicts_more(self) -> bool:
        """Whether keys may be evicted that were not before."""
        return self.policy != "noeviction" and self.is_tighter

    @property
    def undone(self) -> "Server":
        """The server with the change taken back."""
        return self._replace(config=self.wanted, wanted=self.config)


class Setting:
    """Sets one thing after the other; `done` is what the server took, as (before, now)."""

    def __init__(self, link: RedisLink, job: Job, clock: Clock) -> None:
        self.done: dict[str, Change] = {}
        self.trouble = ""
        self._link = link
        self._job = job
        self._clock = clock

    async def run(self, changes: tuple[Change, ...]) -> None:
        """Set them all, until cancelled. Raises SourceError."""
        for change in changes:
            if self._job.cancelled.is_set() or self.trouble:
                return
            if change.name == "maxmemory":
                await self._limit(change)
            else:
                await self._set(change, change.after)

    async def _set(self, change: Change, value: str) -> None:
        try:
            await self._link.command("CONFIG", "SET", change.name, value)
        except (Denied, BadAnswer) as error:
            raise _forbidden(self._link, error) from error
        self.done[change.name] = change._replace(after=value)

    async def _limit(self, change: Change) -> None:
        """Go down to the limit in steps, each until what must go is gone."""
        limit = int(change.after)
        used = used_of(await self._link.info())
        begin, low = used, limit or used
        step = max(SMALLEST_STEP, math.ceil((begin - low) / STEPS))
        level = begin - step
        while level > low and not self._job.cancelled.is_set():
            await self._set(change, str(int(level)))
            self._job.report((begin - level) / (begin - low), f"{size(level)} of {size(begin)}, down to {size(low)}")
            if not await self._reached(level):
                return
            level -= step
        if not self._job.cancelled.is_set():
            await self._set(change, change.after)
            await self._reached(limit or math.inf)

    async def _reached(self, level: float) -> bool:
        """Wait until no more is used than that; False, with what is wrong, when nothing goes any more."""
        least, since = math.inf, self._clock.monotonic()
        while not self._job.cancelled.is_set():
            used = used_of(await self._link.info())
            if used <= level + SLACK:
                return True
            now = self._clock.monotonic()
            if used < least:
                least, since = used, now
            elif now - since > STUCK_AFTER:
                self.trouble = f"nothing more can be evicted: {size(used)} in use, the limit is {size(level)}"
                return False
            await asyncio.sleep(LOOK_EVERY)
        return False


async def read_config(link: RedisLink) -> dict[str, str]:
    """Return the settings that matter here. Raises Denied where CONFIG is forbidden."""
    found: dict[str, str] = {}
    for pattern in ("maxmemory*", "save", "appendonly"):
        try:
            flat = await link.command("CONFIG", "GET", pattern)
        except (Denied, BadAnswer) as error:
            raise _forbidden(link, error) from error
        found |= dict(zip(map(clean, flat[::2]), map(clean, flat[1::2]), strict=True))
    missing = [name for name in NAMES if name not in found]
    if missing:
        raise BadAnswer(f"{link.where} has no setting {missing[0]}")
    return found


def _forbidden(link: RedisLink, error: SourceError) -> Denied:
    return Denied(
        f"{link.where} does not let us configure it ({clean(str(error), 120)}): a managed service has a console of its"
        " own for that; an ACL user needs +config|get +config|set"
    )


def _limit_words(limit: int) -> str:
    return str(size(limit)) if limit else "no limit"


def used_of(info: dict[str, str]) -> float:
    """Return the bytes that count against the limit."""
    return number(info, "used_memory") - number(info, "mem_not_counted_for_evict")
