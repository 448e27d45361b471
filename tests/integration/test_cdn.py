"""`cdn.purge` and `cdn.warm` against a real socket."""

import json
from pathlib import Path

import msgspec
import pytest

from perftui.actions.cache.cdn import CdnPurge, CdnWarm
from perftui.actions.contract import Action
from perftui.config.kinds import HttpOptions
from perftui.config.remedies import CdnHook, HttpCall
from perftui.config.secret import Secret
from perftui.config.settings import Settings, SourceSettings
from perftui.core.action import Line, Outcome, Plan, Proof, Risk
from perftui.core.clock import SystemClock
from perftui.core.errors import Refused, TargetChanged
from tests.support.http_app import Answer, Asked, http_app, reply
from tests.unit.actions.stage import ADMIN, Stage

pytestmark = pytest.mark.integration


class CdnStage(Stage):
    """A stage whose source has a network in front of it."""

    def __init__(
        self, folder: Path, url: str, action: type[CdnPurge] | type[CdnWarm] = CdnPurge, body: str = ""
    ) -> None:
        def made(ground: Stage, _: object) -> Action:
            return action(ground, SystemClock(), answer_limit=0.5)

        super().__init__(folder, made)  # type: ignore[arg-type]
        self.source = SourceSettings(name="cache-1", kind="http", options=HttpOptions(url=f"{url}/health"))
        purge = HttpCall(
            url=f"{url}/purge?zone=s3cret", token=Secret.literal("t0ken"), body=body or '{"files": {paths}}'
        )
        hook = CdnHook(source="cache-1", purge=purge, warm=HttpCall(url=f"{url}/warm", method="PUT"))
        self.settings = msgspec.structs.replace(Settings(), cdn={"edge": hook})

    async def plan(self, **params: str) -> Plan:
        return await super().plan(hook="edge", **params)


class Network:
    """The network's answer; the source behind it is well."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, asked: Asked) -> Answer:
        return reply() if asked.path == "/health" else self.answer


async def applied(stage: Stage, plan: Plan, confirmation: str = "y") -> tuple[Outcome, Proof]:
    await stage.runner.apply(plan.id, confirmation, ADMIN)
    run = await stage.ended(plan)
    return run.outcome, run.proof


async def test_the_paths_are_purged_and_the_answer_is_shown(tmp_path: Path) -> None:
    async with http_app(Network(reply(202, b'{"id": "p-1"}'))) as app:
        stage = CdnStage(tmp_path, app.url)
        plan = await stage.plan(paths='/img/a.png, /"b')
        assert app.asked == []
        assert await applied(stage, plan) == (Outcome.SUCCEEDED, Proof.UNKNOWN)
        asked = app.asked[0]
    assert (asked.method, asked.path) == ("POST", "/purge?zone=s3cret")
    assert json.loads(asked.body) == {"files": ["/img/a.png", '/"b']}
    run = stage.runner.runs[0]
    assert Line("status", after="202") in run.lines
    assert Line("answer", after='{"id": "p-1"}') in run.lines
    assert plan.targets == ("/img/a.png", '/"b')
    assert any("not seen from here" in each for each in plan.unknown)
    told = msgspec.json.encode(run) + stage.log.path.read_bytes()
    assert b"s3cret" not in told
    assert b"t0ken" not in told


@pytest.mark.parametrize(("paths", "body"), [("*", ""), ("/css/*", ""), ("/one", '{"purge_everything": true}')])
async def test_a_purge_of_more_than_single_paths_wants_the_name(tmp_path: Path, paths: str, body: str) -> None:
    async with http_app() as app:
        stage = CdnStage(tmp_path, app.url, body=body)
        plan = await stage.plan(paths=paths)
        assert (plan.risk, plan.confirm) == (Risk.HIGH, "cache-1")
        with pytest.raises(Refused, match="confirmation"):
            await stage.runner.apply(plan.id, "y", ADMIN)
        assert app.asked == []


async def test_warming_needs_no_paths_where_the_call_takes_none(tmp_path: Path) -> None:
    async with http_app(Network(reply(200))) as app:
        stage = CdnStage(tmp_path, app.url, CdnWarm)
        plan = await stage.plan()
        assert plan.risk is Risk.LOW
        assert (await applied(stage, plan))[0] is Outcome.SUCCEEDED
        assert (app.asked[0].method, app.asked[0].path, app.asked[0].body) == ("PUT", "/warm", b"")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"paths": "no-slash"}, "no-slash is no path"),
        ({"paths": ""}, "needs paths"),
        ({"paths": ","}, "takes paths"),
        ({"paths": "/a", "hook": "edgy"}, 'no hook edgy for cache-1; did you mean "edge"'),
    ],
)
async def test_a_bad_request_is_refused(tmp_path: Path, params: dict[str, str], message: str) -> None:
    stage = CdnStage(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(Refused, match=message):
        await stage.runner.plan("cdn.purge", "cache-1", {"hook": "edge", **params})


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (reply(403, b"no"), "/purge answered 403: no"),
        (reply(429), "/purge answered 429"),
        (reply(500), "/purge answered 500"),
        (reply(503, b"later"), "/purge answered 503: later"),
        (None, "it is not known whether it was done"),
        (b"", "it is not known whether it was done"),
    ],
)
async def test_what_goes_wrong_is_a_clear_end(tmp_path: Path, answer: Answer, message: str) -> None:
    async with http_app(Network(answer)) as app:
        stage = CdnStage(tmp_path, app.url)
        outcome, _ = await applied(stage, await stage.plan(paths="/a"))
        assert len([asked for asked in app.asked if asked.path.startswith("/purge")]) == 1
        assert outcome is Outcome.FAILED
        assert message in stage.runner.runs[0].message
        assert stage.events() == ["intent", "outcome", "proof"]
        with pytest.raises(Refused, match="refused by cooldown"):
            await applied(stage, await stage.plan(paths="/a"))


async def test_a_hook_that_was_rewritten_since_is_not_called(tmp_path: Path) -> None:
    async with http_app() as app:
        stage = CdnStage(tmp_path, app.url)
        plan = await stage.plan(paths="/a")
        stage.settings = CdnStage(tmp_path, app.url, body='{"all": true}').settings
        with pytest.raises(TargetChanged, match="call was"):
            await stage.runner.apply(plan.id, "y", ADMIN)
    assert app.asked == []


async def test_what_a_hook_has_is_offered(tmp_path: Path) -> None:
    stage = CdnStage(tmp_path, "http://127.0.0.1:9")
    (offer,) = stage.runner.offers("c", "cache-1")
    assert (offer.action, offer.title, offer.params) == ("cdn.purge", "purge edge", {"hook": "edge"})
    hook = stage.settings.cdn["edge"]
    without = msgspec.structs.replace(hook, purge=None)
    stage.settings = msgspec.structs.replace(Settings(), cdn={"edge": without})
    assert stage.runner.offers("c", "cache-1") == ()
