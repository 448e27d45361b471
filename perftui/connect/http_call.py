"""One HTTP request of an action: filled in safely, sent once, answered within a deadline.

What is filled into a URL is percent-escaped and can change neither the host nor the path's other segments; what is
filled into a body is a JSON value, or the inside of a JSON string where it stands in one. Redirects are not followed
and the environment's proxies are not used: the token goes where the setting says and nowhere else.

A secret belongs into `token` (or a header): of a URL only what looks like a secret is hidden where it is shown.
"""

import asyncio
import hashlib
import json
import re
import shlex
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import msgspec

from perftui.config.placeholders import IN_JSON, PLACEHOLDER
from perftui.config.remedies import HttpCall
from perftui.config.secret import Secret
from perftui.connect.plain import no_secret, trust
from perftui.connect.shown_path import HIDDEN, looks_random
from perftui.core.errors import BadAnswer, ConfigError, DeadlineExceeded, Denied, SourceError, Uncertain
from perftui.core.text import clean

if TYPE_CHECKING:
    import httpx

MOST_BODY = 64 << 10
SUCCESS = (200, 299)
_LONGEST_LINE = 2000
_TELLS_SECRET = re.compile(r"auth|cookie|key|token|secret|passw|signature|credential", re.IGNORECASE)
_SECRET_FIELD = re.compile(r"api.?key|token|secret|passw|credential", re.IGNORECASE)
_NOT_KNOWN = "; it is not known whether it was done"
_LOST_BEHIND = (502, 504)
"""What a gateway answers when it lost the server behind it, which may have done it."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Values = Mapping[str, str | Sequence[str]]


class Sent(NamedTuple):
    """What came back: `body` cleaned line by line, `content` as it came; `seconds` from the start to the last byte."""

    status: int
    body: str
    seconds: float
    content: bytes = b""

    @property
    def first_line(self) -> str:
        """Return the first line of the body that says something, shortened; empty when none does."""
        return next((clean(line.strip(), 200) for line in self.body.splitlines() if line.strip()), "")


class Question(NamedTuple):
    """A request that is complete: nothing is left to fill in."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = {}
    token: Secret | None = None
    content: bytes = b""
    ca_file: str = ""


async def send(call: HttpCall, values: Values, timeout: float) -> Sent:
    """Send a call and return its answer. Raises ConfigError for what cannot be filled in, SourceError else.

    Denied for 401 and 403 and a token that cannot be had, BadAnswer for another status outside `expect`; Uncertain when
    the connection was lost or the time was up after the request was on its way, and for a gateway's 502 and 504.
    """
    question = question_of(call, values)
    sent = await ask(question, timeout)
    check_status(question, sent, call.expect)
    return sent


def question_of(call: HttpCall, values: Values) -> Question:
    """Return the request that a call is with its parameters filled in. Raises ConfigError."""
    return Question(_filled_url(call.url, values), call.method, call.headers, call.token, content_of(call, values))


async def ask(
    question: Question,
    timeout: float,
    *,
    limit: int = MOST_BODY,
    transport: "httpx.AsyncHTTPTransport | None" = None,
) -> Sent:
    """Ask once, whatever the status; of the body `limit` bytes are read.

    Raises Uncertain once it was on its way, another SourceError while nothing was sent or nothing can have been done.
    """
    import httpx

    from perftui.connect.http import failure, place_of

    place, on_its_way = place_of(question.url), asyncio.Event()
    started = time.perf_counter()
    try:
        async with asyncio.timeout(timeout):
            request = await _request(question, on_its_way)
            if transport is not None:
                status, content = await _exchange(transport, request, limit)
            else:
                async with transport_for(question) as own:
                    status, content = await _exchange(own, request, limit)
    except TimeoutError:
        error: SourceError = DeadlineExceeded(f"{place}: no answer within {timeout:g} s")
        raise _in_the_middle(question, error, on_its_way) from None
    except httpx.HTTPError as broken:
        raise _in_the_middle(question, failure(place, broken), on_its_way) from broken
    return Sent(status, _text(content), time.perf_counter() - started, content)


@asynccontextmanager
async def transport_for(question: Question, connections: int = 1) -> "AsyncIterator[httpx.AsyncHTTPTransport]":
    """Hold the connections to where a question goes. Raises Denied for an unreadable `ca_file`."""
    import httpx

    from perftui.connect.http import place_of

    try:
        verify = await trust(question.ca_file, place_of(question.url)) if question.url.startswith("https:") else False
    except ConfigError as error:
        raise no_secret(place_of(question.url), error) from error
    limits = httpx.Limits(max_connections=connections)
    transport = httpx.AsyncHTTPTransport(verify=verify, limits=limits, trust_env=False)
    try:
        yield transport
    finally:
        await transport.aclose()


async def fetch_json(url: str, token: Secret | None, timeout: float, limit: int) -> Any:
    """Return the JSON that a GET yields, at most `limit` bytes of it. Raises SourceError."""
    from perftui.connect.http import place_of

    question = Question(url, headers={"Accept": "application/json"}, token=token)
    sent = await ask(question, timeout, limit=limit + 1)
    check_status(question, sent, SUCCESS)
    if len(sent.content) > limit:
        raise BadAnswer(f"{place_of(url)}: the body is larger than {limit:,} bytes")
    try:
        return msgspec.json.decode(sent.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadAnswer(f"{place_of(url)}: the body is not JSON") from None


def check_status(question: Question, sent: Sent, expect: tuple[int, int]) -> None:
    """Raise Denied for 401 and 403, Uncertain for what a gateway lost, BadAnswer for another status out of `expect`."""
    from perftui.connect.http import place_of

    if expect[0] <= sent.status <= expect[1]:
        return
    said = f": {sent.first_line}" if sent.first_line else ""
    words = f"{place_of(question.url)} answered {sent.status}{said}"
    if sent.status in _LOST_BEHIND and question.method not in _SAFE_METHODS:
        raise Uncertain(words + _NOT_KNOWN)
    raise (Denied if sent.status in (401, 403) else BadAnswer)(words)


def call_identity(call: HttpCall) -> dict[str, str]:
    """Return what tells a call from any other: where it goes, and a digest of all that it says but its token."""
    from perftui.connect.http import place_of

    return {"url": place_of(call.url), "call": hashlib.sha256(repr(call).encode()).hexdigest()[:16]}


def preview(call: HttpCall, values: Values) -> str:
    """Return the curl command that does the same, secrets as variables. Raises ConfigError."""
    words = ["curl", *([] if call.method == "GET" else ["-X", call.method]), shlex.quote(_shown_url(call.url, values))]
    if call.token is not None:
        words += ["-H", '"Authorization: Bearer $TOKEN"']
    for name, value in call.headers.items():
        words += ["-H", _shown_header(clean(name, 100), value)]
    content = content_of(call, values)
    if content:
        if not any(name.lower() == "content-type" for name in call.headers):
            words += ["-H", shlex.quote("Content-Type: application/json")]
        shown = json.dumps(_without_secrets(msgspec.json.decode(content)), ensure_ascii=False)
        words += ["--data-raw", shlex.quote(clean(shown, _LONGEST_LINE))]
    return " ".join(words)


async def _request(question: Question, on_its_way: asyncio.Event) -> "httpx.Request":
    import httpx

    from perftui.connect.http import BAD_HEADER, USER_AGENT, can_be_asked, check_headers, place_of

    place = place_of(question.url)
    if not can_be_asked(question.url):
        raise BadAnswer(f"{place}: this URL cannot be asked; write it like http://HOST:PORT/PATH")
    try:
        token = await question.token.ask() if question.token else ""
    except ConfigError as error:
        raise no_secret(place, error) from error
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    headers |= {"Content-Type": "application/json"} if question.content else {}
    given = {name.lower() for name in question.headers}
    headers = {name: value for name, value in headers.items() if name.lower() not in given} | dict(question.headers)
    if token:
        headers["Authorization"] = f"Bearer {token}"

    async def trace(event: str, _: object) -> None:
        if event.endswith("send_request_headers.started"):
            on_its_way.set()

    try:
        check_headers(headers)
        # No timeouts of the driver's: ours is over all.
        extensions = {"timeout": httpx.Timeout(None).as_dict(), "trace": trace}
        content = question.content or (None if question.method in _SAFE_METHODS else b"")
        return httpx.Request(question.method, question.url, headers=headers, content=content, extensions=extensions)
    except ValueError:
        raise BadAnswer(f"{place}: {BAD_HEADER}") from None


async def _exchange(transport: "httpx.AsyncHTTPTransport", request: "httpx.Request", limit: int) -> tuple[int, bytes]:
    response = await transport.handle_async_request(request)
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) >= limit:
                break
    finally:
        await response.aclose()
    return response.status_code, bytes(body[:limit])


def _in_the_middle(question: Question, error: SourceError, on_its_way: asyncio.Event) -> SourceError:
    """Return the error as it is while nothing was sent (or nothing can have been changed), else as Uncertain."""
    if not on_its_way.is_set() or question.method in _SAFE_METHODS:
        return error
    return Uncertain(f"{error}{_NOT_KNOWN}")


def _text(content: bytes) -> str:
    lines = content.decode("utf-8", "replace").splitlines()
    return "\n".join(clean(line, _LONGEST_LINE) for line in lines)


def _filled_url(url: str, values: Values) -> str:
    """Return the URL with its placeholders filled in. Raises ConfigError."""
    head, path, query = _parts(url)
    if PLACEHOLDER.search(head):
        raise ConfigError("url: a parameter may stand in the path and in the query, not before them")
    filled = "/".join([_segment(segment, values) for segment in path.split("/")])
    return head + filled + PLACEHOLDER.sub(lambda found: _escaped(found[1], values), query)


def _segment(segment: str, values: Values) -> str:
    filled = PLACEHOLDER.sub(lambda found: _escaped(found[1], values), segment)
    if filled != segment and filled in ("", ".", ".."):
        # `DELETE /users/{id}` with nothing for id, or with `..`, would delete something else.
        names = ", ".join(PLACEHOLDER.findall(segment))
        raise ConfigError(f"url: {names} may be neither empty nor dots alone: it would name another path")
    return filled


def _parts(url: str) -> tuple[str, str, str]:
    """Return a URL as scheme and host, path, and query with its `?`; the fragment is nobody's."""
    bare, mark, query = url.partition("#")[0].partition("?")
    scheme, separator, rest = bare.partition("://")
    host, slash, path = rest.partition("/")
    return scheme + separator + host, slash + path, mark + query


def _escaped(name: str, values: Values) -> str:
    value = _value(name, values, "url")
    return quote(value, safe="") if isinstance(value, str) else ",".join(quote(each, safe="") for each in value)


def _value(name: str, values: Values, where: str) -> str | list[str]:
    if name not in values:
        raise ConfigError(f"{where}: there is no parameter {clean(name, 40)}")
    value = values[name]
    return value if isinstance(value, str) else list(value)


def content_of(call: HttpCall, values: Values) -> bytes:
    """Return the body with its placeholders filled in. Raises ConfigError where that is not JSON."""

    def fill(found: re.Match[str]) -> str:
        if found[1] is not None:
            return json.dumps(_value(found[1], values, "body"))
        return PLACEHOLDER.sub(lambda inner: _inside(_value(inner[1], values, "body")), found[0])

    if not call.body.strip():
        return b""
    content = IN_JSON.sub(fill, call.body).encode()
    try:
        msgspec.json.decode(content)
    except msgspec.DecodeError:
        raise ConfigError("body: it is not JSON once its parameters are filled in") from None
    return content


def _inside(value: str | list[str]) -> str:
    """Return what stands for a value inside a JSON string."""
    return json.dumps(value if isinstance(value, str) else ",".join(value))[1:-1]


def _shown_url(url: str, values: Values) -> str:
    """Return the filled URL without user and password; of its path and query what is no parameter may be secret."""
    head, path, query = _parts(_filled_url(url, values))
    scheme, separator, host = head.partition("://")
    _, path_before, query_before = _parts(url)
    segments = zip(path.split("/"), path_before.split("/"), strict=True)
    place = "/".join(HIDDEN if looks_random(PLACEHOLDER.sub("", was)) else segment for segment, was in segments)
    pairs = zip(query.removeprefix("?").split("&"), query_before.removeprefix("?").split("&"), strict=True)
    shown = "&".join(pair if PLACEHOLDER.search(was) else _hidden(pair) for pair, was in pairs)
    return clean(scheme + separator + host.rpartition("@")[2] + place + (f"?{shown}" if query else ""), _LONGEST_LINE)


def _hidden(pair: str) -> str:
    name, equals, value = pair.partition("=")
    return name + equals + (HIDDEN if value else "")


def _shown_header(name: str, value: str) -> str:
    if _TELLS_SECRET.search(name):
        return f'"{name}: ${re.sub("[^A-Z0-9]", "_", name.upper())}"'
    return shlex.quote(f"{name}: {clean(value, 200)}")


def _without_secrets(value: object) -> object:
    match value:
        case dict():
            return {
                name: HIDDEN if isinstance(each, str) and _SECRET_FIELD.search(name) else _without_secrets(each)
                for name, each in value.items()
            }
        case list():
            return [_without_secrets(each) for each in value]
    return value
