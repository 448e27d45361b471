"""Untrusted text: made visible and harmless at ingestion, once, before anything stores it."""

import re
from collections.abc import Iterable

# C0, DEL, C1, soft hyphen, bidi controls and isolates, zero-width, line separators, lone surrogates, BOM, tags.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}


def clean(raw: str | bytes, limit: int = 500) -> str:
    """Return `raw` as one line that no terminal acts on, at most `limit` characters.

    C0 becomes its control picture (ESC is `␛`), other controls and bidi marks become `<U+202E>`.
    """
    # Cut before the work, so that a huge body costs no more than what is kept of it; and after it, since marks grow.
    text = raw[: 4 * limit + 4].decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    text = text[: limit + 1]
    if not (text.isascii() and text.isprintable()):
        text = _UNSAFE.sub(_visible, text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `did you mean "…"?` with the name in `known` that is nearest to `name`; empty when none is near."""
    from difflib import get_close_matches  # here, because the early frame imports this module and never asks

    near = get_close_matches(name, list(known), n=1)
    return f'did you mean "{near[0]}"?' if near else ""


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    return _PICTURES.get(code) or f"<U+{code:04X}>"
