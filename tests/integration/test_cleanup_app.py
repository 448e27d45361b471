"""`cleanup.app` against a real socket: asked once, with the token, and told as it was answered."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from perftui.actions.cleanup.app import CleanupApp
from perftui.config.kinds import HttpOptions
from perftui.config.secret import Secret
from perftui.config.settings import SourceSettings
from perftui.core.action import Line, Outcome, Plan, Proof
from perftui.core.clock import SystemClock
from perftui.core.errors import Refused, TargetChanged
from tests.support.http_app import Answer, Asked, HttpApp, http_app, reply
from tests.support.servers import free_port
from tests.unit.actions.stage import ADMIN, Stage

pytestmark = pytest.mark.integration


class AppStage(Stage):
    """A stage whose source is an application."""

    def __init__(
        self, folder: Path, url: str, *, cleanup: str = "/clean?key=s3cret", token: str = "t0ken-s3cret"
    ) -> None:
        super().__init__(folder, lambda ground, _: CleanupApp(ground, SystemClock(), answer_limit=0.5))
        secret = Secret.literal(token) if token else None
        options = HttpOptions(url=f"{url}/health", cleanup=url + cleanup if cleanup else "", token=secret)
        self.source = SourceSettings(name="cache-1", kind="http", options=options)


class App:
    """The health check apart from the cleanup."""

    def __init__(self, answer: Answer, health: int = 200) -> None:
        self.cleanup, self.health = answer, health

    def __call__(self, asked: Asked) -> Answer:
        return reply(self.health) if asked.path.startswith("/health") else self.cleanup


def cleanups(app: HttpApp) -> list[Asked]:
    return [asked for asked in app.asked if asked.path.startswith("/clean")]


async def planned(stage: Stage, kind: str = "") -> Plan:
    return await stage.runner.plan("cleanup.app", "cache-1", {"type": kind} if kind else {})


@pytest.mark.parametrize("kind", ["", "all", "cache", "memory"])
async def test_it_is_asked_once_with_its_type_and_token(tmp_path: Path, kind: str) -> None:
    body = b'{"freed": {"bytes": 123456, "ok": true}, "names": [1, 2], "say": "\\u001b[31mdone"}'
    async with http_app(App(reply(200, body))) as app:
        stage = AppStage(tmp_path, app.url)
        plan = await planned(stage, kind)
        assert app.asked == [], "a preview asks nothing"
        await stage.runner.apply(plan.id, "y", ADMIN)
        run = await stage.ended(plan)
        (asked,) = cleanups(app)
    assert (asked.method, json.loads(asked.body)) == ("POST", {"type": kind or "cleanup"})
    assert asked.headers["authorization"] == "Bearer t0ken-s3cret"
    assert (run.outcome, run.message) == (Outcome.SUCCEEDED, "cache-1 answered 200")
    said = [Line("freed.bytes", after="123,456"), Line("freed.ok", after="yes"), Line("names", after="2 items")]
    assert list(run.lines) == [Line("status", after="200"), *said, Line("say", after="␛[31mdone")]
    assert run.proof is Proof.UNKNOWN, "that it is up as before proves nothing"
    told = msgspec.json.encode(run) + stage.log.path.read_bytes()
    assert b"s3cret" not in told


@pytest.mark.parametrize(
    ("answer", "token", "message"),
    [
        (reply(401, b"who?"), "t0ken", r"answered 401: who\?; see token in \[sources.cache-1\]: it is wrong"),
        (reply(403), "", r"answered 403; see token in \[sources.cache-1\]: it is not set"),
        (reply(503, b"<h1>busy</h1>\nmore"), "t0ken", "answered 503: <h1>busy</h1>$"),
        (reply(504), "t0ken", "answered 504; it is not known whether it was done"),
        (None, "t0ken", "no answer within 0.5 s; it is not known whether it was done"),
        (b"", "t0ken", "closed the connection without an answer; it is not known whether it was done"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
            "t0ken",
            "no answer within 0.5 s; it is not known whether",
        ),
        (b"nonsense\r\n\r\n", "t0ken", "does not speak HTTP: .*; it is not known whether it was done"),
    ],
)
async def test_what_goes_wrong_is_a_clear_end(tmp_path: Path, answer: Answer, token: str, message: str) -> None:
    async with http_app(App(answer)) as app:
        stage = AppStage(tmp_path, app.url, token=token)
        run = await stage.run()
        assert len(cleanups(app)) == 1, "never asked twice"
    assert run.outcome is Outcome.FAILED
    assert re.search(message, run.message), run.message


@pytest.mark.parametrize("status", [401, 429, 500, 503, 504])
async def test_what_was_sent_may_have_been_done_and_is_neither_repeated_at_once_nor_left_unproved(
    tmp_path: Path, status: int
) -> None:
    async with http_app(App(reply(status), health=500)) as app:
        stage = AppStage(tmp_path, app.url)
        run = await stage.run()
        assert (run.outcome, run.proof) == (Outcome.FAILED, Proof.WORSE), run
        with pytest.raises(Refused, match="refused by cooldown"):
            await stage.run()
        assert len(cleanups(app)) == 1


async def test_where_nothing_listens_nothing_was_done(tmp_path: Path) -> None:
    stage = AppStage(tmp_path, f"http://127.0.0.1:{free_port()}")
    for _ in range(2):
        run = await stage.run()
        assert (run.outcome, run.applied) == (Outcome.FAILED, 0)
        assert run.message.endswith("nothing listens there")


async def test_an_answer_that_is_no_json_is_shown_as_text(tmp_path: Path) -> None:
    async with http_app(App(reply(200, b"\nall clean\x1b[2J\n"))) as app:
        run = await AppStage(tmp_path, app.url).run()
    assert run.outcome is Outcome.SUCCEEDED
    assert run.lines[1] == Line("answer, which is not JSON", after="all clean␛[2J")


async def test_an_application_that_is_down_afterwards_is_worse(tmp_path: Path) -> None:
    async with http_app(App(reply(), health=500)) as app:
        run = await AppStage(tmp_path, app.url).run()
    assert run.proof is Proof.WORSE
    assert "down: 500" in [line.after for line in run.proof_lines]


async def test_it_is_offered_and_planned_only_where_it_is_set(tmp_path: Path) -> None:
    stage = AppStage(tmp_path, "http://127.0.0.1:9", cleanup="")
    assert stage.runner.offers("c", "cache-1") == ()
    with pytest.raises(Refused, match=r"set cleanup in \[sources.cache-1\]"):
        await planned(stage)
    stage = AppStage(tmp_path, "http://127.0.0.1:9")
    assert [offer.action for offer in stage.runner.offers("c", "cache-1")] == ["cleanup.app"]


async def test_another_url_is_another_target(tmp_path: Path) -> None:
    async with http_app() as app:
        stage = AppStage(tmp_path, app.url)
        plan = await planned(stage)
        stage.source = AppStage(tmp_path, app.url, cleanup="/clean/elsewhere").source
        with pytest.raises(TargetChanged, match="url was"):
            await stage.runner.apply(plan.id, "y", ADMIN)
    assert app.asked == []


async def test_a_token_in_the_path_reaches_neither_plan_nor_log_and_tells_urls_apart(tmp_path: Path) -> None:
    async with http_app(App(reply(500))) as app:
        stage = AppStage(tmp_path, app.url, cleanup="/hooks/xoxb7Qm2LkP9sVt4RzWd1/clean")
        run = await stage.run()
        told = msgspec.json.encode(run) + stage.log.path.read_bytes()
        assert b"xoxb7Qm2" not in told
        assert run.message.endswith("/hooks/…/clean answered 500")
        stage.clock.advance(60)
        plan = await planned(stage)
        stage.source = AppStage(tmp_path, app.url, cleanup="/hooks/another7Qm2LkP9sVt4RzWd1/clean").source
        with pytest.raises(TargetChanged, match="call was"):
            await stage.runner.apply(plan.id, "y", ADMIN)
