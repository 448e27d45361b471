"""The items of a plan, pinned: packed as the very commands that apply will send, compressed, and bounded."""

import hashlib
import random
import zlib
from collections.abc import Iterable
from typing import NamedTuple

from perftui.actions.cache.warming.items import Item, Made
from perftui.config.remedies import WarmRecipe
from perftui.core.action import SHOWN_TARGETS
from perftui.core.errors import Refused
from perftui.core.text import clean
from perftui.core.units import size

MOST_PINNED = 64 << 20
MOST_BATCH = 256 << 10
SAMPLE = 500
# What Redis keeps beside the bytes of key and value: entry, object, two string headers, places in the tables; with an
# expiry an entry of that table, too. An eighth more for what the allocator rounds up. Measured on 7.0.
_PER_KEY, _PER_EXPIRY, _ROUNDED = 88, 40, 1.125


class Batch(NamedTuple):
    """So many commands, packed and compressed."""

    number: int
    packed: bytes


class PackedItems:
    """What a plan will write: `held` bytes of it are kept, until `let_go`."""

    def __init__(self, recipe: WarmRecipe, rng: random.Random) -> None:
        self.batches: list[Batch] = []
        self.count = 0
        self.payload = 0
        self.memory = 0.0
        self.held = 0
        self.bad = 0
        self.doubles = 0
        self.first_bad = ""
        self.has_more = False
        self.evicted = 0.0
        self.keys: list[bytes] = []
        self.sample: list[bytes] = []
        self._recipe = recipe
        self._rng = rng
        self._stride = 1
        self._seen: set[int] = set()
        self._hash = hashlib.sha256()
        self._open: list[bytes] = []
        self._open_size = 0
        self._tail = b"" if recipe.overwrite else b"$2\r\nNX\r\n"

    @property
    def digest(self) -> str:
        """A digest of every key and value."""
        return self._hash.hexdigest()

    @property
    def is_full(self) -> bool:
        """Whether the recipe's `most` is reached."""
        return self.count + self.bad >= self._recipe.most

    def add(self, made: Iterable[Made], origin: str = "") -> None:
        """Take items in; what is none is counted, `origin` says where the first of them is. Raises Refused."""
        for each in made:
            if self.is_full:
                self.has_more = True
                return
            if isinstance(each, str):
                self.fail(f"{origin}{each}")
            else:
                self._pin(each)

    def fail(self, why: str) -> None:
        """Count an item that cannot be written."""
        self.bad += 1
        self.first_bad = self.first_bad or clean(why, 200)

    def close(self) -> None:
        """Pack what is left over; nothing can be added any more."""
        self._flush()
        self._seen = set()

    def let_go(self) -> None:
        """Free the items: they are written."""
        self.batches, self.held = [], 0

    def _pin(self, item: Item) -> None:
        mark = hash(item.key)
        if mark in self._seen:
            self.doubles += 1
            return
        self._seen.add(mark)
        key, value = item.key, item.value
        self._hash.update(b"%d %d %b%b" % (len(key), len(value), key, value))
        expiry = self._expiry(self._recipe.ttl if item.ttl is None else item.ttl)
        head = b"*%d\r\n$3\r\nSET\r\n" % (3 + (2 if expiry else 0) + (1 if self._tail else 0))
        command = b"%b$%d\r\n%b\r\n$%d\r\n%b\r\n%b%b" % (head, len(key), key, len(value), value, expiry, self._tail)
        self.count += 1
        self.payload += len(key) + len(value)
        self.memory += (len(key) + len(value) + _PER_KEY + (_PER_EXPIRY if expiry else 0)) * _ROUNDED
        self._remember(key)
        if self._open and self._open_size + len(command) > MOST_BATCH:
            self._flush()
        self._open.append(command)
        self._open_size += len(command)
        if len(self._open) >= self._recipe.batch:
            self._flush()

    def _expiry(self, ttl: float) -> bytes:
        """Return `PX` and its milliseconds, spread by the jitter; nothing for ever."""
        if not ttl:
            return b""
        spread = 1 + self._recipe.jitter * (2 * self._rng.random() - 1)
        milliseconds = b"%d" % max(1, round(ttl * 1000 * spread))
        return b"$2\r\nPX\r\n$%d\r\n%b\r\n" % (len(milliseconds), milliseconds)

    def _remember(self, key: bytes) -> None:
        """Keep the first keys to show, and a sample spread evenly over all to look at."""
        if len(self.keys) < SHOWN_TARGETS:
            self.keys.append(key)
        if self.count % self._stride == 0:
            self.sample.append(key)
            if len(self.sample) > 2 * SAMPLE:
                self.sample = self.sample[::2]
                self._stride *= 2

    def _flush(self) -> None:
        if not self._open:
            return
        packed = zlib.compress(b"".join(self._open), 1)
        self.batches.append(Batch(len(self._open), packed))
        self.held += len(packed)
        self._open, self._open_size = [], 0
        if self.held > MOST_PINNED:
            reason = f"its items take more than {size(MOST_PINNED)} compressed, which a preview may hold"
            raise Refused("limits", reason, f"set most below {self.count:,}, or split the recipe")
