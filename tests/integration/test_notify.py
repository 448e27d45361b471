"""Notifications to real receivers that the test starts: HTTP, SMTP and a program, from an outbox to its end."""

import asyncio
import contextlib
import email.policy
import random
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest

from perftui.alerts.notify.apprise_sender import AppriseSender
from perftui.alerts.notify.courier import Courier
from perftui.alerts.notify.outbox import Outbox
from perftui.config.notify import Route
from perftui.config.secret import Secret
from perftui.core.clock import SystemClock
from perftui.core.errors import NotifyError
from tests.unit.alerts.notify.messages import message

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),  # by apprise, when imported
]

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


@contextlib.asynccontextmanager
async def listening(talk: Conversation) -> AsyncIterator[int]:
    """Serve one conversation after another on the loopback; return the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            await talk(reader, writer)
            await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class WebHook:
    """An HTTP receiver that answers with the statuses it was given, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)
        self.got: list[dict[str, Any]] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
        body = msgspec.json.decode(await reader.readexactly(length))
        status = self._statuses.pop(0) if self._statuses else 200
        if status == 200:
            self.got.append(body)
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)


class MailServer:
    """As much of SMTP as it takes to be sent a mail."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                self.got.append(email.message_from_bytes(raw[:-5], policy=email.policy.default))
            writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return


async def test_a_web_hook_gets_title_text_and_kind() -> None:
    hook = WebHook()
    async with listening(hook.talk) as port:
        sender = AppriseSender(Secret.literal(f"json://127.0.0.1:{port}/s3cret-path"))
        await sender.send(message(1))
        await sender.send(message(2, resolved=True))
    assert [each["type"] for each in hook.got] == ["failure", "success"]
    assert hook.got[0]["title"] == "critical: cache-1 memory is full, 3 writes/s refused"
    assert hook.got[1]["message"].splitlines()[-1] == "id fire#2"


async def test_pagerduty_is_triggered_and_resolved_under_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from apprise.plugins import pagerduty

    hook = WebHook()
    async with listening(hook.talk) as port:
        api = f"http://127.0.0.1:{port}/v2/enqueue"
        monkeypatch.setitem(pagerduty.PAGERDUTY_API_LOOKUP, pagerduty.PagerDutyRegion.US, api)
        sender = AppriseSender(Secret.literal("pagerduty://IntegrationKey@ApiKey123"))
        await sender.send(message(1))
        await sender.send(message(2, resolved=True))
    assert [(each["event_action"], each["dedup_key"]) for each in hook.got] == [
        ("trigger", "fire"),
        ("resolve", "fire"),
    ]
    assert hook.got[0]["payload"]["severity"] == "critical"


async def test_a_refusal_is_told_by_its_status_and_without_the_url(capfd: pytest.CaptureFixture[str]) -> None:
    hook = WebHook(429)
    async with listening(hook.talk) as port:
        with pytest.raises(NotifyError) as failure:
            await AppriseSender(Secret.literal(f"json://127.0.0.1:{port}/s3cret-path")).send(message())
    assert str(failure.value) == "HTTP 429"
    with pytest.raises(NotifyError, match=r"^no connection, or no answer$"):
        await AppriseSender(Secret.literal(f"json://127.0.0.1:{port}/s3cret-path")).send(message())
    assert capfd.readouterr() == ("", "")


async def test_mail_goes_out_with_its_subject() -> None:
    mails = MailServer()
    async with listening(mails.talk) as port:
        url = f"mailto://127.0.0.1:{port}?from=perftui@example.org&to=oncall@example.org"
        await AppriseSender(Secret.literal(url)).send(message(1))
    (mail,) = mails.got
    assert mail["Subject"] == "critical: cache-1 memory is full, 3 writes/s refused"
    assert "id fire#1" in mail.as_string()


async def test_a_receiver_that_recovers_gets_everything_in_order_beside_a_program(tmp_path: Path) -> None:
    hook, out = WebHook(500, 503), tmp_path / "out"
    async with listening(hook.talk) as port:
        routes = {
            "hook": Route(url=Secret.literal(f"json://127.0.0.1:{port}")),
            "script": Route(exec=("/bin/sh", "-c", f"cat >> {out}")),
        }
        outbox = Outbox(SystemClock(), random.Random(1))
        progress = asyncio.Event()
        courier = Courier(outbox, routes, lambda _notification, _problem: progress.set())

        def save() -> None:
            outbox.take_changes()
            outbox.release()
            courier.wake()

        for number in (1, 2, 3):
            outbox.add(message(number, route="hook"))
            outbox.add(message(number, route="script"))
        save()
        task = asyncio.create_task(courier.run())
        async with asyncio.timeout(20):
            while outbox.delivery().waiting:
                progress.clear()
                await progress.wait()
                save()
        task.cancel()
        await asyncio.wait({task})
    assert [each["message"].splitlines()[-1] for each in hook.got] == ["id fire#1", "id fire#2", "id fire#3"]
    assert [msgspec.json.decode(line)["sequence"] for line in out.read_bytes().splitlines()] == [1, 2, 3]
