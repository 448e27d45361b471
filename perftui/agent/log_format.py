"""One line of the log: JSON, in UTC, harmless to a terminal, free of secrets."""

import re
import time
from collections.abc import Mapping
from pathlib import PurePath
from types import TracebackType

import msgspec

from perftui.core.known_secrets import without_known
from perftui.core.text import clean

_LONGEST = 500
_MOST = 50
_DEEPEST = 4
_FRAMES = 20
_CHAIN = 5
_WORDS = (
    r"pass(?:word|wd|phrase|code)?|pwd|secret|token|(?:api|access|private|routing|integration)[-_ ]?key|credentials?"
    r"|cookie|signature|sig|authorization|auth|session[-_]?id"
)
_NAME = rf"(?i)(?:^|[^a-z])(?:{_WORDS})$"
_PATTERNS = (
    (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*", "***"),
    # What follows the scheme of a messenger is its token; elsewhere what stands before the host.
    (r"(?i)\b((?!https?:|unix:|rediss?:|mysql:|mariadb:|file:|tcp:)[a-z][a-z0-9+.-]*://)[^\s\"'<>]+", r"\1***"),
    (r"(://)(?:[^\s/:@]*:\S*|[^\s/]*)@", r"\1***@"),
    (r"([?&]key=)[^\s&\"']+", r"\1***"),
    (r"(?i)\b(bearer\s+)[\w.~+/=-]+", r"\1***"),
    (r"(?i)((?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?(?:(?:basic|digest|token)\s+)?)[^\s\"',;]+", r"\1***"),
    (rf"(?i)((?:\b|[-_.])(?:{_WORDS})[\"']?\s*[:=]\s*)(?:\"[^\"]*\"?|'[^']*'?|[^\s&,;\"')}}\]]+)", r"\1***"),
    (r"(?i)\b(identified\s+by\s+)(?:\"[^\"]*\"?|'[^']*'?)", r"\1***"),
    (rf"(?i)\b((?:{_WORDS})\s+)(?=\S*\d)[\w.+/=-]{{16,}}", r"\1***"),
    (r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*", "***"),
    (r"\b(?:xox[a-z]-|gh[opsu]_|glpat-|AKIA|sk_live_)[\w-]{8,}", "***"),
)
_URL = r"https?://[^\s\"'<>]+"
_TOKEN_IN_PATH = r"/(?=[A-Za-z_-]*\d)[\w-]{20,}"
"""A long part of a URL's path with digits in it: webhooks have their token there."""

Fields = Mapping[str, object]


def line(created: float, level: str, logger: str, event: str, fields: Fields) -> bytes:
    """Return one record with its newline; `created` is wall seconds."""
    record: dict[str, object] = {"ts": _time(created), "level": level, "logger": logger, "event": _text(event)}
    for name, value in fields.items():
        record[name if name not in record else f"{name}_"] = _plain(name, value)
    return msgspec.json.encode(record) + b"\n"


def redact(text: str) -> str:
    """Return `text` without secrets: those that this process has read, and what looks like one."""
    text = without_known(text)
    # Compiled with the first line, on the thread that writes it: 6 ms that no start should wait for.
    for pattern, instead in _PATTERNS:
        text = re.sub(pattern, instead, text)
    return re.sub(_URL, lambda url: re.sub(_TOKEN_IN_PATH, "/***", url[0]), text)


def defect(error: BaseException) -> list[dict[str, object]]:
    """Return an error and what led to it, each with where it was raised, the last call last; no values of variables."""
    chain: list[BaseException] = [error]
    for each in chain:
        causes = each.exceptions if isinstance(each, BaseExceptionGroup) else (each.__cause__ or each.__context__,)
        chain += [cause for cause in causes if cause is not None and cause not in chain]
        if len(chain) >= _CHAIN:
            break
    return [
        {"error": f"{type(each).__name__}: {each}", "frames": _frames(each.__traceback__)} for each in chain[:_CHAIN]
    ]


def _frames(traceback: TracebackType | None) -> list[str]:
    frames: list[str] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        where = "/".join(PurePath(code.co_filename).parts[-3:])
        frames.append(f"{where}:{traceback.tb_lineno} {code.co_qualname}")
        traceback = traceback.tb_next
    return frames[-_FRAMES:]


def _time(wall: float) -> str:
    milliseconds = int(wall * 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(milliseconds // 1000)) + f".{milliseconds % 1000:03d}Z"


def _text(raw: str) -> str:
    # Cut before the work, with room for a secret at the border to be seen whole.
    return clean(redact(raw[: 4 * _LONGEST]), _LONGEST)


def _plain(name: str, value: object, depth: int = 0) -> object:
    """Return a value as JSON can have it, bounded."""
    if isinstance(value, bool | int | float | None):
        return value
    if re.search(_NAME, name) and not isinstance(value, Mapping):
        return "***"
    if isinstance(value, str):
        return _text(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        items = list(value.items())[:_MOST]
        return {_text(str(key)): _plain(str(key), each, depth + 1) for key, each in items}
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return [_plain("", each, depth + 1) for each in list(value)[:_MOST]]
    return _text(str(value))
