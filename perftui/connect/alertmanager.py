"""An Alertmanager's API, version 2: alerts pushed, silences read, made and ended.

Each request has a deadline and a bounded answer. httpx is loaded with the first request: most agents push nowhere.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from perftui.config.secret import Secret
from perftui.connect.plain import trust
from perftui.core.clock import Clock
from perftui.core.errors import ConfigError, DeadlineExceeded, NotifyError
from perftui.core.text import clean

if TYPE_CHECKING:
    import httpx

DEADLINE = 5.0
MAX_ANSWER = 8 << 20
_IDLE = 5.0
"""Shorter than what sits in between keeps a connection, so that none is used that the other side has just closed."""
_SKEW = 2.0
"""Seconds that two clocks may differ before it counts: the header tells whole seconds, and the way takes time, too."""


class Rejected(NotifyError):
    """It answered well and does not take what it was sent: the same again is as wrong."""


class PushedAlert(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An alert as Alertmanager takes it: the labels are its identity, and it is over when `ends_at` has passed."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime


class LabelMatcher(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One condition of a silence; a regular expression matches the whole value."""

    name: str
    value: str
    is_regex: bool = False
    is_equal: bool = True


class NewSilence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A silence to be made."""

    matchers: tuple[LabelMatcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str


class _Status(msgspec.Struct, frozen=True):
    state: str


class ListedSilence(NewSilence, frozen=True, kw_only=True, rename="camel"):
    """A silence that is there; expired ones are listed for some days."""

    id: str
    status: _Status

    @property
    def is_active(self) -> bool:
        """Whether it holds now."""
        return self.status.state == "active"


class _Made(msgspec.Struct, frozen=True):
    silence_id: str = msgspec.field(name="silenceID")


class Alertmanager:
    """The client of one Alertmanager; every request raises NotifyError, in plain words without its address.

    `url` may have a path before the API's own. `ahead` is by how many seconds its clock is before ours, as far as it
    said: what it is told and what it says of times is by its clock.
    """

    def __init__(self, url: str, token: Secret | None, clock: Clock) -> None:
        self._base = url.rstrip("/") + "/api/v2"
        self._token = token
        self._clock = clock
        self._transport: httpx.AsyncHTTPTransport | None = None
        self._headers: dict[str, str] = {}
        self.ahead = 0.0

    async def push(self, alerts: Sequence[PushedAlert]) -> None:
        """Tell it what fires and what ended."""
        await self._ask("POST", "/alerts", msgspec.json.encode(alerts))

    async def silences(self) -> list[ListedSilence]:
        """Return its silences, pending and expired ones, too; one that cannot be read is left out."""
        body = await self._ask("GET", "/silences")
        try:
            raws = msgspec.json.decode(body, type=list[msgspec.Raw])
        except msgspec.MsgspecError as error:
            raise NotifyError("what answers is no Alertmanager: its list of silences cannot be read") from error
        return [silence for raw in raws if (silence := _listed(raw)) is not None]

    async def add_silence(self, silence: NewSilence) -> str:
        """Make a silence and return its id there."""
        body = await self._ask("POST", "/silences", msgspec.json.encode(silence))
        try:
            return msgspec.json.decode(body, type=_Made).silence_id
        except msgspec.MsgspecError as error:
            raise NotifyError("what answers is no Alertmanager: it does not say which silence it made") from error

    async def end_silence(self, id: str) -> None:
        """End a silence by its id there."""
        await self._ask("DELETE", f"/silence/{id}")

    async def close(self) -> None:
        """Close the connection; the next request opens one, with the token as it is then."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Return the body of a good answer. After a failure the next request starts with a new connection."""
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._exchange(method, path, body)
        except TimeoutError as error:
            await self.close()
            raise NotifyError(f"no answer within {DEADLINE:g} s") from error
        except NotifyError:
            await self.close()
            raise

    async def _exchange(self, method: str, path: str, body: bytes) -> bytes:
        import httpx

        from perftui.connect.http import failure

        transport = self._transport or await self._open()
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        limits = {"timeout": httpx.Timeout(DEADLINE).as_dict()}
        try:
            request = httpx.Request(method, self._base + path, headers=headers, content=body, extensions=limits)
            response = await transport.handle_async_request(request)
            try:
                answer = await _read(response)
            finally:
                await response.aclose()
        except httpx.HTTPError as error:
            raise NotifyError(str(failure("", error)).removeprefix(": ")) from error
        self._take_time(response.headers.get("date", ""))
        if response.status_code != 200:
            raise _refusal(response.status_code, answer, response.headers.get("retry-after", ""))
        return answer

    async def _open(self) -> "httpx.AsyncHTTPTransport":
        import httpx

        from perftui.connect.http import BAD_HEADER, USER_AGENT, can_be_asked, check_headers

        if not can_be_asked(self._base):
            raise NotifyError("its URL cannot be asked; write it like http://HOST:9093")
        try:
            token = await self._token.ask() if self._token else ""
            verify = await trust("", self._base) if self._base.startswith("https:") else False
        except (ConfigError, DeadlineExceeded) as error:
            raise NotifyError(str(error)) from error
        self._headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        try:
            check_headers(self._headers)
        except ValueError:
            raise NotifyError(BAD_HEADER) from None
        one = httpx.Limits(max_connections=1, keepalive_expiry=_IDLE)
        self._transport = httpx.AsyncHTTPTransport(verify=verify, limits=one, trust_env=False)
        return self._transport

    def _take_time(self, date: str) -> None:
        from email.utils import parsedate_to_datetime  # 5 ms that an agent without an Alertmanager need not spend

        try:
            ahead = parsedate_to_datetime(date).timestamp() - self._clock.wall()
        except ValueError:
            return
        self.ahead = ahead if abs(ahead) > _SKEW else 0.0


async def _read(response: "httpx.Response") -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_ANSWER:
            raise NotifyError(f"its answer is larger than {MAX_ANSWER >> 20} MiB")
    return bytes(body)


def _refusal(status: int, body: bytes, retry_after: str) -> NotifyError:
    hint = {401: ": its token is missing or wrong", 403: ": its token may not do that", 404: ": no Alertmanager there"}
    try:
        said = msgspec.json.decode(body, type=str | dict[str, msgspec.Raw])
    except msgspec.MsgspecError:
        said = ""
    if isinstance(said, dict):  # what does not fit the API's schema is refused in another form
        said = bytes(said.get("message", b"")).decode("utf-8", "replace").strip('"')
    reason = hint.get(status) or (f": {clean(said, 160)}" if said else "")
    wait = float(retry_after) if retry_after.isdecimal() else None
    kind = Rejected if status in (400, 422) else NotifyError
    return kind(f"refused: HTTP {status}{reason}", wait)


def _listed(raw: msgspec.Raw) -> ListedSilence | None:
    try:
        return msgspec.json.decode(raw, type=ListedSilence)
    except msgspec.MsgspecError:
        return None


def moment(wall: float) -> datetime:
    """Return wall seconds as a time that can be sent."""
    return datetime.fromtimestamp(round(wall, 3), UTC)
