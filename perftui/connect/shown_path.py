"""The path of a URL as it may be shown: a segment that looks like a token is `…`.

Whoever has a token should not put it there but into `token`: a short or word-like one is not told from a name.
"""

import re

HIDDEN = "…"
_LEAST = 20
"""Characters below which a segment is taken for a name."""
_WORD = re.compile(r"[A-Za-z]?[a-z]{0,18}|[A-Z]{1,19}|v?\d{1,8}")
_APART = re.compile(r"[^A-Za-z0-9]+")


def shown_path(path: str) -> str:
    """Return a path with what looks random hidden."""
    return "/".join(HIDDEN if looks_random(segment) else segment for segment in path.split("/"))


def looks_random(segment: str) -> bool:
    """Return whether a segment of 20 or more characters is anything else than words, dates and small numbers."""
    return len(segment) >= _LEAST and not all(_WORD.fullmatch(word) for word in _APART.split(segment))
