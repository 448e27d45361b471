"""Which BullMQ queues a Redis has: from its latest reading and its settings, and by a bounded look at its keys."""

import re

from perftui.actions.contract import Ground
from perftui.actions.redis.link import RedisLink
from perftui.config.kinds import QueueOptions, RedisOptions
from perftui.config.settings import SourceSettings
from perftui.core.text import clean

_SPECIAL = re.compile(r"([*?\[\]\\])")
SCAN_SECONDS = 3.0
SCAN_COUNT = 1000


def queue_options(target: SourceSettings) -> QueueOptions:
    """Return what the source says of its queues."""
    return target.options.queues if isinstance(target.options, RedisOptions) else QueueOptions()


def queue_prefix(target: SourceSettings, queue: str) -> bytes:
    """Return the prefix of a queue's keys: `bull:mail:`."""
    return f"{queue_options(target).prefix}:{queue}:".encode()


def bullmq_names(ground: Ground, target: SourceSettings) -> list[str]:
    """Return the BullMQ queues of the latest reading and of the settings, by name."""
    reading = ground.readings.get(target.name)
    table = reading.tables.get("queues") if reading else None
    found = {str(row[0]) for row in table.rows if row[1] == "bullmq"} if table else set()
    return sorted(found | set(queue_options(target).bullmq))


async def look_for_queues(link: RedisLink, target: SourceSettings, databases: list[int]) -> tuple[list[str], bool]:
    """Return the BullMQ queues among the keys of these databases, and whether all of them were looked at.

    Stops at the first that it finds, or after 3 s. The connection stays in the last database. Raises SourceError.
    """
    pattern = _SPECIAL.sub(r"\\\1", queue_options(target).prefix) + ":*:meta"
    spent = 0.0
    for database in databases:
        await link.command("SELECT", database)
        cursor = b"0"
        while True:
            took, (cursor, keys) = await link.timed("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT)
            spent += took
            if keys:
                return [clean(key.removesuffix(b":meta").partition(b":")[2], 120) for key in keys], True
            if cursor == b"0":
                break
            if spent > SCAN_SECONDS:
                return [], False
    return [], True
