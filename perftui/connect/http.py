"""One HTTP target: a transport of its own with one kept connection, a bounded body, and failures in plain words.

The request is made once and goes straight to httpx's transport: half the CPU of `AsyncClient`, whose cookies,
redirects, proxies and authentication no probe needs. A probe goes where its URL says, redirects are not followed.
"""

import sys
import time
from importlib.util import find_spec
from typing import NamedTuple

import httpx

from perftui.config.kinds import HttpOptions
from perftui.connect.plain import network_reason, no_secret, trust
from perftui.connect.shown_path import shown_path
from perftui.core.errors import BadAnswer, ConfigError, DeadlineExceeded, SourceError, Unreachable
from perftui.core.text import clean

MAX_BODY = 2 << 20
ANSWER_LIMIT = 30.0
USER_AGENT = "perftui"
_KEEP_ALIVE = 120.0
BAD_HEADER = "a header or the token holds characters that HTTP does not allow"

# httpcore tries to import sniffio four times a request; where it is not installed, that was a fifth of our CPU.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]


class Answer(NamedTuple):
    """What came back; `seconds` from sending the request to the last byte read."""

    status: int
    body: bytes
    seconds: float


class HttpTarget:
    """The client of one URL; `place` is the URL fit for the screen: no user, no password, no query."""

    def __init__(self, options: HttpOptions) -> None:
        self.place = place_of(options.url)
        self._options = options
        self._transport: httpx.AsyncHTTPTransport | None = None
        self._request: httpx.Request | None = None
        self._used = False

    async def open(self) -> None:
        """Make the client; nothing is sent yet. Raises Denied without the token, BadAnswer for what cannot be asked."""
        await self.close()
        if not can_be_asked(self._options.url):
            raise BadAnswer(f"{self.place}: this URL cannot be asked; write it like http://HOST:PORT/PATH")
        try:
            token = await self._options.token.ask() if self._options.token else ""
            # Plain HTTP needs nobody's trust, and loading certificates costs 20 ms.
            is_tls = self._options.url.startswith("https:")
            verify = await trust(self._options.ca_file, self.place) if is_tls else False
        except ConfigError as error:
            raise no_secret(self.place, error) from error
        headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"} | self._options.headers
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._used = False
        try:
            check_headers(headers)
            limits = {"timeout": httpx.Timeout(ANSWER_LIMIT).as_dict()}
            self._request = httpx.Request(self._options.method, self._options.url, headers=headers, extensions=limits)
            keep_one = httpx.Limits(max_connections=1, keepalive_expiry=_KEEP_ALIVE)
            self._transport = httpx.AsyncHTTPTransport(verify=verify, limits=keep_one, trust_env=False)
        except ValueError:
            raise BadAnswer(f"{self.place}: {BAD_HEADER}") from None

    async def fetch(self) -> Answer:
        """Ask once. Raises Unreachable, DeadlineExceeded or BadAnswer."""
        try:
            return await self._ask()
        except httpx.RemoteProtocolError as error:
            # A server may close a kept connection just when the request is on its way: that is no failure of it.
            if not self._used or "without sending a response" not in str(error):
                raise failure(self.place, error) from error
        except httpx.HTTPError as error:
            raise failure(self.place, error) from error
        self._used = False
        return await self.fetch()

    async def close(self) -> None:
        """Close the connection; never raises."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def _ask(self) -> Answer:
        if self._transport is None or self._request is None:
            raise Unreachable(f"{self.place}: not open")
        started = time.perf_counter()
        response = await self._transport.handle_async_request(self._request)
        try:
            body = await self._read(response)
        finally:
            await response.aclose()
        self._used = True
        return Answer(response.status_code, body, time.perf_counter() - started)

    async def _read(self, response: httpx.Response) -> bytes:
        """Return the body as it came; of one that is too large and that nobody needs, the beginning."""
        needed = bool(self._options.metrics)
        encoding = response.headers.get("content-encoding", "identity")
        if needed and encoding != "identity":
            raise BadAnswer(f"{self.place}: the body is {clean(encoding, 40)}-encoded, which we did not ask for")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_BODY:
                if needed:
                    raise BadAnswer(f"{self.place}: the body is larger than {MAX_BODY >> 20} MiB")
                break
        return bytes(body)


def failure(place: str, error: httpx.HTTPError) -> SourceError:
    """Return why a request to `place` failed, in plain words."""
    match error:
        case httpx.ConnectTimeout():
            return Unreachable(f"{place}: no answer within {ANSWER_LIMIT:g} s")
        case httpx.TimeoutException():
            return DeadlineExceeded(f"{place}: no answer within {ANSWER_LIMIT:g} s")
        case httpx.LocalProtocolError():
            # Its text holds the header's value, which may be the token.
            return BadAnswer(f"{place}: {BAD_HEADER}")
        case httpx.RemoteProtocolError():
            return BadAnswer(f"{place}: {_protocol_reason(str(error))}")
    return Unreachable(f"{place}: {network_reason(error)}")


def place_of(url: str) -> str:
    """Return scheme, host, port and path of `url`: what follows and what stands before the host may be secret.

    So may a segment of the path that looks random: it is `…`.
    """
    bare = url.partition("?")[0].partition("#")[0]
    scheme, separator, rest = bare.partition("://")
    host, slash, path = rest.partition("/")
    return clean(scheme + separator + host.rpartition("@")[2] + slash + shown_path(path), 200)


def can_be_asked(url: str) -> bool:
    """Return whether `url` is one that a request can be made of."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host) and (parsed.port or 1) <= 65535


def _protocol_reason(text: str) -> str:
    if "incomplete" in text or "without sending complete" in text:
        return "it closed the connection in the middle of the body"
    if "without sending a response" in text:
        return "it closed the connection without an answer"
    return f"it does not speak HTTP: {clean(text, 120)}"


def check_headers(headers: dict[str, str]) -> None:
    """Raise ValueError for what h11 would refuse only once it is connected."""
    if any(forbidden in text for text in headers.values() for forbidden in "\r\n\0"):
        raise ValueError(BAD_HEADER)
