"""Traffic on a Redis used as a cache: lookups of which a known share hits, and keys that expire."""

import asyncio
import random

from redis.asyncio import Redis

HOT_KEYS = 2000
BATCH = 100
SESSIONS = 40
SESSION_IDS = 50_000
"""So many that some expired ones always wait for a cleanup, and so few that memory stays bounded."""


class CacheTraffic:
    """500 lookups a second; `hit_rate` (0..1) is the share that finds its key, exactly, in every batch of 100."""

    def __init__(self, port: int) -> None:
        self.hit_rate = 0.97
        self._redis = Redis(port=port)
        self._random = random.Random(1)

    async def prepare(self) -> None:
        """Fill the hot keys."""
        await self._redis.mset({f"user:{number}": "x" * 400 for number in range(HOT_KEYS)})

    async def forget(self) -> None:
        """Lose half of the hot keys, as after a restart: what is looked up misses until somebody fills it again."""
        await self._redis.unlink(*(f"user:{number}" for number in range(0, HOT_KEYS, 2)))

    async def run(self) -> None:
        """Look up and write until cancelled."""
        try:
            while True:
                await self._batch()
                await asyncio.sleep(BATCH / 500)
        finally:
            await self._redis.aclose()

    async def _batch(self) -> None:
        found = round(BATCH * self.hit_rate)
        pipeline = self._redis.pipeline(transaction=False)
        for _ in range(found):
            pipeline.get(f"user:{self._random.randrange(HOT_KEYS)}")
        for _ in range(BATCH - found):
            pipeline.get(f"gone:{self._random.random()}")
        for _ in range(SESSIONS):
            pipeline.set(f"session:{self._random.randrange(SESSION_IDS)}", "x" * 200, ex=self._random.randint(5, 20))
        await pipeline.execute()
