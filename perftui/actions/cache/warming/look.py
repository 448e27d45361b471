"""Looks at keys without being counted as a hit or a miss, where that can be had."""

from collections.abc import Sequence

from perftui.actions.redis.link import RedisLink
from perftui.connect.redis import Command
from perftui.core.errors import BadAnswer
from perftui.core.text import clean
from perftui.core.units import MISSING, seconds

_AT_ONCE = 100


async def count_there(link: RedisLink, keys: Sequence[bytes]) -> int:
    """Return how many of some keys are held: MEMORY USAGE counts neither as hit nor as miss, EXISTS would.

    What has expired and is not freed yet is held, too.
    """
    found = 0
    for first in range(0, len(keys), _AT_ONCE):
        commands: list[Command] = [("MEMORY", "USAGE", key, "SAMPLES", 1) for key in keys[first : first + _AT_ONCE]]
        replies = await link.pipeline(commands)
        refused = next((reply for reply in replies if isinstance(reply, Exception)), None)
        if refused is not None:
            raise BadAnswer(f"{link.where} does not say which keys are there: {clean(str(refused), 200)}")
        found += sum(reply is not None for reply in replies)
    return found


async def expiries(link: RedisLink, keys: Sequence[bytes]) -> tuple[int, str]:
    """Return how many of some keys live, and when they expire; PTTL counts as a look-up, so they should be few."""
    replies = await link.pipeline([("PTTL", key) for key in keys])
    left = sorted(reply / 1000 for reply in replies if isinstance(reply, int) and reply >= 0)
    lasting = sum(reply == -1 for reply in replies)
    words = [f"in {seconds(left[0])} to {seconds(left[-1])}"] if left else []
    return len(left) + lasting, ", ".join([*words, *([f"{lasting} never"] if lasting else [])]) or MISSING
