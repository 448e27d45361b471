"""A call is filled in safely, sent once, and its secrets stay where they belong."""

import json
import shlex

import pytest

from perftui.config.remedies import HttpCall
from perftui.config.secret import Secret
from perftui.connect.http import place_of
from perftui.connect.http_call import MOST_BODY, fetch_json, preview, send
from perftui.core.errors import BadAnswer, ConfigError, DeadlineExceeded, Denied, Uncertain, Unreachable
from tests.support.http_app import http_app, reply
from tests.support.servers import free_port

TOKEN = Secret.literal("t0ken-secret")


async def test_what_is_filled_in_stays_one_segment_one_query_value_and_one_json_value() -> None:
    hostile = 'a/../b?x=1&y "\n{paths}é'
    body = '{"name": {name}, "paths": {paths}, "say": "it is {name}!", "set": {}}'
    async with http_app() as app:
        call = HttpCall(url=f"{app.url}/p/{{name}}/q?key=k&name={{name}}", body=body, headers={"X-Team": "ops"})
        await send(call, {"name": hostile, "paths": ["/a", '/"b']}, 5.0)
    (asked,) = app.asked
    path, _, query = asked.path.partition("?")
    assert path.count("/") == 3
    assert query.split("&")[0] == "key=k"
    assert len(query.split("&")) == 2
    say = f"it is {hostile}!"
    assert json.loads(asked.body) == {"name": hostile, "paths": ["/a", '/"b'], "say": say, "set": {}}
    assert (asked.method, asked.headers["x-team"], asked.headers["content-type"]) == ("POST", "ops", "application/json")


@pytest.mark.parametrize(
    ("url", "values", "message"),
    [
        ("http://{host}/x", {"host": "evil"}, "not before them"),
        ("http://user:{pw}@h/x", {"pw": "x"}, "not before them"),
        ("http://127.0.0.1/users/{id}", {"id": ""}, "neither empty nor dots"),
        ("http://127.0.0.1/users/{id}/x", {"id": ".."}, "neither empty nor dots"),
        ("http://127.0.0.1/users/{idd}", {"id": "1"}, "no parameter idd"),
    ],
)
async def test_what_would_go_elsewhere_is_not_sent(url: str, values: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        await send(HttpCall(url=url), values, 5.0)
    with pytest.raises(ConfigError, match=message):
        preview(HttpCall(url=url), values)


async def test_a_body_that_is_no_json_is_not_sent() -> None:
    with pytest.raises(ConfigError, match="not JSON"):
        await send(HttpCall(url="http://127.0.0.1:9/", body="{name} and more"), {"name": "x"}, 5.0)


async def test_the_token_goes_where_the_setting_says_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async with http_app() as other:
        monkeypatch.setenv("HTTP_PROXY", other.url)
        moved = reply(302, headers=b"Location: %b/\r\n" % other.url.encode())
        async with http_app(moved) as app:
            with pytest.raises(BadAnswer, match="answered 302"):
                await send(HttpCall(url=f"{app.url}/x", token=TOKEN), {}, 5.0)
    assert other.asked == []
    assert app.asked[0].headers["authorization"] == "Bearer t0ken-secret"


@pytest.mark.parametrize(("status", "error"), [(500, BadAnswer), (404, BadAnswer), (401, Denied), (403, Denied)])
async def test_a_refusal_is_told_with_its_first_line_and_no_secret(status: int, error: type[Exception]) -> None:
    async with http_app(reply(status, b"\r\n  no \x1b[31mway\r\nmore")) as app:
        call = HttpCall(url=f"{app.url}/x?key=s3cret", token=TOKEN)
        with pytest.raises(error, match=f"/x answered {status}: no ␛\\[31mway$") as raised:
            await send(call, {}, 5.0)
    assert "s3cret" not in str(raised.value)
    assert "t0ken" not in str(raised.value)


async def test_a_status_may_be_expected() -> None:
    async with http_app(reply(404, b"gone already")) as app:
        sent = await send(HttpCall(url=app.url, method="DELETE", expect=(200, 404)), {}, 5.0)
    assert (sent.status, sent.body) == (404, "gone already")


async def test_a_body_is_bounded_and_cleaned() -> None:
    async with http_app(reply(200, b"\x1b]0;x\x07\nsecond\n" + b"x" * MOST_BODY)) as app:
        sent = await send(HttpCall(url=app.url), {}, 5.0)
    assert len(sent.content) == MOST_BODY
    assert sent.body.splitlines()[:2] == ["␛]0;x␇", "second"]


@pytest.mark.parametrize(("answer", "reason"), [(None, "within 0.2 s"), (b"", "closed the connection")])
async def test_what_broke_off_on_its_way_may_have_been_done(answer: bytes | None, reason: str) -> None:
    async with http_app(answer) as app:
        with pytest.raises(Uncertain, match=f"{reason}.*; it is not known whether it was done"):
            await send(HttpCall(url=app.url), {}, 0.2 if answer is None else 5.0)
        with pytest.raises((DeadlineExceeded, BadAnswer), match=reason):
            await send(HttpCall(url=app.url, method="GET"), {}, 0.2 if answer is None else 5.0)


async def test_what_was_never_sent_was_not_done() -> None:
    with pytest.raises(Unreachable, match=r"nothing listens there$"):
        await send(HttpCall(url=f"http://127.0.0.1:{free_port()}/"), {}, 5.0)
    with pytest.raises(Denied, match="env:NO_SUCH_TOKEN"):
        await send(HttpCall(url="http://127.0.0.1:9/", token=Secret("env:NO_SUCH_TOKEN")), {}, 5.0)


@pytest.mark.parametrize("token", ["s3cret\nvalue", "s3cret€"])
async def test_a_malformed_token_is_not_shown(token: str) -> None:
    with pytest.raises(BadAnswer, match="characters that HTTP does not allow") as raised:
        await send(HttpCall(url="http://127.0.0.1:9/", token=Secret.literal(token)), {}, 5.0)
    assert "s3cret" not in str(raised.value)


async def test_json_is_fetched_bounded() -> None:
    async with http_app(reply(200, b'[{"id": 1}]')) as app:
        assert await fetch_json(app.url, TOKEN, 5.0, 11) == [{"id": 1}]
        with pytest.raises(BadAnswer, match="larger than 10 bytes"):
            await fetch_json(app.url, None, 5.0, 10)
    async with http_app(reply(200, b"<html>")) as app:
        with pytest.raises(BadAnswer, match="not JSON"):
            await fetch_json(app.url, None, 5.0, 100)
    async with http_app(reply(503, b"[]")) as app:
        with pytest.raises(BadAnswer, match="answered 503"):
            await fetch_json(app.url, None, 5.0, 100)


@pytest.mark.parametrize(
    "token",
    [
        "xoxb7Qm2LkP9sVt4RzWd1",
        "d41d8cd98f00b204e9800998ecf8427e",
        "123e4567-e89b-12d3-a456-426614174000",
        "bot123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
        "aGVsbG8td29ybGQ_c2VjcmV0-dG9rZW4",
        "QwErTyUiOpAsDfGhJkLzXcVb",
        "abcdefghijklmnopqrstuvwxyz",
    ],
)
def test_a_token_in_the_path_is_not_shown(token: str) -> None:
    call = HttpCall(url=f"https://cdn/hooks/{token}/x{token}{{zone}}/{{zone}}")
    words = shlex.split(preview(call, {"zone": "0123456789abcdef01234567"}))
    assert words[-1] == "https://cdn/hooks/…/…/0123456789abcdef01234567", "what was given as a parameter is no secret"
    assert place_of(call.url).startswith("https://cdn/hooks/…/…/")


def test_names_in_the_path_are_shown() -> None:
    url = (
        "https://cdn/v1/customer-accounts-2024-archive/invalidate_everything_now/purge_v2.json/AllPublishedArticlesOf/x"
    )
    assert place_of(url) == url.replace("AllPublishedArticlesOf", "…"), "in doubt it is hidden"
    assert shlex.split(preview(HttpCall(url=url), {}))[-1] == place_of(url)


def test_the_preview_is_one_command_without_secrets() -> None:
    call = HttpCall(
        url="https://user:pw-secret@cdn/purge/{zone}?key=q-secret&zone={zone}",
        headers={"X-Api-Key": "h-secret", "Accept": "text/plain"},
        token=TOKEN,
        body='{"files": {paths}, "api_key": "b-secret"}',
    )
    shown = preview(call, {"zone": "a b", "paths": ["/it's"]})
    assert "secret" not in shown
    words = shlex.split(shown)
    assert words[:4] == ["curl", "-X", "POST", "https://cdn/purge/a%20b?key=…&zone=a%20b"]
    assert "Authorization: Bearer $TOKEN" in words
    assert "X-Api-Key: $X_API_KEY" in words
    assert "Accept: text/plain" in words
    assert json.loads(words[-1]) == {"files": ["/it's"], "api_key": "…"}
