"""The exact targets of a plan that may be millions: kept compressed, with a digest, given back in blocks."""

import asyncio
import hashlib
import zlib
from collections.abc import Iterable, Iterator

import msgspec

BLOCK = 1000
"""Items that a block has at most."""
_BUCKETS = 256
_SPILL = 500


class Pinned:
    """Byte strings in the order they were added; `held` bytes are kept, for a million keys of 20 bytes some 5 MB."""

    def __init__(self) -> None:
        self.count = 0
        self.held = 0
        self._blocks: list[bytes] = []
        self._digest = hashlib.sha256()

    def add(self, items: Iterable[bytes]) -> None:
        """Add items, split into blocks."""
        rest = list(items)
        for start in range(0, len(rest), BLOCK):
            block = rest[start : start + BLOCK]
            packed = msgspec.msgpack.encode(block)
            self._digest.update(packed)
            self._blocks.append(zlib.compress(packed, 1))
            self.held += len(self._blocks[-1])
            self.count += len(block)

    def __iter__(self) -> Iterator[list[bytes]]:
        """Yield the blocks."""
        for packed in self._blocks:
            yield msgspec.msgpack.decode(zlib.decompress(packed), type=list[bytes])

    @property
    def digest(self) -> str:
        """SHA-256 of all that was added."""
        return self._digest.hexdigest()


class Gathering:
    """Takes in items of which some come twice, as a SCAN gives keys, and gives each once, in bounded memory.

    By a checksum they go into buckets, compressed; duplicates share a bucket, and one bucket at a time is unpacked.
    """

    def __init__(self) -> None:
        self.seen = 0
        self._open: list[list[bytes]] = [[] for _ in range(_BUCKETS)]
        self._closed: list[list[bytes]] = [[] for _ in range(_BUCKETS)]

    def add(self, items: Iterable[bytes]) -> None:
        """Take in items; `seen` counts them, with those that come twice."""
        for item in items:
            self.seen += 1
            number = zlib.crc32(item) % _BUCKETS
            bucket = self._open[number]
            bucket.append(item)
            if len(bucket) >= _SPILL:
                self._closed[number].append(zlib.compress(msgspec.msgpack.encode(bucket), 1))
                bucket.clear()

    async def pinned(self) -> Pinned:
        """Return each item once; lets the loop breathe between two buckets."""
        whole, ready = Pinned(), list[bytes]()
        for number in range(_BUCKETS):
            once = dict.fromkeys(self._open[number])
            for packed in self._closed[number]:
                once.update(dict.fromkeys(msgspec.msgpack.decode(zlib.decompress(packed), type=list[bytes])))
            self._open[number], self._closed[number] = [], []
            ready += once
            full = len(ready) - len(ready) % BLOCK
            whole.add(ready[:full])
            del ready[:full]
            await asyncio.sleep(0)
        whole.add(ready)
        return whole
