"""Which strings are secrets that this process has read, known by their hashes alone: nothing here can tell one.

Python's `hash` of a string is SipHash under a key of this process, so what is kept means nothing elsewhere.
"""

import re

SHORTEST = 6
"""Shorter ones would blot out ordinary words."""
MOST = 512
_EDGE = re.compile(r"(?<![^\W_])\S|[^\w\s]")

_hashes: dict[int, set[int]] = {}


def remember(secret: str) -> None:
    """Know `secret` from now on; a bounded number of them."""
    if len(secret) >= SHORTEST and sum(map(len, list(_hashes.values()))) < MOST:
        _hashes.setdefault(len(secret), set()).add(hash(secret))


def without_known(text: str, instead: str = "***") -> str:
    """Return `text` with every secret that was read replaced, unless it begins within a word."""
    if not _hashes:
        return text
    parts: list[str] = []
    copied = 0
    for match in _EDGE.finditer(text):
        start = match.start()
        if start >= copied and (length := _known_at(text, start)):
            parts += (text[copied:start], instead)
            copied = start + length
    return "".join((*parts, text[copied:]))


def _known_at(text: str, start: int) -> int:
    """Return the length of the longest known secret that begins here, 0 for none."""
    room = len(text) - start
    hashes = list(_hashes.items())  # a copy: secrets are read on other threads
    fitting = (n for n, known in hashes if n <= room and hash(text[start : start + n]) in known)
    return max(fitting, default=0)
