"""What a server's other clients feel: a connection of its own that PINGs every 2 ms, from a thread."""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field

from tests.support.redis_server import RedisServer, Wire

EVERY = 0.002


@dataclass
class Pings:
    """The PINGs taken while something was done (seconds each)."""

    name: str
    taken: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """Return the time (ms) within which that share of the PINGs was answered."""
        return sorted(self.taken)[int(share * (len(self.taken) - 1))] * 1e3

    def __str__(self) -> str:
        figures = "  ".join(f"p{share * 100:g} {self.quantile(share):.2f} ms" for share in (0.5, 0.99, 0.999))
        return f"PING {self.name:<8} {figures}  worst {max(self.taken) * 1e3:.2f} ms  ({len(self.taken)} pings)"


async def watched(server: RedisServer, name: str, work: Awaitable[object]) -> Pings:
    """PING the server until the work is done."""
    pings, done = Pings(name), asyncio.Event()
    watching = asyncio.create_task(_watch(server, pings.taken, done))
    try:
        await work
    finally:
        done.set()
        await watching
    return pings


async def _watch(server: RedisServer, taken: list[float], done: asyncio.Event) -> None:
    with server.wire() as wire:
        while not done.is_set():
            taken.append(await asyncio.to_thread(_ping, wire))
            await asyncio.sleep(EVERY)


def _ping(wire: Wire) -> float:
    started = time.perf_counter()
    wire("PING")
    return time.perf_counter() - started
