"""Which strings are secrets that this process has read, known by their hashes alone: nothing here can tell one.

Python's `hash` of a string is SipHash under a key of this process, so what is kept means nothing elsewhere.
"""

import re
import threading

SHORTEST = 6
"""Shorter ones would blot out ordinary words."""
MOST = 512
"""So many are known; then the one that was read the longest ago is forgotten for a new one."""
_EDGE = re.compile(r"(?<![^\W_])\S|[^\w\s]")

_known: dict[tuple[int, int], None] = {}
"""Lengths and hashes, what was read the longest ago first."""
_learning = threading.Lock()


def remember(secret: str) -> None:
    """Know `secret` from now on, for the oldest where there are too many."""
    if len(secret) < SHORTEST:
        return
    with _learning:
        _known.pop((len(secret), hash(secret)), None)
        _known[len(secret), hash(secret)] = None
        if len(_known) > MOST:
            del _known[next(iter(_known))]


def without_known(text: str, instead: str = "***") -> str:
    """Return `text` with every secret that was read replaced, unless it begins within a word."""
    lengths = {length for length, _ in list(_known)}  # a copy: secrets are read on other threads
    if not lengths:
        return text
    parts: list[str] = []
    copied = 0
    for match in _EDGE.finditer(text):
        start = match.start()
        if start >= copied and (length := _known_at(text, start, lengths)):
            parts += (text[copied:start], instead)
            copied = start + length
    return "".join((*parts, text[copied:]))


def _known_at(text: str, start: int, lengths: set[int]) -> int:
    """Return the length of the longest known secret that begins here, 0 for none."""
    room = len(text) - start
    return max((n for n in lengths if n <= room and (n, hash(text[start : start + n])) in _known), default=0)
