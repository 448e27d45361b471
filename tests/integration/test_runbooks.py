"""Runbooks that call a real HTTP server: what was previewed is what is sent, once."""

import asyncio
import json
import shlex
from pathlib import Path

import pytest

from perftui.actions.runbook.action import RunbookAction
from perftui.config.duration import Duration
from perftui.config.load import read
from perftui.config.remedies import HttpCall, Runbook, RunbookParam
from perftui.config.secret import Secret
from perftui.config.settings import Settings
from perftui.core.action import Outcome, Proof, Run
from tests.support.http_app import Answer, Asked, HttpApp, http_app, reply
from tests.support.servers import eventually
from tests.unit.actions.stage import ADMIN, Stage

pytestmark = pytest.mark.integration


def stage_for(folder: Path, book: Runbook) -> Stage:
    stage = Stage(folder, lambda ground, clock: RunbookAction("drain", book, ground, clock))
    stage.settings = Settings(runbooks={"drain": book})
    return stage


def calling(app: HttpApp, timeout: float = 10.0) -> Runbook:
    call = HttpCall(url=f"{app.url}/pool/{{server}}", token=Secret.literal("hunter22"), body='{"server": {server}}')
    params = {"server": RunbookParam(required=True)}
    return Runbook(title="Drain", target="cache-1", http=call, params=params, timeout=Duration(timeout))


async def start(stage: Stage, **params: str) -> str:
    plan = await stage.runner.plan(stage.action, "cache-1", params)
    assert "hunter22" not in str(plan)
    await stage.runner.apply(plan.id, plan.confirm, ADMIN)
    return plan.id


async def ended(stage: Stage, plan: str) -> Run:
    await eventually(lambda: asyncio.sleep(0, not stage.runner.busy), every=0.01)
    return next(run for run in stage.runner.runs if run.plan.id == plan)


async def test_a_call_is_sent_once_with_what_was_previewed(tmp_path: Path) -> None:
    async with http_app(lambda asked: reply(200, b"drained \x1b[31mweb-1\nsecond")) as app:
        stage = stage_for(tmp_path, calling(app))
        run = await ended(stage, await start(stage, server='we"b/1 ?'))
    (asked,) = app.asked
    assert (asked.method, asked.path) == ("POST", "/pool/we%22b%2F1%20%3F")
    assert json.loads(asked.body) == {"server": 'we"b/1 ?'}
    assert asked.headers["authorization"] == "Bearer hunter22"
    assert "$TOKEN" in run.plan.command
    assert shlex.split(run.plan.command)[:3] == ["curl", "-X", "POST"]
    assert (run.outcome, run.applied, run.proof) == (Outcome.SUCCEEDED, 1, Proof.UNKNOWN)
    assert [line.after for line in run.lines if line.label == "said"] == ["drained ␛[31mweb-1", "second"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reply(500, b"pool is locked"), "answered 500: pool is locked"),
        (reply(403), "answered 403"),
        (b"", "it is not known whether it was done"),
        (None, "it is not known whether it was done"),
    ],
    ids=["500", "403", "hangs up", "hangs"],
)
async def test_a_call_that_fails_says_how(tmp_path: Path, answer: Answer, words: str) -> None:
    def answers(_: Asked) -> Answer:
        return answer

    async with http_app(answers) as app:
        stage = stage_for(tmp_path, calling(app, timeout=1.0))
        run = await ended(stage, await start(stage, server="web-1"))
    assert (run.outcome, run.applied, run.failed) == (Outcome.FAILED, 0, 1)
    assert words in run.message
    assert len(app.asked) == 1


async def test_a_call_can_be_cancelled(tmp_path: Path) -> None:
    async with http_app(lambda _: None) as app:
        stage = stage_for(tmp_path, calling(app))
        plan = await start(stage, server="web-1")
        await eventually(lambda: asyncio.sleep(0, bool(app.asked)))
        stage.runner.cancel(plan, ADMIN)
        run = await ended(stage, plan)
    assert run.outcome is Outcome.CANCELLED
    assert "what it had done is not known" in run.message


async def test_one_out_of_a_file_runs_as_it_is_written(tmp_path: Path) -> None:
    marker = tmp_path / "it's done"
    file = tmp_path / "perftui.toml"
    file.write_text(f"""
        [sources.cache-1]
        kind = "redis"
        [runbooks.mark]
        title = "Mark"
        target = "cache-1"
        command = ["touch", "{marker}-{{name}}"]
        dry_run = ["echo", "would mark {{name}}"]
        proof = ["test", "-e", "{marker}-{{name}}"]
        params = {{ name = {{ pattern = "[a-z]+" }} }}
    """)
    loaded = read(file)
    assert loaded.problems == ()
    book = loaded.settings.runbooks["mark"]
    stage = Stage(tmp_path, lambda ground, clock: RunbookAction("mark", book, ground, clock))
    stage.settings = loaded.settings
    run = await ended(stage, await start(stage, name="it"))
    assert run.outcome is Outcome.SUCCEEDED
    assert shlex.split(run.plan.command) == ["touch", f"{marker}-it"]
    assert Path(f"{marker}-it").exists()
    await eventually(lambda: asyncio.sleep(0, stage.runner.runs[0].proof is Proof.RECOVERED))
