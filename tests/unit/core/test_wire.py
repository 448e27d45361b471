"""The protocol: one message a line, and another version's extra fields hurt nobody."""

import msgspec

from perftui.core import wire
from perftui.core.alert import Alert
from perftui.core.reading import Sample
from perftui.core.status import SourceState, SourceStatus


def test_a_message_is_one_line_whatever_it_carries() -> None:
    line = wire.line(wire.Request("plan", msgspec.Raw(msgspec.json.encode({"target": "a\nb\r\u2028"})), id=1))
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1


def test_a_request_is_json_rpc_and_says_only_what_is_not_the_default() -> None:
    assert wire.line(wire.Request("bye")) == b'{"jsonrpc":"2.0","method":"bye"}\n'


def test_every_kind_of_message_is_told_apart() -> None:
    decode = msgspec.json.Decoder(wire.Message).decode
    result = decode(b'{"jsonrpc":"2.0","id":3,"result":[7]}')
    nothing = decode(b'{"jsonrpc":"2.0","id":3,"result":null}')
    failure = decode(b'{"jsonrpc":"2.0","id":4,"error":{"code":-32601,"message":"no such method"}}')
    notification = decode(b'{"jsonrpc":"2.0","method":"update","params":{"sequence":1,"topics":{}}}')
    assert (result.id, bytes(result.result)) == (3, b"[7]")
    assert bytes(nothing.result) == b"null"
    assert bytes(failure.result) == b""
    assert failure.error == wire.Problem(wire.METHOD_NOT_FOUND, "no such method")
    assert (notification.id, notification.method) == (None, "update")
    assert msgspec.json.decode(notification.params, type=wire.Update).sequence == 1


def test_fields_of_a_newer_version_are_tolerated_everywhere() -> None:
    status = SourceStatus(name="cache-1", kind="redis", state=SourceState.SLOW)
    newer = msgspec.to_builtins(status) | {"mood": {"today": "fine"}}
    assert msgspec.json.decode(msgspec.json.encode(newer), type=SourceStatus) == status
    assert msgspec.json.decode(b'["redis.clients",5,[],"shiny"]', type=Sample) == Sample("redis.clients", 5.0)


def test_fields_of_an_older_version_have_defaults() -> None:
    assert msgspec.json.decode(b"{}", type=wire.Hello).protocol == wire.PROTOCOL
    assert msgspec.json.decode(b"{}", type=wire.AlertsView).firing == ()


def test_an_alert_keeps_its_identity_over_the_wire() -> None:
    alert = Alert(rule="no-workers", source="jobs", metric="queue.workers", attributes=(("queue", "mail"),))
    again = msgspec.json.decode(msgspec.json.encode(alert), type=Alert)
    assert again == alert
    assert again.key == "no-workers/jobs/queue=mail"
