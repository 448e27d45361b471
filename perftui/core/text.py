"""Untrusted text: made visible and harmless at ingestion, once, before anything stores it."""

import re

# C0, DEL, C1, bidi controls and isolates, zero-width characters, line separators, lone surrogates, BOM.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}


def clean(raw: str | bytes, limit: int = 500) -> str:
    """Return `raw` as one line that no terminal acts on, at most `limit` characters.

    C0 becomes its control picture (ESC is `␛`), other controls and bidi marks become `<U+202E>`.
    """
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    return _PICTURES.get(code) or f"<U+{code:04X}>"
